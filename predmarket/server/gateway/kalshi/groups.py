"""The exchange's order groups, under Kalshi's addresses."""

import msgspec
from litestar import Response, Router, delete, get, post, put

from predmarket.engine.commands import (
    CreateOrderGroup,
    DeleteOrderGroup,
    ResetOrderGroup,
    SetOrderGroupLimit,
    TriggerOrderGroup,
)
from predmarket.engine.order_group import OrderGroupRecord
from predmarket.engine.replies import OrderGroupDone
from predmarket.enums import LIVE_STATUSES, ErrorCode
from predmarket.server.gateway.api_request import ApiRequest, require_json
from predmarket.server.gateway.guards import cancel_entry, order_entry
from predmarket.server.gateway.http.params import id_in_path
from predmarket.server.gateway.kalshi.answers import answer
from predmarket.server.gateway.kalshi.errors import NotFound
from predmarket.server.gateway.kalshi.guards import reader, trader
from predmarket.server.gateway.kalshi.order_requests import check_account, qty, read
from predmarket.server.gateway.kalshi.query import NamePath, Query
from predmarket.server.gateway.kalshi.words import Json, count
from predmarket.server.gateway.routes.order_groups import GroupCommand
from predmarket.server.read_model.queries.cursors import LARGEST_ID
from predmarket.server.read_model.queries.order_groups import order_groups_of
from predmarket.server.read_model.queries.orders import page_of_orders
from predmarket.units import Qty

_MOST_ORDERS = 1_000
"""Maximum open orders in the answer about a group."""


class _LimitBody(msgspec.Struct, frozen=True):
    contracts_limit_fp: object = None
    contracts_limit: object = None
    subaccount: int | None = None
    exchange_index: int | None = None


def _id(name: str) -> int:
    return id_in_path(name, ErrorCode.ORDER_GROUP_NOT_FOUND)


async def _limit(request: ApiRequest) -> Qty:
    """Return the limit that a body gives. Raises InvalidOrder."""
    require_json(request.scope["headers"])
    body: _LimitBody = read(await request.body(), _LimitBody)
    check_account(body.subaccount, body.exchange_index)
    given = body.contracts_limit_fp
    return qty("contracts_limit_fp", body.contracts_limit if given is None else given).units


async def _submit(request: ApiRequest, command: GroupCommand) -> OrderGroupRecord:
    reply = await request.services.submit(command)
    assert isinstance(reply, OrderGroupDone)
    return reply.group


def _shown(group: OrderGroupRecord) -> Json:
    return {
        "id": str(group.id),
        "contracts_limit_fp": count(group.limit),
        "is_auto_cancel_enabled": True,
    }


@post("/create", guards=[trader, order_entry], status_code=201)
async def create_group(request: ApiRequest) -> Response[bytes]:
    """Make a group."""
    Query(request)
    command = CreateOrderGroup(request.principal.user_id, await _limit(request))
    group = await _submit(request, command)
    return answer({"order_group_id": str(group.id), "subaccount": 0}, 201)


@get("/", guards=[reader])
async def list_groups(request: ApiRequest) -> Response[bytes]:
    """List the sender's groups."""
    Query(request)
    async with request.services.db.read() as connection:
        found = await order_groups_of(connection, request.principal.user_id)
    return answer({"order_groups": [_shown(one) for one in found]})


@get("/{name:str}", guards=[reader])
async def show_group(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Show a group with its open orders."""
    Query(request)
    user_id, id = request.principal.user_id, _id(name)
    async with request.services.db.read() as connection:
        found = await order_groups_of(connection, user_id, id)
        if not found:
            raise NotFound("there is no such order group")
        orders, _ = await page_of_orders(
            connection,
            user_id,
            before=LARGEST_ID,
            limit=_MOST_ORDERS,
            statuses=LIVE_STATUSES,
            order_group_id=id,
        )
    request.charge(len(orders))
    return answer({**_shown(found[0]), "orders": [str(one.id) for one in orders]})


@put("/{name:str}/limit", guards=[trader, order_entry])
async def change_limit(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Change a group's limit; a group that has filled more than the new limit trips."""
    Query(request)
    user_id = request.principal.user_id
    await _submit(request, SetOrderGroupLimit(user_id, _id(name), await _limit(request)))
    return answer({})


@put("/{name:str}/reset", guards=[trader, order_entry])
async def reset_group(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Let a group take orders again, with nothing counted."""
    Query(request)
    await _submit(request, ResetOrderGroup(request.principal.user_id, _id(name)))
    return answer({})


@put("/{name:str}/trigger", guards=[trader, cancel_entry])
async def trigger_group(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Trip a group, whatever it has filled."""
    Query(request)
    await _submit(request, TriggerOrderGroup(request.principal.user_id, _id(name)))
    return answer({})


@delete("/{name:str}", guards=[trader, cancel_entry], status_code=200)
async def delete_group(request: ApiRequest, name: NamePath) -> Response[bytes]:
    """Delete a group; its open orders are cancelled."""
    Query(request)
    await _submit(request, DeleteOrderGroup(request.principal.user_id, _id(name)))
    return answer({})


ROUTER = Router(
    "/portfolio/order_groups",
    route_handlers=[
        create_group,
        list_groups,
        show_group,
        change_limit,
        reset_group,
        trigger_group,
        delete_group,
    ],
)
