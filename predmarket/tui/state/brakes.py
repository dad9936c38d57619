"""A trader's own limits, checked before the screen sends an order.

They are in keys.toml under [brakes]:

    [brakes]
    order = 100        # contracts in one order
    position = 500     # contracts held in a market, with what works on that side
    loss = 50          # open loss in a market: beyond it only orders that reduce are sent
    through = 5        # ticks that a price may lie through the best opposite one
    rate = 5           # orders in a second
"""

from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal

from predmarket import units
from predmarket.enums import Side
from predmarket.tui.state import formatting
from predmarket.tui.state.trading_state import TradingState
from predmarket.units import Micros, Money, Price, Qty

SECOND: Micros = 1_000_000
SHOWN: Micros = 2_000_000
"""In this time the feed tells of an accepted order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TradingLimits:
    """A trader's own limits; a missing one is None."""

    order: Qty | None = None
    position: Qty | None = None
    loss: Money | None = None
    through: int | None = None
    rate: int | None = None

    @property
    def texts(self) -> dict[str, str]:
        """Return the text of each existing limit, by its name."""
        texts = {
            "order": None if self.order is None else formatting.qty(self.order),
            "position": None if self.position is None else formatting.qty(self.position),
            "loss": None if self.loss is None else units.format(self.loss, units.MONEY_DECIMALS),
            "through": None if self.through is None else str(self.through),
            "rate": None if self.rate is None else str(self.rate),
        }
        return {name: text for name, text in texts.items() if text is not None}

    @property
    def words(self) -> str:
        """Return the limits in a few words, for the header: "order 100 loss 50.00 rate 5/s"."""
        shown = self.texts
        if self.loss is not None:
            shown["loss"] = formatting.money(self.loss)
        if self.rate is not None:
            shown["rate"] += "/s"
        return " ".join(f"{name} {text}" for name, text in shown.items())


def read(table: Mapping[str, object]) -> TradingLimits:
    """Read limits by name; an empty text is no limit. Raises ValueError, UnitError."""
    unknown = [name for name in table if name not in TradingLimits.__dataclass_fields__]
    if unknown:
        raise ValueError(f"there is no brake {unknown[0]}")
    given = {name: str(value).strip() for name, value in table.items() if value is not None}
    given = {name: value for name, value in given.items() if value}
    return TradingLimits(
        order=units.parse_qty(given["order"]) if "order" in given else None,
        position=units.parse_qty(given["position"]) if "position" in given else None,
        loss=units.parse(given["loss"], units.MONEY_DECIMALS) if "loss" in given else None,
        through=_count(given, "through"),
        rate=_count(given, "rate"),
    )


def _count(given: Mapping[str, str], name: str) -> int | None:
    if name not in given:
        return None
    value = Decimal(given[name]) if given[name].isascii() and given[name].isdigit() else None
    if value is None or not 0 <= value <= 10_000:
        raise ValueError(f"{name} must be a whole number, such as 5")
    return int(value)


@dataclass(slots=True, eq=False)
class Pending:
    """An order on its way to the exchange; ``id`` is None before it is accepted."""

    market: int | None
    side: Side
    qty: Qty
    id: int | None = None
    at: Micros = 0

    def answered(self, order: int | None, now: Micros) -> None:
        """Note the exchange's answer: an order, or None."""
        self.id, self.at = order, now

    def shown(self, state: TradingState, now: Micros) -> bool:
        """Tell whether the feed has told of the order, or should have."""
        return self.id is not None and (state.orders.newest >= self.id or now - self.at > SHOWN)


class Brakes:
    """Checks orders against the limits, and counts those sent."""

    def __init__(self, limits: TradingLimits | None = None) -> None:
        self.limits = limits or TradingLimits()
        self._sent: deque[Micros] = deque(maxlen=10_000)
        self._pending: list[Pending] = []

    @contextmanager
    def pending(self, market: int | None, side: Side, qty: Qty) -> Iterator["Pending"]:
        """Count an order that waits or has no answer yet; an accepted one until it is shown."""
        order = Pending(market, side, qty)
        self._pending.append(order)
        try:
            yield order
        finally:
            if order.id is None:
                self._pending.remove(order)

    def _waiting(self, state: TradingState, market: int, side: Side, now: Micros) -> Qty:
        """Return the quantity of a side that was entered and is not among the orders yet."""
        self._pending = [each for each in self._pending if not each.shown(state, now)]
        return sum(each.qty for each in self._pending if (each.market, each.side) == (market, side))

    def sent(self, now: Micros) -> None:
        """Note that an order was sent."""
        self._sent.append(now)

    def reason(
        self,
        state: TradingState,
        market: int,
        side: Side,
        qty: Qty,
        price: Price | None,
        now: Micros,
    ) -> str | None:
        """Return why an order is not sent; None if it may be sent.

        ``qty`` is the quantity added to the working orders; ``price`` is None for a market order.
        """
        limits = self.limits
        if limits.order is not None and qty > limits.order:
            return f"the order is larger than {formatting.qty(limits.order)}"
        if limits.rate is not None:
            recent = sum(1 for at in self._sent if now - at < SECOND)
            if recent >= limits.rate:
                return f"{limits.rate} orders were sent within a second"
        held = self._exposure(state, market, side, qty, now)
        return self._through(state, market, side, price) or held

    def _through(
        self, state: TradingState, market: int, side: Side, price: Price | None
    ) -> str | None:
        limit, known = self.limits.through, state.markets.get(market)
        if limit is None or price is None or known is None:
            return None
        best = known.ask if side is Side.BUY else known.bid
        if best is None:
            return None
        ticks = (price - best if side is Side.BUY else best - price) // known.tick
        if ticks <= limit:
            return None
        return f"{formatting.price(price, known.tick)} lies {ticks} ticks through the best price"

    def _exposure(
        self, state: TradingState, market: int, side: Side, qty: Qty, now: Micros
    ) -> str | None:
        limits, held = self.limits, state.positions.get(market)
        sign = 1 if side is Side.BUY else -1
        net = (held.yes - held.no if held else 0) * sign
        working = state.orders.working(market, side) + self._waiting(state, market, side, now)
        grows = net + working + qty > max(0, -net)
        if limits.position is not None and net + working + qty > limits.position:
            return f"the position could exceed {formatting.qty(limits.position)}"
        if limits.loss is not None and held is not None and grows:
            known = state.markets.get(market)
            profit = held.unrealized(known.doubled_mark if known else None)
            if -profit >= limits.loss:
                return f"the open loss is {formatting.money(-profit)}: only what reduces is sent"
        return None
