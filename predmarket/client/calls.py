"""Every call of the REST API as a value: the request, and the type of its answer.

Building a call does no I/O, so the blocking client, the asynchronous one and tests share these.
Only this module decides which calls may be sent twice: reads, and calls that the exchange
recognises as repeats (by a client order id or an idempotency key).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Generic, TypeAlias, TypeVar
from urllib.parse import quote
from uuid import uuid4

from predmarket.client.errors import ClientError
from predmarket.client.response_types import (
    AdminAct,
    ApiKey,
    Balance,
    Batch,
    Book,
    CancelAfter,
    Canceled,
    Candle,
    Event,
    EventHolding,
    EventResolution,
    EventSummary,
    Fill,
    JsonObject,
    LedgerLine,
    Login,
    Market,
    NewApiKey,
    Order,
    OrderGroup,
    Page,
    Portfolio,
    Position,
    Preview,
    Resolution,
    SessionInfo,
    Trade,
    Transfer,
    User,
)

T = TypeVar("T")
Item = TypeVar("Item")
Number: TypeAlias = str | int | Decimal
"""A decimal on its way out. Never a float: 0.1 has no exact one."""
MarketRef: TypeAlias = str | int
"""A market's id or slug; a string of digits is an id, since no slug is all digits."""
EventRef: TypeAlias = str | int
"""An event's id or slug."""
OrderRef: TypeAlias = int | str
"""An order's id, or ``client:`` and one's own client order id."""
Moment: TypeAlias = str | datetime
"""A time in RFC 3339, or a datetime with a zone."""


class Access(Enum):
    """How a call uses the caller's token."""

    NONE = "none"
    """Never: the call is how one gets a token."""
    OPTIONAL = "optional"
    """Anyone may call; who calls may change what is seen."""
    REQUIRED = "required"
    SESSION = "session"
    """By login: the session's token goes along even where an API key is used for all else."""


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One HTTP request whose answer decodes to T. repeatable means that sending it twice does no
    harm; is_list that the answer is a Page.
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    access: Access = Access.REQUIRED
    repeatable: bool = False
    is_list: bool = False

    def after(self, page: Page[Item]) -> "Call[T] | None":
        """Return the same call for the page after ``page``, None after the last."""
        cursor = page.get("nextCursor")
        if not cursor:
            return None
        params = {name: value for name, value in self.params.items() if name != "offset"}
        return replace(self, params={**params, "cursor": cursor})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """An order to place, preview or batch. None selects the exchange's default."""

    market: MarketRef
    side: str
    qty: Number
    price: Number | None = None
    type: str = "LIMIT"
    time_in_force: str | None = None
    expires_at: Moment | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    max_slippage: Number | None = None
    self_trade_prevention: str | None = None
    client_order_id: str | None = None
    deadline: Moment | None = None
    order_group_id: int | None = None

    def body(self) -> dict[str, object]:
        """Return the order as the API's JSON."""
        return _given(
            marketId=_market_id(self.market),
            side=self.side.upper(),
            type=self.type.upper(),
            price=_number(self.price),
            qty=_number(self.qty),
            timeInForce=self.time_in_force and self.time_in_force.upper(),
            expiresAt=_moment(self.expires_at),
            postOnly=self.post_only,
            reduceOnly=self.reduce_only,
            maxSlippage=_number(self.max_slippage),
            selfTradePrevention=self.self_trade_prevention,
            clientOrderId=self.client_order_id,
            deadline=_moment(self.deadline),
            orderGroupId=self.order_group_id,
        )


@dataclass(frozen=True, slots=True)
class NewMarket:
    """A market of an event; ``label`` is what it is called within it."""

    slug: str
    question: str
    label: str | None = None

    def body(self) -> dict[str, object]:
        """Return the market as the wire spells it."""
        return _given(slug=self.slug, question=self.question, label=self.label)


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _query(**fields: object) -> dict[str, str]:
    return {name: str(value) for name, value in fields.items() if value is not None}


def _number(value: Number | None) -> str | None:
    """Return a decimal in the API's format. Raises TypeError for a float."""
    if isinstance(value, float):
        raise TypeError(f"give {value!r} as a string or a Decimal: a float is not exact")
    return None if value is None else str(value)


def _moment(value: Moment | None) -> str | None:
    """Return a time in the API's format. Raises ValueError for one without a zone."""
    if not isinstance(value, datetime):
        return value
    if value.tzinfo is None:
        raise ValueError(f"{value!r} has no zone: the exchange could not tell when that is")
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def _of_user(user_id: int | None, what: str) -> str:
    return f"/v1/user/{what}" if user_id is None else f"/v1/users/{user_id}/{what}"


def _market_id(market: MarketRef) -> MarketRef:
    return int(market) if isinstance(market, str) and _is_id(market) else market


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18


def _get(path: str, access: Access = Access.REQUIRED, **query: object) -> Call[T]:
    return Call("GET", path, params=_query(**query), access=access, repeatable=True)


def _list(path: str, access: Access = Access.REQUIRED, **query: object) -> Call[Page[Item]]:
    return replace(_get(path, access, **query), is_list=True)


def _in_path(ref: MarketRef | EventRef) -> str:
    # these would name another path than the one they stand in
    if ref in ("", ".", ".."):
        raise ClientError(f"a market or an event is named by its id or slug, not by {ref!r}")
    return quote(str(ref), safe="")


def _order_in_path(order: OrderRef) -> str:
    text = str(order)
    if _is_id(text):
        return text
    if not text.startswith("client:") or "/" in text or text == "client:":
        raise ClientError(
            f"an order is named by its id, or as client:ID by a client order id that holds no "
            f"slash, not by {order!r}"
        )
    return quote(text, safe=":")


# Accounts


def register(email: str, password: str, full_name: str | None = None) -> Call[Login]:
    """Open an account and a session."""
    body = _given(email=email, password=password, fullName=full_name)
    return Call("POST", "/v1/auth/register", body=body, access=Access.NONE)


def login(email: str, password: str) -> Call[Login]:
    """Open a session."""
    body = _given(email=email, password=password)
    return Call("POST", "/v1/auth/login", body=body, access=Access.NONE)


def refresh(refresh_token: str) -> Call[Login]:
    """Exchange a refresh token for new tokens.

    Repeatable: for a minute the same token gets the same successor, unless that was used.
    """
    body = _given(refreshToken=refresh_token)
    return Call("POST", "/v1/auth/refresh", body=body, access=Access.NONE, repeatable=True)


def logout(refresh_token: str) -> Call[None]:
    """Revoke the refresh token's session."""
    body = _given(refreshToken=refresh_token)
    return Call("POST", "/v1/auth/logout", body=body, access=Access.NONE, repeatable=True)


def sessions() -> Call[Page[SessionInfo]]:
    """The user's live sessions, newest first."""
    return _list("/v1/auth/sessions", Access.SESSION)


def revoke_session(session_id: int) -> Call[None]:
    """End one of the user's sessions."""
    return Call("DELETE", f"/v1/auth/sessions/{session_id}", access=Access.SESSION)


def revoke_all() -> Call[None]:
    """End all of the user's sessions and API keys, this session too."""
    return Call("POST", "/v1/auth/revoke-all", access=Access.SESSION)


def change_password(old_password: str, new_password: str) -> Call[None]:
    """Change the password; every other session is revoked."""
    body = _given(oldPassword=old_password, newPassword=new_password)
    return Call("POST", "/v1/auth/password", body=body, access=Access.SESSION)


def create_api_key(
    name: str, scopes: Sequence[str], *, public_key: str | None = None
) -> Call[NewApiKey]:
    """Make an API key with scopes among read, trade and admin.

    A public key (PEM) is for requests that are signed with its private key, as Kalshi's clients do.
    """
    body = _given(name=name, scopes=list(scopes), publicKey=public_key)
    return Call("POST", "/v1/auth/api-keys", body=body, access=Access.SESSION)


def api_keys() -> Call[Page[ApiKey]]:
    """The user's API keys, newest first, without their secrets."""
    return _list("/v1/auth/api-keys", Access.SESSION)


def revoke_api_key(key_id: int) -> Call[None]:
    """Revoke an API key, for ever."""
    return Call("DELETE", f"/v1/auth/api-keys/{key_id}", access=Access.SESSION)


def me() -> Call[User]:
    """The token's user."""
    return _get("/v1/auth/me")


# Markets


def markets(
    *,
    status: str | None = None,
    q: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
    cursor: str | None = None,
) -> Call[Page[Market]]:
    """List markets."""
    path, access = "/v1/markets", Access.OPTIONAL
    return _list(path, access, status=status, q=q, limit=limit, offset=offset, cursor=cursor)


def market(market: MarketRef) -> Call[Market]:
    """One market."""
    return _get(f"/v1/markets/{_in_path(market)}", Access.OPTIONAL)


def create_market(
    slug: str,
    question: str,
    *,
    description: str | None = None,
    tick_size: Number | None = None,
    maker_fee_rate: Number | None = None,
    taker_fee_rate: Number | None = None,
    closes_at: Moment | None = None,
    status: str | None = None,
) -> Call[Market]:
    """Create a market (admin)."""
    body = _given(
        slug=slug,
        question=question,
        description=description,
        tickSize=_number(tick_size),
        makerFeeRate=_number(maker_fee_rate),
        takerFeeRate=_number(taker_fee_rate),
        closesAt=_moment(closes_at),
        status=status,
    )
    return Call("POST", "/v1/markets", body=body)


def update_market(
    market: MarketRef,
    *,
    status: str | None = None,
    closes_at: Moment | None = None,
    question: str | None = None,
    description: str | None = None,
) -> Call[Market]:
    """Change a market's status or text (admin)."""
    body = _given(
        status=status,
        closesAt=_moment(closes_at),
        question=question,
        description=description,
    )
    return Call("PATCH", f"/v1/markets/{_in_path(market)}", body=body)


def resolve_market(
    market: MarketRef, outcome: str, settlement_price: Number | None = None
) -> Call[Resolution]:
    """Resolve or void a market, finally (admin)."""
    body = _given(outcome=outcome, settlementPrice=_number(settlement_price))
    return Call("POST", f"/v1/markets/{_in_path(market)}/resolve", body=body)


# Events


def events(
    *,
    status: str | None = None,
    q: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Page[EventSummary]]:
    """List events."""
    path, access = "/v1/events", Access.OPTIONAL
    return _list(path, access, status=status, q=q, limit=limit, cursor=cursor)


def event(event: EventRef) -> Call[Event]:
    """One event with its markets."""
    return _get(f"/v1/events/{_in_path(event)}", Access.OPTIONAL)


def create_event(
    slug: str,
    title: str,
    markets: Sequence[NewMarket],
    *,
    description: str | None = None,
    exhaustive: bool | None = None,
    tick_size: Number | None = None,
    maker_fee_rate: Number | None = None,
    taker_fee_rate: Number | None = None,
    closes_at: Moment | None = None,
    status: str | None = None,
) -> Call[Event]:
    """Create an event with 2 to 200 markets, all of it or nothing (admin)."""
    body = _given(
        slug=slug,
        title=title,
        markets=[one.body() for one in markets],
        description=description,
        exhaustive=exhaustive,
        tickSize=_number(tick_size),
        makerFeeRate=_number(maker_fee_rate),
        takerFeeRate=_number(taker_fee_rate),
        closesAt=_moment(closes_at),
        status=status,
    )
    return Call("POST", "/v1/events", body=body)


def update_event(
    event: EventRef,
    *,
    status: str | None = None,
    closes_at: Moment | None = None,
    title: str | None = None,
    description: str | None = None,
) -> Call[Event]:
    """Change an event's text, or the status of its markets: OPEN, HALTED, CLOSED (admin)."""
    body = _given(status=status, closesAt=_moment(closes_at), title=title, description=description)
    return Call("PATCH", f"/v1/events/{_in_path(event)}", body=body)


def add_market(event: EventRef, market: NewMarket) -> Call[Market]:
    """Add a market to an event that is not exhaustive (admin)."""
    return Call("POST", f"/v1/events/{_in_path(event)}/markets", body=market.body())


def resolve_event(
    event: EventRef,
    outcome: MarketRef | None = None,
    *,
    weights: Mapping[str, Number] | None = None,
) -> Call[EventResolution]:
    """End an event, finally: with the market that wins, NONE or VOID, or with weights (admin).

    ``weights`` are prices by market or "NONE" that add up to 1.
    """
    shares = None if weights is None else {name: _number(one) for name, one in weights.items()}
    winner = None if outcome is None else _market_id(outcome)
    body = _given(outcome=winner, weights=shares)
    return Call("POST", f"/v1/events/{_in_path(event)}/resolve", body=body)


# Market data


def book(market: MarketRef, *, depth: int | None = None) -> Call[Book]:
    """The order book, ``depth`` levels a side."""
    return _get(f"/v1/orderbook/{_in_path(market)}", Access.OPTIONAL, depth=depth)


def trades(
    market: MarketRef,
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Page[Trade]]:
    """Trades, newest first; from ``since`` on, until before ``until``."""
    return _list(
        f"/v1/trades/{_in_path(market)}",
        Access.OPTIONAL,
        since=_moment(since),
        until=_moment(until),
        limit=limit,
        cursor=cursor,
    )


def candles(
    market: MarketRef, interval: str, *, since: Moment | None = None, to: Moment | None = None
) -> Call[Page[Candle]]:
    """Prices by interval (1m, 5m, 15m, 1h, 1d), oldest first; empty intervals are left out."""
    query = _query(interval=interval, to=_moment(to)) | _query(**{"from": _moment(since)})
    path = f"/v1/candles/{_in_path(market)}"
    listing: Call[Page[Candle]] = _list(path, Access.OPTIONAL)
    return replace(listing, params=query)


# Orders


def place_order(order: NewOrder) -> Call[Order]:
    """Place an order; repeatable if it has a client order id."""
    repeatable = order.client_order_id is not None
    return Call("POST", "/v1/orders", body=order.body(), repeatable=repeatable)


def preview_order(order: NewOrder) -> Call[Preview]:
    """The effect that the order would have now; changes nothing."""
    return Call("POST", "/v1/orders/preview", body=order.body(), repeatable=True)


def place_batch(orders: Sequence[NewOrder | Mapping[str, object]]) -> Call[Batch]:
    """Place 1 to 100 orders, each on its own, in order; a mapping is the JSON body of an order.

    Repeatable if every one has a client order id.
    """
    bodies = [order.body() if isinstance(order, NewOrder) else order for order in orders]
    repeatable = all(body.get("clientOrderId") is not None for body in bodies)
    return Call("POST", "/v1/orders/batch", body={"orders": bodies}, repeatable=repeatable)


def orders(
    *,
    market: MarketRef | None = None,
    status: str | Sequence[str] | None = None,
    client_order_id: str | None = None,
    order_group_id: int | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    user_id: int | None = None,
) -> Call[Page[Order]]:
    """One's own orders, newest first; of one status or of several, LIVE being those that rest;
    made from ``since`` on, until before ``until``. ``user_id``: another one's (admin)."""
    return _list(
        "/v1/orders" if user_id is None else _of_user(user_id, "orders"),
        market=market,
        status=status if status is None or isinstance(status, str) else ",".join(status),
        clientOrderId=client_order_id,
        orderGroupId=order_group_id,
        since=_moment(since),
        until=_moment(until),
        limit=limit,
        cursor=cursor,
    )


def order(order_id: OrderRef) -> Call[Order]:
    """One order."""
    return _get(f"/v1/orders/{_order_in_path(order_id)}")


def amend_order(
    order_id: OrderRef, *, price: Number | None = None, qty: Number | None = None
) -> Call[Order]:
    """Change a resting order's price or total quantity."""
    body = _given(price=_number(price), qty=_number(qty))
    return Call("PATCH", f"/v1/orders/{_order_in_path(order_id)}", body=body)


def cancel_order(order_id: OrderRef) -> Call[Order]:
    """Cancel one order."""
    return Call("POST", f"/v1/orders/{_order_in_path(order_id)}/cancel")


def cancel_all(*, market: MarketRef | None = None, side: str | None = None) -> Call[Canceled]:
    """Cancel all of the user's open orders, or those of one market or side."""
    market_id = None if market is None else _market_id(market)
    return Call("POST", "/v1/orders/cancel-all", body=_given(marketId=market_id, side=side))


def cancel_after(seconds: int) -> Call[CancelAfter]:
    """Arm the dead-man switch; 0 turns it off."""
    return Call("POST", "/v1/orders/cancel-after", body={"seconds": seconds})


# Order groups


def order_groups() -> Call[Page[OrderGroup]]:
    """All of one's order groups, the oldest first."""
    return _list("/v1/order-groups")


def order_group(group_id: int) -> Call[OrderGroup]:
    """One order group; ``orders(order_group_id=…)`` lists its orders."""
    return _get(f"/v1/order-groups/{group_id}")


def create_order_group(limit: Number) -> Call[OrderGroup]:
    """Make a group whose orders may fill at most ``limit`` contracts within 15 seconds."""
    return Call("POST", "/v1/order-groups", body={"limit": _number(limit)})


def update_order_group(group_id: int, limit: Number) -> Call[OrderGroup]:
    """Change a group's limit; a group that has filled more trips."""
    return Call("PATCH", f"/v1/order-groups/{group_id}", body={"limit": _number(limit)})


def reset_order_group(group_id: int) -> Call[OrderGroup]:
    """Let a group take orders again, with nothing counted."""
    return Call("POST", f"/v1/order-groups/{group_id}/reset")


def trigger_order_group(group_id: int) -> Call[OrderGroup]:
    """Trip a group: its open orders are cancelled, and it takes none until it is reset."""
    return Call("POST", f"/v1/order-groups/{group_id}/trigger")


def delete_order_group(group_id: int) -> Call[None]:
    """Cancel a group's open orders and delete it."""
    return Call("DELETE", f"/v1/order-groups/{group_id}")


# One's own account


def balance(*, user_id: int | None = None) -> Call[Balance]:
    """Cash: available, locked, total; ``user_id``: another one's (admin), as in what follows."""
    return _get(_of_user(user_id, "balance"))


def positions(*, user_id: int | None = None) -> Call[Page[Position]]:
    """Holdings, one entry a market."""
    return _list(_of_user(user_id, "positions"))


def event_holdings() -> Call[Page[EventHolding]]:
    """What each outcome of one's live events would pay, and what was paid out ahead."""
    return _list("/v1/user/events")


def portfolio() -> Call[Portfolio]:
    """Cash and holdings valued together."""
    return _get("/v1/user/portfolio")


def fills(
    *,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    user_id: int | None = None,
) -> Call[Page[Fill]]:
    """One's own executions, newest first; from ``since`` on, until before ``until``."""
    since, until = _moment(since), _moment(until)
    return _list(_of_user(user_id, "fills"), since=since, until=until, limit=limit, cursor=cursor)


def statement(
    *,
    market: MarketRef | None = None,
    kind: str | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: int | None = None,
    cursor: str | None = None,
    user_id: int | None = None,
) -> Call[Page[LedgerLine]]:
    """Every movement of one's own cash, newest first; from ``since`` on, until before ``until``."""
    return _list(
        _of_user(user_id, "ledger"),
        market=market,
        kind=kind,
        since=_moment(since),
        until=_moment(until),
        limit=limit,
        cursor=cursor,
    )


# Administration


def transfer(
    who: str | int, amount: Number, reason: str, *, idempotency_key: str | None = None
) -> Call[Transfer]:
    """Deposit to, or with a negative amount withdraw from, an account given by e-mail or user id
    (admin). Without a key one is made, so that a repeat after a lost answer books nothing twice.
    """
    user_id = int(who) if isinstance(who, int) or _is_id(who) else None
    email = who if user_id is None else None
    body = _given(userId=user_id, email=email, amount=_number(amount), reason=reason)
    headers = {"Idempotency-Key": idempotency_key or uuid4().hex}
    return Call("POST", "/v1/user/transfer", body=body, headers=headers, repeatable=True)


def users(
    *,
    q: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
    cursor: str | None = None,
) -> Call[Page[User]]:
    """List accounts (admin)."""
    return _list("/v1/users", q=q, limit=limit, offset=offset, cursor=cursor)


def update_user(
    user_id: int, *, role: str | None = None, disabled: bool | None = None
) -> Call[User]:
    """Change an account's permissions (admin)."""
    return Call("PATCH", f"/v1/users/{user_id}", body=_given(role=role, disabled=disabled))


def admin_log(
    *,
    actor: int | None = None,
    action: str | None = None,
    limit: int | None = None,
    cursor: str | None = None,
) -> Call[Page[AdminAct]]:
    """Admins' actions, newest first (admin)."""
    return _list("/v1/admin/log", actor=actor, action=action, limit=limit, cursor=cursor)


def revoke_all_of(user_id: int) -> Call[None]:
    """End all sessions and API keys of an account (admin)."""
    return Call("POST", f"/v1/users/{user_id}/revoke-all")


def status() -> Call[JsonObject]:
    """Version, uptime, leader, durability."""
    return _get("/v1/status", Access.OPTIONAL)
