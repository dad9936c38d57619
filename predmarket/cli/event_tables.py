"""Events as tables: their outcomes, what each of them pays, and positions with whole sets folded.

docs/market_rules.md, Events: a complete set pays 1.00 whatever happens, so it is one thing to hold.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from predmarket import units
from predmarket.cli import market_layouts
from predmarket.cli.context import Line
from predmarket.cli.grid import NOTHING, Column, Grid, Layout, Row, cell
from predmarket.client.response_types import Event, EventHolding, Market, Position

NONE, VOID = "NONE", "VOID"
"""The ends of an event that are no market of it; no slug is written so."""

_OUTCOMES = (
    Column("OUTCOME", "slug"),
    Column("LABEL", "label", optional=True),
    Column("STATUS", "ended"),
    Column("BID", "bestBid", numeric=True),
    Column("ASK", "bestAsk", numeric=True),
    Column("LAST", "lastPrice", numeric=True),
    Column("POSITION", "position", numeric=True),
    Column("PAYS", "payoff", numeric=True),
    Column("QUESTION", "question"),
)
_OWN = ("position", "payoff")
_LEAST = ("QUESTION", "LABEL", "STATUS", "LAST", "POSITION")
OUTCOME_FIELDS = (*market_layouts.MARKET.fields, "qtyLong", "qtyShort", "payoff")

EVENT = Layout(
    (
        Column("ID", "id", numeric=True),
        Column("EVENT", "slug"),
        Column("GROUP", "group", optional=True),
        Column("STATUS", "status"),
        Column("OUTCOME", "outcome", optional=True),
        market_layouts.PROPOSED,
        Column("EXHAUSTIVE", "exhaustive"),
        Column("MARKETS", "marketCount", numeric=True),
        Column("SETS", "openInterest", numeric=True),
        Column("CLOSES", "closesAt"),
        Column("TITLE", "title"),
    ),
    (
        "id", "slug", "title", "description", "exhaustive", "status", "outcome", "openInterest",
        "closesAt", "createdAt", "creator", "marketCount", "category", "tags", "source",
        "proposal", "group", "series",
    ),
    least=("CLOSES", "EXHAUSTIVE", "SETS", "TITLE", "MARKETS", "GROUP"),
)  # fmt: skip

HOLDING = Layout(fields=("eventId", "eventSlug", "returned", "none", "payoffs"))


class Own(NamedTuple):
    """What the user holds: positions by market, and the holding of an event, None without one."""

    positions: dict[int, Position]
    holding: EventHolding | None


def write(line: Line, event: Event, own: Own | None = None) -> None:
    """Write an event with its outcomes."""
    rows = outcome_rows(event, own)
    line.output.show(event, rows, OUTCOME_FIELDS, lambda: card(event, own))


def card(event: Event, own: Own | None = None) -> list[Grid]:
    """Return an event with a line for each field, then its outcomes."""
    head = Layout(fields=EVENT.fields).grids(event, brief=False)[0]
    if own is not None and own.holding is not None:
        rows = [*head.rows, ("returned", own.holding["returned"])]
        head = replace(head, rows=rows)
    return [head, _outcomes(event, own)]


def outcome_rows(event: Event, own: Own | None = None) -> list[Row]:
    """Return a row for each outcome: its market, and the user's share in it.

    NONE has a row of an event that is not exhaustive. A payoff is None without ``own``, and of an
    outcome that is final.
    """
    held = own.holding if own is not None else None
    payoffs = {one["marketId"]: one["payoff"] for one in held["payoffs"]} if held else {}
    nothing = None if own is None else units.format_money(0)
    rows = [
        _with_own(one, own, None if one["outcome"] else payoffs.get(one["id"], nothing))
        for one in event["markets"]
    ]
    if not event["exhaustive"]:
        none = held["none"] if held else nothing
        rows.append({"slug": NONE, "payoff": None if event["outcome"] else none})
    return rows


def _with_own(market: Market, own: Own | None, payoff: str | None) -> Row:
    position = None if own is None else own.positions.get(market["id"])
    row: dict[str, object] = {**market, "ended": _ended(market), "payoff": payoff}
    if position is not None:
        long, short = position["qtyLong"], position["qtyShort"]
        row |= {"qtyLong": long, "qtyShort": short, "position": _position(long, short)}
    return row


def _position(long: str, short: str) -> str | None:
    if Decimal(long):
        return f"{long} YES"
    return f"{short} NO" if Decimal(short) else None


def _ended(market: Market) -> str:
    """Return a market's status, with its outcome if there is one."""
    price = market["settlementPrice"]
    if market["outcome"] in (None, VOID):
        return market["status"]
    return f"{market['status']} {price if market['outcome'] == 'SCALAR' else market['outcome']}"


def _outcomes(event: Event, own: Own | None) -> Grid:
    """Return the table of the outcomes, which ends with the sums of the best prices."""
    columns = [one for one in _OUTCOMES if own is not None or one.key not in _OWN]
    grid = Layout(columns, least=_LEAST).grid(outcome_rows(event, own))
    live = [one for one in event["markets"] if one["outcome"] is None]
    if not live:
        return grid
    sums = {"BID": _sum(one["bestBid"] for one in live), "ASK": _least_sum(live)}
    total = ["SUM" if name == "OUTCOME" else sums.get(name, "") for name in grid.headings]
    return replace(grid, rows=[*grid.rows, total])


def _sum(prices: Iterable[str | None]) -> str:
    return units.format_price(
        sum(units.parse(price, units.PRICE_DECIMALS) for price in prices if price is not None)
    )


def _least_sum(markets: Sequence[Market]) -> str:
    """Return the sum of the asks, with a + if an outcome has none and so costs more than 0."""
    if all(one["bestAsk"] is None for one in markets):
        return NOTHING
    more = "+" if any(one["bestAsk"] is None for one in markets) else ""
    return _sum(one["bestAsk"] for one in markets) + more


# Positions


def folded(positions: Sequence[Position], holdings: Sequence[EventHolding]) -> list[Row]:
    """Return ``positions`` with those that are one whole set of an event in one row."""
    by_market = {one["marketId"]: one for one in positions}
    rows: dict[int, Row] = {one["marketId"]: one for one in positions}
    for holding in filter(_is_whole_set, holdings):
        ids = [outcome["marketId"] for outcome in holding["payoffs"]]
        parts = [by_market[id] for id in ids if id in by_market]
        sizes = {_position(one["qtyLong"], one["qtyShort"]) for one in parts}
        if len(parts) < len(ids) or len(sizes) > 1 or None in sizes:
            continue  # nothing but cash, or traded between the two answers
        rows[ids[0]] = _set(holding, parts)
        for id in ids[1:]:
            del rows[id]
    return [*rows.values()]


def _is_whole_set(holding: EventHolding) -> bool:
    """Tell whether every outcome pays the same, so that nothing is at stake."""
    pays = {outcome["payoff"] for outcome in holding["payoffs"]}
    return len(pays if holding["none"] is None else pays | {holding["none"]}) == 1


def _set(whole: EventHolding, positions: Sequence[Position]) -> Row:
    """Return the row of a set whose ``positions`` have one size."""
    return {
        "marketSlug": f"{whole['eventSlug']}: whole set",
        "qtyLong": positions[0]["qtyLong"],
        "qtyShort": positions[0]["qtyShort"],
        "realizedPnl": _money(one["realizedPnl"] for one in positions),
        "unrealizedPnl": _money(one["unrealizedPnl"] for one in positions),
    }


def _money(amounts: Iterable[str]) -> str:
    return units.format_money(sum(units.parse_money(one) for one in amounts))


def payoffs(holdings: Sequence[EventHolding], *, empty: bool = False) -> list[Grid]:
    """Return a table of what each outcome pays, a line for each amount. Without an event there is
    none, unless ``empty`` asks for one.
    """
    rows = [row for holding in holdings for row in _pays(holding)]
    headings, numeric = ("EVENT", "RETURNED", "PAYS", "IF"), (False, True, True, False)
    return [Grid(headings, numeric, rows, ("RETURNED",))] if rows or empty else []


def returned(holdings: Sequence[EventHolding]) -> list[Grid]:
    """Return a table of what complete sets have paid ahead, with no line for nothing."""
    rows = [
        (holding["eventSlug"], holding["returned"])
        for holding in holdings
        if units.parse_money(holding["returned"])
    ]
    return [Grid(("EVENT", "RETURNED"), (False, True), rows)] if rows else []


def _pays(holding: EventHolding) -> list[Sequence[str]]:
    outcomes = [(one["payoff"], one["marketSlug"]) for one in holding["payoffs"]]
    if holding["none"] is not None:
        outcomes.append((holding["none"], NONE))
    outcomes.sort(key=lambda one: units.parse_money(one[0]))
    amounts = [
        (amount, cell([name for _, name in same]))
        for amount, same in groupby(outcomes, lambda one: one[0])
    ]
    if _is_whole_set(holding):
        amounts = [(amounts[0][0], "whatever happens")]
    returned = [holding["returned"], *[""] * len(amounts)]
    return [
        (holding["eventSlug"], paid, amount, names)
        for paid, (amount, names) in zip(returned, amounts, strict=False)
    ]
