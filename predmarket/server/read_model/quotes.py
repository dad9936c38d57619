"""A market's best prices over a span of time, and its totals at the end of it.

The core records quotes minute by minute after each command, writes them down now and then
(core/quote_rows.py), and tells gateways of each batch's (changes.py). So quotes follow from the
commands alone, however these are batched.

Joining the same quotes twice changes nothing, as long as the later ones come later. So what was
read from the database and what was seen since then may overlap.
"""

import msgspec

from predmarket.engine.market import Market
from predmarket.units import PRICE_ONE, Micros, Price, Qty

MINUTE: Micros = 60_000_000
DAY: Micros = 1_440 * MINUTE
WIDTHS: tuple[Micros, ...] = (MINUTE, 60 * MINUTE, DAY)
"""The spans of which quotes are kept: minutes, hours and days."""


class Quotes(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The best prices in a span, and the market's totals at its end. Without a bid its price is 0,
    without an ask 1. ``bid`` and ``ask`` are the last ones."""

    bid_high: Price
    bid_low: Price
    bid: Price
    ask_high: Price
    ask_low: Price
    ask: Price
    open_interest: Qty
    last_price: Price | None
    volume: Qty

    @classmethod
    def of(cls, market: Market) -> "Quotes":
        """Return a market's present quotes."""
        bid, ask = _best(market)
        return cls(
            bid_high=bid,
            bid_low=bid,
            bid=bid,
            ask_high=ask,
            ask_low=ask,
            ask=ask,
            open_interest=market.open_interest,
            last_price=market.last_price,
            volume=market.volume,
        )

    def after(self, market: Market) -> "Quotes":
        """Return these quotes and the market's present ones as one: most orders change neither."""
        if (
            (self.bid, self.ask) == _best(market)
            and self.volume == market.volume
            and self.open_interest == market.open_interest
        ):
            return self
        return self.then(Quotes.of(market))

    def then(self, later: "Quotes") -> "Quotes":
        """Return these quotes and the next ones as one."""
        return Quotes(
            bid_high=max(self.bid_high, later.bid_high),
            bid_low=min(self.bid_low, later.bid_low),
            bid=later.bid,
            ask_high=max(self.ask_high, later.ask_high),
            ask_low=min(self.ask_low, later.ask_low),
            ask=later.ask,
            open_interest=later.open_interest,
            last_price=later.last_price,
            volume=later.volume,
        )


def _best(market: Market) -> tuple[Price, Price]:
    bid, ask = market.book.bids.best(), market.book.asks.best()
    return 0 if bid is None else bid.price, PRICE_ONE if ask is None else ask.price


EMPTY_BOOK = Quotes(
    bid_high=0,
    bid_low=0,
    bid=0,
    ask_high=PRICE_ONE,
    ask_low=PRICE_ONE,
    ask=PRICE_ONE,
    open_interest=0,
    last_price=None,
    volume=0,
)
"""The quotes of a market that has just been made."""


NOT_YET = msgspec.structs.replace(EMPTY_BOOK, ask_high=0, ask_low=0, ask=0)
"""The quotes of a market before its creation."""


class QuoteChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A market's quotes in a batch, within the minute that begins at ``start``."""

    market_id: int
    start: Micros
    quotes: Quotes
