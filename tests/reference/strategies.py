"""Hypothesis strategies for abstract commands, made so that failures shrink well.

A step names orders and markets by index and times by distance, so dropping earlier steps leaves
it meaningful. `concrete` turns a step into a command once the exchange it is meant for is known:

    @given(steps())
    def test(steps):
        exchange = ReferenceExchange()
        for step in [*opening(), *steps]:
            command = concrete(step, exchange)
            exchange.apply(command)
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from .exchange import ReferenceExchange
from .records import Command
from .units import ONE_DOLLAR_PRICE, show_price

Step = dict[str, Any]

USERS = (1, 2, 3)
_users = st.sampled_from(USERS)
_markets = st.integers(0, 2)
_sides = st.sampled_from(("BUY", "SELL"))
_qtys = st.sampled_from(("0.01", "0.02", "0.03", "1.00", "2.50", "5.00", "10.00", "33.33"))
_price_ticks = st.integers(-4, 4)
_soon = st.sampled_from((-1, 0, 1, 2, 1_000, 1_000_000))
_after = st.sampled_from((0, 0, 1, 1_000, 1_000_000))
_orders = st.integers(0, 30)
_maybe = st.booleans()
_event_markets = st.integers(1, 5)
_events = st.sampled_from((1, 1, 1, 2))
_connections = st.sampled_from((None, "a-1", "a-10", "b-1"))
_groups = st.integers(0, 3)
_limits = st.sampled_from(("0.01", "1.00", "4.00", "20.00"))


def opening(taker_fee: str = "0.07") -> list[Step]:
    """Return the steps every run starts with: accounts rich and poor, and two markets."""
    credits = ("100", "100", "3.50")
    accounts: list[Step] = [
        {"op": "open_account", "user": user, "credit": credit, "after": 0}
        for user, credit in zip(USERS, credits, strict=True)
    ]
    markets: list[Step] = [
        {
            "op": "create_market",
            "tick": tick,
            "maker_fee": "0",
            "taker_fee": fee,
            "closes_at": None,
            "status": "OPEN",
            "after": 0,
        }
        for tick, fee in (("0.01", taker_fee), ("0.001", "0"))
    ]
    return accounts + markets


def _step(op: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Step]:
    return st.fixed_dictionaries({"op": st.just(op), "after": _after, **fields})


@st.composite
def places(draw: st.DrawFn) -> Step:
    """A well-formed placement: flags and times only where they are allowed."""
    kinds = ("GTC", "GTC", "IOC", "FOK", "GTD", "MARKET_IOC", "MARKET_FOK")
    kind = draw(st.sampled_from(kinds))
    is_market = kind.startswith("MARKET")
    slippages = st.sampled_from(("0", "0.01", "0.0333", "0.10"))
    return {
        "op": "place",
        "after": draw(_after),
        "user": draw(_users),
        "market_index": draw(_markets),
        "side": draw(_sides),
        "type": "MARKET" if is_market else "LIMIT",
        "price_ticks": None if is_market else draw(_price_ticks),
        "off_tick": not is_market and draw(st.integers(0, 30)) == 30,
        "qty": draw(_qtys),
        "tif": kind.removeprefix("MARKET_"),
        "expires_in": draw(_soon) if kind == "GTD" else None,
        "post_only": kind in ("GTC", "GTD") and draw(_maybe),
        "reduce_only": draw(st.integers(0, 5)) == 5,
        "max_slippage": draw(slippages) if is_market else None,
        "stp": draw(st.sampled_from(("SKIP", "CANCEL_TAKER", "CANCEL_MAKER", "CANCEL_BOTH"))),
        "deadline_in": draw(st.one_of(st.none(), _soon)),
    }


def amends() -> st.SearchStrategy[Step]:
    """Return a strategy for amends, mostly of a live order by its owner."""
    return _step(
        "amend",
        user=st.one_of(st.just("owner"), _users),
        order_index=_orders,
        price_ticks=st.one_of(st.none(), _price_ticks),
        qty=st.one_of(st.none(), _qtys),
    )


def cancels() -> st.SearchStrategy[Step]:
    """Return a strategy for cancels, mostly of a live order by its owner."""
    user = st.one_of(st.just("owner"), _users)
    return _step("cancel", user=user, order_index=_orders, admin=_maybe)


def sweeps() -> st.SearchStrategy[Step]:
    """Return a strategy for cancel-alls."""
    market, side = st.one_of(st.none(), _markets), st.one_of(st.none(), _sides)
    return _step("cancel_all", user=_users, market_index=market, event=st.none(), side=side)


def disconnects() -> st.SearchStrategy[Step]:
    """Return a strategy for ends of connections and of gateways."""
    gateways, users = st.sampled_from(("a", "b")), st.one_of(st.none(), _users)
    return _step("disconnect", gateway=gateways, connection=_connections, user=users)


def tied_places() -> st.SearchStrategy[Step]:
    """Return a strategy for placements, some of them tied to a connection."""
    return st.builds(lambda step, name: {**step, "connection": name}, places(), _connections)


def grouped_places() -> st.SearchStrategy[Step]:
    """Return a strategy for placements in a group of the user's, if there is one."""
    return st.builds(lambda step, index: {**step, "group_index": index}, places(), _groups)


def groups() -> st.SearchStrategy[Step]:
    """Return a strategy for making, changing and ending order groups."""
    made = _step("create_group", user=_users, limit=_limits)
    kinds = ("set_group_limit", "reset_group", "reset_group", "trigger_group", "delete_group")
    user = st.one_of(st.just("owner"), _users)
    changed = [_step(op, user=user, group_index=_groups, limit=_limits) for op in kinds]
    return st.one_of(made, made, made, *changed)


def switches() -> st.SearchStrategy[Step]:
    """Return a strategy for dead-man switches, armed and disarmed."""
    return _step("cancel_after", user=_users, seconds=st.sampled_from((0, 1, 2)))


def transfers() -> st.SearchStrategy[Step]:
    """Return a strategy for deposits and withdrawals."""
    amounts = st.sampled_from(("0.000001", "2.00", "50", "-0.5", "-20", "-99.999999"))
    return _step("transfer", user=_users, amount=amounts)


def updates() -> st.SearchStrategy[Step]:
    """Return a strategy for changes of a market's status and closing time."""
    statuses = st.sampled_from((None, "OPEN", "HALTED", "CLOSED"))
    closes_in = st.one_of(_soon, _maybe)
    return _step("update_market", market_index=_markets, status=statuses, closes_in=closes_in)


def resolves() -> st.SearchStrategy[Step]:
    """Return a strategy for resolutions."""
    outcomes = st.sampled_from(("YES", "NO", "SCALAR", "VOID"))
    return _step("resolve", market_index=_markets, outcome=outcomes)


def steps(max_size: int = 60) -> st.SearchStrategy[list[Step]]:
    """Return a strategy for lists of steps, to come after opening()."""
    rare = st.one_of(
        sweeps(), disconnects(), switches(), transfers(), updates(), resolves(), groups()
    )
    often = (places(), tied_places(), grouped_places(), grouped_places(), amends(), cancels())
    return st.lists(st.one_of(*often, rare), max_size=max_size)


def opening_with_event(taker_fee: str, *, exhaustive: bool) -> list[Step]:
    """Return opening() and an event of three markets, with the ids 3 to 5."""
    return [*opening(taker_fee), _event(3, exhaustive, taker_fee)]


def _event(markets: int, exhaustive: bool, taker_fee: str) -> Step:
    event = {"op": "create_event", "exhaustive": exhaustive, "markets": markets, "tick": "0.01"}
    terms = {"maker_fee": "0", "taker_fee": taker_fee, "closes_at": None, "status": "OPEN"}
    return {**event, **terms, "after": 0}


def strikes() -> st.SearchStrategy[Step]:
    """Return a strategy for resolving a market NO, which strikes it where it is of an event."""
    return _step("resolve", market_index=_markets, outcome=st.just("NO"))


def endings() -> st.SearchStrategy[Step]:
    """Return a strategy for resolutions of the event: by winner, NONE, a tie of two, or VOID."""
    outcomes = st.sampled_from(("WINNER", "NONE", "WEIGHTS", "VOID"))
    pair = st.tuples(_event_markets, _event_markets)
    return _step("resolve_event", event=_events, outcome=outcomes, market_indexes=pair)


def event_changes() -> st.SearchStrategy[Step]:
    """Return a strategy for changes of the event's status and closing time."""
    statuses = st.sampled_from((None, "OPEN", "HALTED", "CLOSED"))
    closes_in = st.one_of(_soon, _maybe)
    return _step("update_event", event=_events, status=statuses, closes_in=closes_in)


def event_steps() -> st.SearchStrategy[Step]:
    """Return a strategy for what makes or changes an event."""
    created = st.builds(_event, st.integers(1, 3), st.booleans(), st.sampled_from(("0", "0.07")))
    return st.one_of(created, event_changes(), _step("add_market", event=_events))


def anywhere(steps: st.SearchStrategy[Step]) -> st.SearchStrategy[Step]:
    """Move steps that name a market to one of an event's, most of the time."""
    return st.builds(_in_market, steps, _event_markets)


def steps_with_event(max_size: int = 60) -> st.SearchStrategy[list[Step]]:
    """Return a strategy for lists of steps, to come after opening_with_event()."""
    rare = st.one_of(
        sweeps(), switches(), transfers(), updates(), resolves(),
        strikes(), endings(), event_changes(), _step("add_market", event=_events),
    )  # fmt: skip
    often = (places(), places(), places(), amends(), cancels())
    return st.lists(anywhere(st.one_of(*often, rare)), max_size=max_size)


def _in_market(step: Step, index: int) -> Step:
    """Move a step that names a market to one of the event's, most of the time."""
    return {**step, "market_index": index} if step.get("market_index") is not None else step


def concrete(step: Step, exchange: ReferenceExchange) -> Command:
    """Return the step as a command for the exchange as it now stands."""
    command = dict(step)
    ts = command["ts"] = exchange.now + command.pop("after")
    for relative, absolute in (("expires_in", "expires_at"), ("deadline_in", "deadline")):
        if relative in command:
            distance = command.pop(relative)
            command[absolute] = None if distance is None else ts + distance
    if "closes_in" in command:
        _set_closes_at(command, ts, command.pop("closes_in"))
    if "market_index" in command:
        command["market"] = _market_id(exchange, command.pop("market_index"))
    if "order_index" in command:
        _set_order(command, exchange, command.pop("order_index"))
    if "group_index" in command:
        _set_group(command, exchange, command.pop("group_index"))
    if "price_ticks" in command:
        _set_price(command, exchange)
    if "market_indexes" in command:
        _set_ending(command, exchange, command.pop("market_indexes"))
    if command["op"] == "resolve":
        command["price"] = "0.25" if command["outcome"] == "SCALAR" else None
    return command


def _set_closes_at(command: Step, ts: int, distance: int | bool) -> None:
    """Turn a distance into a time, True into "no closing time", False into "say nothing"."""
    if distance is True:
        command["closes_at"] = None
    elif distance is not False:
        command["closes_at"] = ts + distance


def _set_ending(command: Step, exchange: ReferenceExchange, indexes: tuple[int, int]) -> None:
    """Let the first index choose the winner, both the two that tie."""
    markets = [_market_id(exchange, index) for index in indexes]
    ties = command["outcome"] == "WEIGHTS"
    command["weights"] = list(zip(markets, ("0.3", "0.7"), strict=True)) if ties else None
    if command["outcome"] == "WINNER":
        command["outcome"] = markets[0]


def _market_id(exchange: ReferenceExchange, index: int | None) -> int | None:
    """Return the index-th market's id, beyond the last an unknown one; None stays None."""
    return None if index is None else min(index, len(exchange.ledger.markets)) + 1


def _set_order(command: Step, exchange: ReferenceExchange, index: int) -> None:
    """Let the index choose a live order; without any the id is that of the latest order."""
    live = exchange.ledger.live
    order = live[index % len(live)] if live else None
    command["order"] = order.id if order else len(exchange.ledger.orders)
    if command["user"] == "owner":
        command["user"] = order.user if order else USERS[0]


def _set_group(command: Step, exchange: ReferenceExchange, index: int) -> None:
    """Let the index choose a group, for an order one of its user's groups, if there is any."""
    groups = list(exchange.ledger.groups.values())
    if command["op"] == "place":
        groups = [group for group in groups if group.user == command["user"]]
    group = groups[index % len(groups)] if groups else None
    if command["op"] != "place":
        command["group"] = group.id if group else exchange.ledger.groups_made
    elif group is not None:
        command["group"] = group.id
    if command["user"] == "owner":
        command["user"] = group.user if group else USERS[0]


def _set_price(command: Step, exchange: ReferenceExchange) -> None:
    """Turn ticks away from one half into a price on (or just off) the market's tick."""
    ticks = command.pop("price_ticks")
    off_tick = command.pop("off_tick", False)
    if ticks is None:
        command["price"] = None
        return
    orders = exchange.ledger.orders
    if command["op"] == "place":
        market = exchange.ledger.markets.get(command["market"])
    else:
        known = orders.get(command["order"])
        market = exchange.ledger.markets.get(known.market) if known else None
    tick = market.tick if market else 100
    price = ONE_DOLLAR_PRICE // 2 + ticks * tick + (1 if off_tick else 0)
    command["price"] = show_price(price)
