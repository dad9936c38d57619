"""Learns the names of the groups that markets belong to. A group keeps its name for ever."""

from predmarket.server.read_model.market_view import MarketView
from predmarket.server.read_model.queries.user_groups import names_of_groups
from predmarket.server.storage.database import Database


class GroupNames:
    """Keeps the market view's ``group_names``, from which markets and events are presented."""

    def __init__(self, db: Database, view: MarketView) -> None:
        self._db = db
        self._view = view

    @property
    def known(self) -> bool:
        """Tell whether the view has the name of every group that a market belongs to."""
        return self._view.hidden.keys() <= self._view.group_names.keys()

    async def learn(self) -> None:
        """Read the names that are missing."""
        wanted = self._view.hidden.keys() - self._view.group_names.keys()
        if not wanted:
            return
        async with self._db.look_up() as connection:
            self._view.group_names.update(await names_of_groups(connection, wanted))
