"""Runs the house's market maker over a recorded day: python backtest.py day.csv rain [pnl.svg]

It prints the profit and loss over the day with a picture, and what guesses about the queue would
have said instead (docs/testing-bots.md).
"""

import random
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from predmarket.bots.quoting import Amend, Cancel, PlaceQuote, Quotes
from predmarket.bots.valuation import Style
from predmarket.client import ApiError, Client, NewOrder
from predmarket.recorded_orders import Action, Row, read_rows
from predmarket.testing import Exchange
from predmarket.units import (
    PRICE_ONE,
    QTY_ONE,
    format_price,
    format_qty,
    parse_price,
    parse_qty,
    parse_rate,
    parse_tick,
)  # fmt: skip

FUNDS = 10_000
STYLE = Style(b=500.0, size=10, half_spread=0.01)
_BARS = "▁▂▃▄▅▆▇█"


@dataclass
class Quote:
    """What one order offered, from a moment of the recording to another."""

    side: str
    price: int
    left: int
    begin: int
    end: int = sys.maxsize


@dataclass
class Fills:
    """What was traded: quantities, and the cash that it brought, in units of the exchange."""

    bought: int = 0
    sold: int = 0
    cash: int = 0

    def add(self, side: str, price: int, qty: int) -> None:
        sign = 1 if side == "BUY" else -1
        self.bought += qty if side == "BUY" else 0
        self.sold += qty if side == "SELL" else 0
        self.cash -= sign * price * qty

    def worth(self, price: int) -> float:
        """Return the profit and loss in dollars at a last price."""
        return (self.cash + (self.bought - self.sold) * price) / PRICE_ONE / QTY_ONE


class Maker:
    """The house's quotes of one market, looked after by the exchange's clock."""

    def __init__(self, client: Client, market: str, seed: int = 1) -> None:
        terms = client.market(market)
        tick, rate = parse_tick(terms["tickSize"]), parse_rate(terms["makerFeeRate"])
        self.client, self.market = client, market
        self.quotes = Quotes(tick, rate, STYLE, {terms["id"]: 0.5}, random.Random(seed))
        self.quoter = self.quotes.quoters[terms["id"]]
        self.shown: dict[int, Quote] = {}
        self.past: list[Quote] = []

    def look(self, passed: timedelta, moment: int) -> None:
        """Learn of fills; place, amend and cancel until all is as wanted."""
        for id in list(self.quoter.orders):
            self.quoter.heard(self.client.order(id))
        self.quotes.valuation.drift(passed.total_seconds())
        for _ in range(4 * STYLE.levels):
            action = self.quoter.next(*self._best())
            if action is None:
                break
            try:
                self._do(action)
            except ApiError as error:  # filled or crossed meanwhile
                if error.status not in (409, 422):
                    raise
                break
        self._note(moment)

    def _best(self) -> tuple[int | None, int | None]:
        book = self.client.book(self.market, depth=1)
        bid, ask = (
            [parse_price(price) for price, _ in side] for side in (book["bids"], book["asks"])
        )
        return (bid[0] if bid else None, ask[0] if ask else None)

    def _do(self, action: PlaceQuote | Amend | Cancel) -> None:
        if isinstance(action, Cancel):
            self.quoter.heard(self.client.cancel_order(action.order.id))
            return
        price, qty = format_price(action.price), format_qty(action.qty)
        if isinstance(action, Amend):
            amended = self.client.amend_order(action.order.id, price=price, qty=qty)
            self.quoter.amended(action.order, amended)
        else:
            order = NewOrder(
                market=self.market, side=action.side, qty=qty, price=price, post_only=True
            )
            self.quoter.placed(self.client.place_order(order))

    def _note(self, moment: int) -> None:
        """Note what is offered from now on, and what no longer is."""
        before, self.shown = self.shown, {}
        for id, order in self.quoter.orders.items():
            known = before.pop(id, None)
            if known is not None and known.price == order.price:
                self.shown[id] = known
            else:
                if known is not None:
                    before[id] = known
                self.shown[id] = Quote(str(order.side), order.price, order.left, moment)
        for quote in before.values():
            quote.end = moment
            self.past.append(quote)


def backtest(rows: Sequence[Row], market: str, step: str) -> tuple[list[float], list[Quote], Fills]:
    """Return the profit and loss after each step, all quotes, and what the exchange filled."""
    with Exchange() as exchange:
        exchange.deposit("maker", FUNDS)
        client = exchange.client("maker")
        maker: Maker | None = None
        curve: list[float] = []
        begin = last = exchange.clock.now
        for now in exchange.replay(rows, step=step):
            maker = maker or Maker(client, market)
            maker.look(now - last, rows[0].time + (now - begin) // timedelta(microseconds=1))
            curve.append(float(client.portfolio()["totalValue"]) - FUNDS)
            last = now
        fills, cursor = Fills(), None
        while True:
            page = client.fills(limit=100, cursor=cursor)
            for fill in page["items"]:
                fills.add(fill["side"], parse_price(fill["price"]), parse_qty(fill["qty"]))
            cursor = page["nextCursor"]
            if cursor is None:
                break
    assert maker is not None
    return curve, [*maker.past, *maker.shown.values()], fills


def guess(quotes: Iterable[Quote], rows: Iterable[Row], *, at_touch: bool) -> Fills:
    """Return what the same quotes would have traded by a guess from the tape of trades.

    ``at_touch``: each trade at a quote's price fills it, as if it were first in the queue. Else
    only trades beyond its price do, as if it were last.
    """
    found, offers = Fills(), sorted(quotes, key=lambda quote: quote.begin)
    lefts = [quote.left for quote in offers]
    for trade in (row for row in rows if row.action is Action.TRADE):
        side, price, qty = (
            ("SELL" if trade.side == "BUY" else "BUY"),
            trade.price or 0,
            trade.qty or 0,
        )
        sign = 1 if side == "BUY" else -1
        hit = [
            (-sign * quote.price, number)
            for number, quote in enumerate(offers)
            if quote.side == side
            and quote.begin < trade.time <= quote.end
            and sign * (quote.price - price) >= (0 if at_touch else 1)
        ]
        for _, number in sorted(hit):
            taken = min(qty, lefts[number])
            found.add(side, offers[number].price, taken)
            lefts[number] -= taken
            qty -= taken
    return found


def bars(curve: Sequence[float], width: int = 72) -> str:
    """Return a curve as one line of text."""
    some = [curve[place * len(curve) // width] for place in range(min(width, len(curve)))]
    low, high = min(some), max(some)
    steps = [round((one - low) / ((high - low) or 1) * (len(_BARS) - 1)) for one in some]
    return "".join(_BARS[step] for step in steps)


def svg(curve: Sequence[float], width: int = 720, height: int = 240) -> str:
    """Return a curve as a picture, with a line at zero."""
    low, high = min(0.0, *curve), max(0.0, *curve)

    def y(value: float) -> float:
        return 20 + (high - value) / ((high - low) or 1) * (height - 40)

    points = " ".join(
        f"{place * width / max(1, len(curve) - 1):.1f},{y(value):.1f}"
        for place, value in enumerate(curve)
    )
    text = 'font-family="sans-serif" font-size="12" fill="#555"'
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<rect width="{width}" height="{height}" fill="#fff"/>
<line x1="0" x2="{width}" y1="{y(0):.1f}" y2="{y(0):.1f}" stroke="#bbb"/>
<polyline points="{points}" fill="none" stroke="#06c" stroke-width="1.5"/>
<text x="4" y="14" {text}>profit and loss in dollars, highest {max(curve):.2f}</text>
<text x="4" y="{height - 4}" {text}>lowest {min(curve):.2f}, last {curve[-1]:.2f}</text>
</svg>
"""


def main(path: str, market: str, picture: str | None = None, step: str = "5m") -> dict[str, Fills]:
    rows = [row for row in read_rows(Path(path)) if row.market == market]
    last = next(row.price or 0 for row in reversed(rows) if row.action is Action.TRADE)
    curve, quotes, exact = backtest(rows, market, step)
    found = {
        "the exchange's queue": exact,
        "guess: always first": guess(quotes, rows, at_touch=True),
        "guess: always last": guess(quotes, rows, at_touch=False),
    }
    print(f"profit and loss: lowest {min(curve):.2f}, highest {max(curve):.2f} dollars")
    print(bars(curve))
    print(f"{'':22}{'bought':>10}{'sold':>10}{'result':>10}")
    for name, fills in found.items():
        told = (format_qty(fills.bought), format_qty(fills.sold), f"{fills.worth(last):.2f}")
        print(f"{name:22}" + "".join(f"{one:>10}" for one in told))
    if picture is not None:
        Path(picture).write_text(svg(curve), encoding="utf-8")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
