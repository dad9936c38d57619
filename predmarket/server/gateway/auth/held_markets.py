"""Where users are not flat in markets of groups that they are not in: they still see those.

Such a set only shrinks while its user stays out of the group, since an order of the user can only
reduce there. It costs nothing while no market belongs to a group.
"""

from collections.abc import Callable, Iterable, Mapping

from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.server.read_model.queries.unsettled import held_markets

_USERS_A_QUERY = 1_000
_NOTHING: frozenset[int] = frozenset()


class HeldMarkets:
    """Looks users' held markets up; ``hidden_groups`` returns the groups that markets belong to.

    ``users`` are those who hold some, each with the units that they have shares of: as they trade,
    they may see less (sight_watch.py).
    """

    def __init__(self) -> None:
        self.hidden_groups: Callable[[], Iterable[int]] = tuple
        self.users: dict[int, frozenset[int]] = {}

    async def of(
        self, connection: AsyncConnection, groups_of: Mapping[int, frozenset[int]]
    ) -> dict[int, frozenset[int]]:
        """Return the units (read_model/records.py) that each user holds; ``groups_of`` has the
        groups of each.
        """
        hidden = frozenset(self.hidden_groups())
        asked = [user_id for user_id, groups in groups_of.items() if hidden - groups]
        # before the query: whatever ends meanwhile is looked up again
        self.users.update(dict.fromkeys(asked, _NOTHING))
        units: dict[int, set[int]] = {}
        shares: dict[int, set[int]] = {}
        for start in range(0, len(asked), _USERS_A_QUERY):
            for one in await held_markets(connection, asked[start : start + _USERS_A_QUERY]):
                if one.group_id not in groups_of[one.user_id]:
                    units.setdefault(one.user_id, set()).add(one.unit)
                    if one.by_shares:
                        shares.setdefault(one.user_id, set()).add(one.unit)
        for user_id in groups_of.keys() - units.keys():
            self.users.pop(user_id, None)
        self.users.update((user_id, frozenset(some)) for user_id, some in shares.items())
        return {user_id: frozenset(some) for user_id, some in units.items()}
