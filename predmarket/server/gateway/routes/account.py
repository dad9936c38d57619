"""One's own money and holdings; and, for admins, transfers."""

import asyncio
import re
from typing import Annotated

from litestar import Response, Router, get, post
from litestar.params import JSONBody, QueryParameter

from predmarket.contracts.accounts import (
    Balance,
    EntryKind,
    FillPage,
    LedgerPage,
    Portfolio,
    PositionList,
    Transfer,
    TransferRequest,
)
from predmarket.contracts.errors import Problem
from predmarket.contracts.events import EventHoldingList
from predmarket.contracts.requests import Invalid
from predmarket.engine.commands import Transfer as BookTransfer
from predmarket.engine.replies import TransferDone
from predmarket.enums import ErrorCode as E
from predmarket.server.core.bus import RepeatedTransfer
from predmarket.server.errors import Refusal
from predmarket.server.gateway import event_presenters, presenters
from predmarket.server.gateway.account_views import (
    balance_of,
    list_fills,
    list_ledger,
    list_positions,
)
from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.auth.authenticator import header
from predmarket.server.gateway.guards import admin, signed_in
from predmarket.server.gateway.http.params import (
    DEFAULT_LIMIT,
    Cursor,
    Limit,
    MarketFilter,
    Since,
    Until,
    span_of,
    word,
)
from predmarket.server.gateway.openapi.notes import COMMAND, notes
from predmarket.server.gateway.services import Services
from predmarket.server.read_model.queries.accounts import account_of, transfer_by_id
from predmarket.server.read_model.queries.cursors import (
    LARGEST_ID,
)
from predmarket.server.read_model.queries.holdings import holdings_of
from predmarket.server.read_model.queries.positions import positions_of
from predmarket.server.read_model.queries.users import user_by_email, user_by_id
from predmarket.units import MAX_TRANSFER, format_money

Kind = Annotated[
    str | None,
    QueryParameter(
        max_length=64,
        description="Of one kind",
        schema_extra={"enum": [word.value for word in EntryKind]},
    ),
]

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@get("/balance", guards=[signed_in], opt=notes())
async def balance(request: ApiRequest) -> Balance:
    """Show one's cash."""
    return await balance_of(request, request.principal.user_id)


@get("/positions", guards=[signed_in], opt=notes(E.MARKET_NOT_FOUND))
async def positions(request: ApiRequest, market: MarketFilter = None) -> PositionList:
    """List one's positions, flat ones too for what they realized."""
    return await list_positions(request, request.principal.user_id, market)


@get("/portfolio", guards=[signed_in], opt=notes())
async def portfolio(request: ApiRequest) -> Portfolio:
    """Value one's cash and positions together."""
    services, who = request.services, request.principal
    async with services.db.read() as connection:
        account = await account_of(connection, who.user_id)
        rows = await positions_of(connection, who.user_id)
        holdings = await holdings_of(connection, who.user_id)
    cash = 0 if account is None else account.available + account.locked
    returned = sum(one.returned for one in holdings)
    return presenters.portfolio(cash, rows, returned, services.view)


@get("/events", guards=[signed_in], opt=notes())
async def event_holdings(request: ApiRequest) -> EventHoldingList:
    """List what each outcome would pay, of every live event that one holds something of."""
    services = request.services
    async with services.db.read() as connection:
        rows = await holdings_of(connection, request.principal.user_id)
    items = []
    for row in rows:  # each has up to 200 payoffs
        items.append(event_presenters.holding(row, services.view))
        await asyncio.sleep(0)
    return EventHoldingList(items)


@get("/fills", guards=[signed_in], opt=notes())
async def fills(
    request: ApiRequest,
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> FillPage:
    """List one's executions, newest first."""
    span = span_of(since, until)
    return await list_fills(request, request.principal.user_id, span, limit, cursor)


@get("/ledger", guards=[signed_in], opt=notes(E.MARKET_NOT_FOUND))
async def statement(
    request: ApiRequest,
    market: MarketFilter = None,
    kind: Kind = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> LedgerPage:
    """Show one's account statement, newest first: its amounts add up to one's cash.

    ``balanceAfter`` is the cash, available and locked, right after a line, whatever is filtered.
    With a filter a page may hold fewer than ``limit`` lines, even none, although another follows:
    no page looks at more than 5000 lines.
    """
    span, wanted = span_of(since, until), None if kind is None else word("kind", EntryKind, kind)
    user_id = request.principal.user_id
    return await list_ledger(request, user_id, market, wanted, span, limit, cursor)


@post(
    "/transfer",
    guards=[admin],
    status_code=201,
    opt=notes(
        E.USER_NOT_FOUND,
        E.INSUFFICIENT_FUNDS,
        E.LIMIT_EXCEEDED,
        E.IDEMPOTENCY_KEY_REUSED,
        *COMMAND,
        answers={200: "The original transfer, booked before under that key"},
        headers={"Idempotency-Key": "Under the same key a transfer is booked once"},
    ),
)
async def transfer(request: ApiRequest, data: JSONBody[TransferRequest]) -> Response[Transfer]:
    """Deposit to an account, or withdraw from it."""
    services = request.services
    key = header(request.scope["headers"], b"idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        problem = Problem("Idempotency-Key", "must be 1 to 255 printable ASCII characters")
        raise Invalid(problem)
    if data.amount.too_large:
        raise Refusal(E.LIMIT_EXCEEDED, f"one transfer moves at most {format_money(MAX_TRANSFER)}")
    user_id = await _target(services, data)
    command = BookTransfer(user_id, data.amount.units, data.reason, request.principal.user_id, key)
    reply = await services.submit(command)
    if isinstance(reply, TransferDone):
        shown = presenters.balance(reply.available, reply.locked)
        return Response(Transfer(reply.transfer_id, shown), status_code=201)
    assert isinstance(reply, RepeatedTransfer)
    async with services.db.look_up() as connection:
        original = await transfer_by_id(connection, reply.transfer_id)
    assert original is not None
    shown = presenters.balance(original.available, original.locked)
    return Response(Transfer(original.id, shown), status_code=200)


async def _target(services: Services, data: TransferRequest) -> int:
    """Return the id of the user that a transfer names. Raises Refusal USER_NOT_FOUND."""
    async with services.db.look_up() as connection:
        if data.email is not None:
            found = await user_by_email(connection, data.email)
        else:
            assert data.user_id is not None  # the contract demands one of the two
            known = 0 < data.user_id <= LARGEST_ID
            found = await user_by_id(connection, data.user_id) if known else None
    if found is None:
        raise Refusal(E.USER_NOT_FOUND)
    return found.id


router = Router(
    "/v1/user",
    route_handlers=[balance, positions, portfolio, event_holdings, fills, statement, transfer],
    tags=["account"],
)
