"""The known markets, and their order in the list."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from predmarket.client import response_types
from predmarket.enums import MarketStatus, Outcome
from predmarket.tui.state import parse, proposal
from predmarket.tui.state.proposal import Proposal
from predmarket.units import Micros, Price, Qty

FINAL = frozenset({MarketStatus.RESOLVED, MarketStatus.VOIDED})
RANK = {
    MarketStatus.OPEN: 0,
    MarketStatus.HALTED: 1,
    MarketStatus.CLOSED: 2,
    MarketStatus.DRAFT: 3,
    MarketStatus.RESOLVED: 4,
    MarketStatus.VOIDED: 5,
}


@dataclass(slots=True)
class Market:
    """One market's present state; missing prices are None."""

    id: int
    slug: str
    question: str
    description: str
    status: MarketStatus
    outcome: Outcome | None
    settlement: Price | None
    tick: Price
    closes_at: Micros | None
    last: Price | None
    bid: Price | None
    ask: Price | None
    volume: Qty
    interest: Qty
    rising: bool | None = None
    """Which way the last price went; None before it moved."""
    event: int | None = None
    label: str = ""
    """What it is called within its event."""
    opened_at: Price | None = None
    """The first price of the last 24 hours; None before it is known."""
    sorted_by: str = ""
    """Its category and tags, which a search finds."""
    proposal: Proposal | None = None
    """The proposed resolution of it or of its event."""

    @property
    def title(self) -> str:
        """Return what the market is about."""
        return self.question

    @property
    def trading(self) -> bool:
        """Tell whether orders are taken."""
        return self.status is MarketStatus.OPEN

    @property
    def change(self) -> Price | None:
        """Return the last price's change in 24 hours; None while it is unknown."""
        return None if self.last is None or self.opened_at is None else self.last - self.opened_at

    @property
    def final(self) -> bool:
        """Tell whether the market is final."""
        return self.status in FINAL

    @property
    def doubled_mark(self) -> int | None:
        """Return twice the mark, so that a midpoint stays an integer; the midpoint of the best
        prices, else the last price, else None (docs/market_rules.md, Positions).
        """
        if self.bid is not None and self.ask is not None:
            return self.bid + self.ask
        return None if self.last is None else 2 * self.last


def of_wire(market: response_types.Market) -> Market:
    """Return a market as the wire has it."""
    outcome = market["outcome"]
    return Market(
        id=market["id"],
        slug=market["slug"],
        question=market["question"],
        description=market["description"],
        status=MarketStatus(market["status"]),
        outcome=None if outcome is None else Outcome(outcome),
        settlement=parse.price(market["settlementPrice"]),
        tick=parse.price(market["tickSize"]),
        closes_at=parse.time(market["closesAt"]),
        last=parse.price(market["lastPrice"]),
        bid=parse.price(market["bestBid"]),
        ask=parse.price(market["bestAsk"]),
        volume=parse.qty(market["volume"]),
        interest=parse.qty(market["openInterest"]),
        event=market.get("eventId"),
        label=market.get("label") or market["slug"],
        sorted_by=" ".join([market.get("category") or "", *market.get("tags", [])]),
        proposal=proposal.of_wire(market.get("proposal")),
    )


class Markets:
    """Every market by id. ``version`` changes with each change, for drawing."""

    def __init__(self) -> None:
        self._known: dict[int, Market] = {}
        self._of_event: dict[int, set[int]] = {}
        self.version = 0

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Market]:
        return iter(self._known.values())

    def get(self, market: int | None) -> Market | None:
        """Return a market by its id."""
        return None if market is None else self._known.get(market)

    def of_event(self, event: int) -> list[Market]:
        """Return an event's markets in the order of their ids, struck ones too."""
        return [self._known[market] for market in sorted(self._of_event.get(event, ()))]

    def mark(self, market: int) -> int | None:
        """Return twice a market's mark; None when it has none, or is not known."""
        found = self._known.get(market)
        return None if found is None else found.doubled_mark

    def named(self, name: str) -> Market | None:
        """Return a market by its slug or the digits of its id."""
        if name.isascii() and name.isdigit():
            return self._known.get(int(name))
        return next((market for market in self if market.slug == name), None)

    def take(self, markets: Iterable[response_types.Market]) -> None:
        """Apply the exchange's data on ``markets``; the others stay."""
        for each in markets:
            market = of_wire(each)
            before = self._known.get(market.id)
            if before is not None:
                market.rising = _rising(before, market.last)
                market.opened_at = _opened_at(before, market.last)
            self._known[market.id] = market
            if market.event is not None:
                self._of_event.setdefault(market.event, set()).add(market.id)
        self.version += 1

    def quote(self, ticker: response_types.Ticker) -> None:
        """Apply a market's prices."""
        market = self._known.get(ticker["marketId"])
        if market is None:
            return
        last = parse.price(ticker["lastPrice"])
        market.rising = _rising(market, last)
        market.opened_at = _opened_at(market, last)
        market.last = last
        market.bid = parse.price(ticker["bestBid"])
        market.ask = parse.price(ticker["bestAsk"])
        market.volume = parse.qty(ticker["volume"])
        market.interest = parse.qty(ticker["openInterest"])
        self.version += 1

    def load_day(self, market: int, candles: Sequence[response_types.Candle]) -> None:
        """Load the candles of a market's last 24 hours, the oldest first."""
        known = self._known.get(market)
        if known is not None:
            known.opened_at = parse.price(candles[0]["open"]) if candles else known.last
            self.version += 1

    def listed(self, search: str = "") -> list[Market]:
        """Return the markets that hold every word of ``search`` in slug, question, category or
        tags.

        They are ordered by whether they begin with it, then by status with the open ones first,
        then by volume.
        """
        sought = search.lower().strip()
        words = sought.split()
        found = [
            market
            for market in self
            if all(
                word in f"{market.slug} {market.question} {market.sorted_by}".lower()
                for word in words
            )
        ]

        def rank(market: Market) -> tuple[bool, int, int, int]:
            starts = market.slug.startswith(sought) or market.question.lower().startswith(sought)
            return (not starts, RANK[market.status], -market.volume, market.id)

        return sorted(found, key=rank)


def _opened_at(before: Market, last: Price | None) -> Price | None:
    return last if before.last is None else before.opened_at


def _rising(before: Market, last: Price | None) -> bool | None:
    if last is None or before.last is None or last == before.last:
        return before.rising
    return last > before.last
