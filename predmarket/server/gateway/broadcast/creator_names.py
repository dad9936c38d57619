"""A cache of the names of markets' creators.

A name does not change. Creators are admins, so there are few.
"""

from collections.abc import Iterable

from predmarket.server.read_model.queries.users import full_names
from predmarket.server.storage.database import Database


class CreatorNames:
    """Names of users by id."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._names: dict[int, str | None] = {}

    def known(self, user_ids: Iterable[int]) -> bool:
        """Tell whether ``get`` knows all these."""
        return all(id in self._names for id in user_ids)

    def get(self, user_id: int) -> str | None:
        """Return a known user's name; None if the user has none."""
        return self._names.get(user_id)

    async def learn(self, user_ids: Iterable[int]) -> None:
        """Read the names that are missing here."""
        wanted = {id for id in user_ids if id not in self._names}
        if not wanted:
            return
        async with self._db.read() as connection:
            found = await full_names(connection, wanted)
        self._names.update({id: found.get(id) for id in wanted})
