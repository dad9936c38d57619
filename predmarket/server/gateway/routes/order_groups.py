"""Order groups: make, list, show, change the limit, reset, trigger, delete."""

from typing import TypeAlias

from litestar import Router, delete, get, patch, post
from litestar.params import JSONBody

from predmarket.contracts.order_groups import OrderGroup, OrderGroupList, OrderGroupRequest
from predmarket.contracts.requests import NoFields
from predmarket.engine.commands import (
    CreateOrderGroup,
    DeleteOrderGroup,
    ResetOrderGroup,
    SetOrderGroupLimit,
    TriggerOrderGroup,
)
from predmarket.engine.replies import OrderGroupDone
from predmarket.enums import ErrorCode as E
from predmarket.server.errors import Refusal
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.group_presenters import order_group
from predmarket.server.gateway.guards import cancel_entry, order_entry, signed_in
from predmarket.server.gateway.http.params import OrderGroupPath, id_in_path
from predmarket.server.gateway.openapi.notes import COMMAND, notes
from predmarket.server.gateway.services import Services
from predmarket.server.read_model.queries.order_groups import order_groups_of

GroupCommand: TypeAlias = (
    CreateOrderGroup | SetOrderGroupLimit | ResetOrderGroup | TriggerOrderGroup | DeleteOrderGroup
)
_NOT_FOUND = E.ORDER_GROUP_NOT_FOUND


async def submit(services: Services, command: GroupCommand) -> OrderGroup:
    """Have the core carry out a command for a group; return the group. Raises Refusal, BusError."""
    reply = await services.submit(command)
    assert isinstance(reply, OrderGroupDone)
    return order_group(reply.group)


async def groups_of(services: Services, user_id: int) -> list[OrderGroup]:
    """Return all groups of a user, the oldest first."""
    async with services.db.read() as connection:
        return [order_group(one) for one in await order_groups_of(connection, user_id)]


async def group_of(services: Services, user_id: int, id: int) -> OrderGroup:
    """Return one group of a user. Raises Refusal ORDER_GROUP_NOT_FOUND."""
    async with services.db.look_up() as connection:
        found = await order_groups_of(connection, user_id, id)
    if not found:
        raise Refusal(_NOT_FOUND)
    return order_group(found[0])


@post("/", guards=[order_entry], opt=notes(E.LIMIT_EXCEEDED, *COMMAND))
async def create_order_group(request: ApiRequest, data: JSONBody[OrderGroupRequest]) -> OrderGroup:
    """Make an order group.

    When its orders fill more than the limit within 15 seconds, it trips: its open orders are
    cancelled, and it takes no new ones until it is reset. An account has at most 100 groups.
    """
    command = CreateOrderGroup(request.principal.user_id, data.limit.units)
    return await submit(request.services, command)


@get("/", opt=notes())
async def list_order_groups(request: ApiRequest) -> OrderGroupList:
    """List one's order groups, the oldest first."""
    return OrderGroupList(await groups_of(request.services, request.principal.user_id))


@get("/{id:str}", opt=notes(_NOT_FOUND))
async def show_order_group(request: ApiRequest, id: OrderGroupPath) -> OrderGroup:
    """Show one order group; GET /v1/orders?orderGroupId= lists its orders."""
    return await group_of(request.services, request.principal.user_id, id_in_path(id, _NOT_FOUND))


@patch("/{id:str}", guards=[order_entry], opt=notes(_NOT_FOUND, *COMMAND))
async def update_order_group(
    request: ApiRequest, id: OrderGroupPath, data: JSONBody[OrderGroupRequest]
) -> OrderGroup:
    """Change an order group's limit. A group that has filled more than the new one trips."""
    wanted = id_in_path(id, _NOT_FOUND)
    command = SetOrderGroupLimit(request.principal.user_id, wanted, data.limit.units)
    return await submit(request.services, command)


@post("/{id:str}/reset", status_code=200, guards=[order_entry], opt=notes(_NOT_FOUND, *COMMAND))
async def reset_order_group(
    request: ApiRequest, id: OrderGroupPath, data: JSONBody[NoFields | None] = None
) -> OrderGroup:
    """Let an order group take orders again, with nothing counted."""
    del data  # decoding has refused any content
    command = ResetOrderGroup(request.principal.user_id, id_in_path(id, _NOT_FOUND))
    return await submit(request.services, command)


@post("/{id:str}/trigger", status_code=200, guards=[cancel_entry], opt=notes(_NOT_FOUND, *COMMAND))
async def trigger_order_group(
    request: ApiRequest, id: OrderGroupPath, data: JSONBody[NoFields | None] = None
) -> OrderGroup:
    """Trip an order group, whatever it has filled: its open orders are cancelled."""
    del data  # as above
    command = TriggerOrderGroup(request.principal.user_id, id_in_path(id, _NOT_FOUND))
    return await submit(request.services, command)


@delete("/{id:str}", guards=[cancel_entry], opt=notes(_NOT_FOUND, *COMMAND))
async def delete_order_group(request: ApiRequest, id: OrderGroupPath) -> None:
    """Delete an order group; its open orders are cancelled."""
    command = DeleteOrderGroup(request.principal.user_id, id_in_path(id, _NOT_FOUND))
    await submit(request.services, command)


router = Router(
    "/v1/order-groups",
    route_handlers=[
        create_order_group,
        list_order_groups,
        show_order_group,
        update_order_group,
        reset_order_group,
        trigger_order_group,
        delete_order_group,
    ],
    guards=[signed_in],
    tags=["orders"],
)
