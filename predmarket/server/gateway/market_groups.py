"""The groups that markets and events belong to, by name."""

from typing import Annotated

from litestar.params import QueryParameter
from msgspec import UNSET, UnsetType

from predmarket.contracts.text import LINE, name_key
from predmarket.enums import ErrorCode
from predmarket.server.errors import Refusal
from predmarket.server.gateway.services import Services
from predmarket.server.read_model.queries.user_groups import group_by_name

GroupFilter = Annotated[
    str | None,
    QueryParameter(max_length=64, pattern=LINE, description="Of one group, by its name"),
]
_NO_GROUP = 0


async def group_id_of(services: Services, name: str | UnsetType | None) -> int | None:
    """Return the id of the group that a request names. Raises Refusal GROUP_NOT_FOUND."""
    if name is None or name is UNSET:
        return None
    async with services.db.look_up() as connection:
        found = await group_by_name(connection, name)
    if found is None:
        raise Refusal(ErrorCode.GROUP_NOT_FOUND)
    return found


async def wanted_group(services: Services, name: str | None) -> int | None:
    """Return the group that a list is asked for, None for any.

    An unknown name finds nothing, and so does the name of a group whose markets the sender does not
    see: both answer the same.
    """
    if name is None:
        return None
    await services.hub.groups.learn()
    wanted, names = name_key(name), services.view.group_names
    return next((id for id, known in names.items() if name_key(known) == wanted), _NO_GROUP)
