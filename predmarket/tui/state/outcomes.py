"""What the event view shows of each outcome, and of all of them together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from predmarket.enums import MarketStatus, Side
from predmarket.tui.state import formatting
from predmarket.tui.state.book import NO_TOP, Top
from predmarket.tui.state.events import Event, Holding
from predmarket.tui.state.markets import Market
from predmarket.units import PRICE_ONE, Money, Price, Qty

if TYPE_CHECKING:
    from predmarket.tui.state.trading_state import TradingState


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome. ``market`` is None for NONE, which nobody trades.

    ``pays`` is what is paid if it comes true, ``profit`` that less what the positions of the event
    cost; both are None when nothing is held.
    """

    label: str
    market: Market | None
    struck: bool = False
    top: Top = NO_TOP
    mine_bid: Qty = 0
    mine_ask: Qty = 0
    net: Qty = 0
    pays: Money | None = None
    profit: Money | None = None

    def best(self, side: Side) -> Price | None:
        """Return the best price of a side."""
        return self.top.bid if side is Side.BUY else self.top.ask

    def others(self, side: Side) -> Qty:
        """Return the size at the best price of a side."""
        return self.top.bid_size if side is Side.BUY else self.top.ask_size

    def mine(self, side: Side) -> Qty:
        """Return the trader's own size on a side."""
        return self.mine_bid if side is Side.BUY else self.mine_ask

    def resting(self, side: Side, better: int) -> Price | None:
        """Return a side's best price, improved by ``better`` ticks; None if it would not rest."""
        best, opposite = self.best(side), self.best(Side.SELL if side is Side.BUY else Side.BUY)
        if best is None or self.market is None:
            return None
        tick, sign = self.market.tick, 1 if side is Side.BUY else -1
        price = best + sign * better * tick
        takes = opposite is not None and sign * (price - opposite) >= 0
        return None if takes or not tick <= price <= PRICE_ONE - tick else price


def outcomes(state: "TradingState", event: Event) -> list[Outcome]:
    """Return the outcomes of an event in the order of their markets, NONE last."""
    held = state.events.holding(event.id)
    markets = state.markets.of_event(event.id)
    cost = sum(each.cost for market in markets if (each := state.positions.get(market.id)))
    found = [_outcome(state, event, market, held, cost) for market in markets]
    if not event.exhaustive:
        pays = None if held is None else held.none
        found.append(Outcome("none of these", None, pays=pays, profit=_profit(pays, held, cost)))
    return found


def _outcome(
    state: "TradingState", event: Event, market: Market, held: Holding | None, cost: Money
) -> Outcome:
    position = state.positions.get(market.id)
    pays = None if held is None else held.payoffs.get(market.id)
    return Outcome(
        label=market.label,
        market=market,
        struck=market.final and not event.final,
        top=_top(state, market),
        mine_bid=state.orders.working(market.id, Side.BUY),
        mine_ask=state.orders.working(market.id, Side.SELL),
        net=position.yes - position.no if position else 0,
        pays=pays,
        profit=_profit(pays, held, cost),
    )


def _profit(pays: Money | None, held: Holding | None, cost: Money) -> Money | None:
    return None if pays is None or held is None else pays + held.returned - cost


def _top(state: "TradingState", market: Market) -> Top:
    """Return the best prices: of the book, or where that is not followed, of the ticker."""
    if market.id in state.books and state.has_book(market.id):
        return state.books[market.id].top
    return Top(market.bid, 0, market.ask, 0)


def sums(markets: list[Market]) -> tuple[str, str]:
    """Return the sum of the best bids and that of the best asks of the outcomes that are not out.

    A "+" behind the asks says that an outcome has none.
    """
    live = [market for market in markets if not market.final]
    tick = min((market.tick for market in live), default=100)
    asks = [market.ask for market in live if market.ask is not None]
    bids = formatting.price_text(sum(market.bid or 0 for market in live), tick)
    return bids, formatting.price_text(sum(asks), tick) + "+" * (len(asks) < len(live))


def leaders(markets: list[Market], count: int) -> list[int]:
    """Return the outcomes with the highest prices, in the order of their markets."""
    live = [market for market in markets if not market.final]
    first = sorted(live, key=lambda each: (-(each.doubled_mark or 0), each.id))[:count]
    return sorted(market.id for market in first)


def result(event: Event, markets: list[Market]) -> str:
    """Return how a final event ended and what a share paid, in words; empty while it lives."""
    if not event.final:
        return ""
    if event.status is MarketStatus.VOIDED:
        return "void: what was paid comes back"
    weights = [(each.label, each.settlement) for each in markets if each.settlement]
    if not weights:
        return "none of these came true: a share of none paid 1.00"
    shares = ", ".join(f"{label} {_paid(weight)}" for label, weight in weights)
    return f"a share paid: {shares}; of any other nothing"


def _paid(weight: Price) -> str:
    whole, part = divmod(weight, PRICE_ONE)
    text = f"{whole}.{part:04d}"
    return text[:-2] if text.endswith("00") else text
