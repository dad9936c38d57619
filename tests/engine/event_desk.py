"""A desk with an event: markets by letter, holdings per outcome, payoffs."""

from predmarket.engine.commands import (
    AddMarket,
    CreateEvent,
    EventMarket,
    OpenAccount,
    ResolveEvent,
    UpdateEvent,
)
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.replies import Reply
from predmarket.enums import EventOutcome, MarketStatus
from predmarket.units import (
    Micros,
    format_money,
    format_qty,
    parse,
    parse_money,
    parse_rate,
    parse_tick,
)
from tests.engine.desk import Desk

X, Y, Z, W = 1, 2, 3, 4

OF_EVENT = "ABCDEFGH"
NONE = "NONE"


def short(qty: int) -> str:
    """Return a quantity without trailing zeros."""
    return format_qty(qty).removesuffix(".00")


class EventDesk(Desk):
    """A desk where X, Y, Z and W have 100.00 each and an event has the markets A, B, C.

    The market without an event that every desk has exists, too.
    """

    def __init__(
        self,
        markets: int = 3,
        *,
        exhaustive: bool = False,
        maker_fee: str = "0",
        taker_fee: str = "0",
        closes_at: Micros | None = None,
        status: str = "OPEN",
    ) -> None:
        super().__init__()
        self.apply(OpenAccount(W, parse_money("100")))
        reply = self.create_event(
            "race",
            [f"race-{letter.lower()}" for letter in OF_EVENT[:markets]],
            exhaustive=exhaustive,
            maker_fee=maker_fee,
            taker_fee=taker_fee,
            closes_at=closes_at,
            status=status,
        )
        assert 1 in self.exchange.state.market_events, reply

    # commands

    def create_event(
        self,
        slug: str,
        markets: list[str],
        *,
        exhaustive: bool = False,
        maker_fee: str = "0",
        taker_fee: str = "0",
        tick: str = "0.01",
        closes_at: Micros | None = None,
        status: str = "OPEN",
    ) -> Reply:
        """Create an event with these markets, by their slugs."""
        return self.apply(
            CreateEvent(
                slug=slug,
                title="Who wins?",
                description="",
                exhaustive=exhaustive,
                tick=parse_tick(tick),
                maker_rate=parse_rate(maker_fee),
                taker_rate=parse_rate(taker_fee),
                closes_at=closes_at,
                status=MarketStatus(status),
                creator_id=X,
                markets=tuple(EventMarket(one, "?", one.upper()) for one in markets),
            )
        )

    def add(self, slug: str, event: int = 1) -> Reply:
        """Add a market to an event."""
        return self.apply(AddMarket(event, slug, "?", "new", actor_id=X))

    def event_status(self, status: str, event: int = 1) -> Reply:
        """Change the status of an event's markets."""
        return self.apply(UpdateEvent(event, MarketStatus(status)))

    def event_closing(self, closes_at: Micros | None, event: int = 1) -> Reply:
        """Change the closing time of an event."""
        return self.apply(UpdateEvent(event, sets_closes_at=True, closes_at=closes_at))

    def decide(self, outcome: str, event: int = 1) -> Reply:
        """Resolve an event: a letter, NONE, VOID, or weights as "A 0.5 B 0.5"."""
        if outcome in (NONE, "VOID"):
            return self.apply(ResolveEvent(event, EventOutcome(outcome)))
        if outcome in OF_EVENT:
            return self.apply(ResolveEvent(event, EventOutcome.WINNER, self.id(outcome)))
        words = outcome.split()
        weights = tuple(
            (0 if name == NONE else self.id(name), parse(price, 4))
            for name, price in zip(words[::2], words[1::2], strict=True)
        )
        return self.apply(ResolveEvent(event, EventOutcome.WEIGHTS, weights=weights))

    def strike(self, letter: str) -> Reply:
        """Resolve one market of the event NO."""
        return self.resolve("NO", market=self.id(letter))

    def order(self, user: int, side: str, qty: str, letter: str, price: str) -> Reply:
        """Place a limit order in a market of the event."""
        return self.place(user, side, qty, price, market=self.id(letter))

    def trade(self, buyer: int, seller: int, qty: str, letter: str, price: str) -> None:
        """Place a resting SELL and a BUY that takes it."""
        self.order(seller, "SELL", qty, letter, price)
        self.order(buyer, "BUY", qty, letter, price)
        assert len(self.trades) == 1, "they did not trade"

    # results

    def id(self, letter: str) -> int:
        """Return the id of a market of the first event."""
        return self.event.market_ids[OF_EVENT.index(letter)]

    @property
    def event(self) -> MarketEvent:
        """The first event."""
        return self.exchange.state.market_events[1]

    def of(self, letter: str) -> Market:
        """Return a market of the event."""
        return self.exchange.state.markets[self.id(letter)]

    def statuses(self) -> list[str]:
        """Return the status of each market of the event."""
        return [market.status.value for market in self.exchange.state.markets_of(self.event)]

    def net(self, user: int, letter: str) -> str:
        """Return a user's net position, as "YES 10", "NO 10" or nothing."""
        position = self.of(letter).positions.get(user)
        if position is None or position.yes == position.no:
            return ""
        return f"YES {short(position.yes)}" if position.yes else f"NO {short(position.no)}"

    def holds(self, user: int) -> dict[str, str]:
        """Return a user's nonzero shares of each outcome that is not struck."""
        held = self.payoffs(user)
        return {name: short(qty) for name, qty in held.items() if qty}

    def payoffs(self, user: int) -> dict[str, int]:
        """Return a user's shares of each outcome that is not struck."""
        holding = self.event.holdings.get(user)
        base = 0 if holding is None else holding.base
        held = {} if self.event.exhaustive else {NONE: base}
        for letter, _ in zip(OF_EVENT, self.event.market_ids, strict=False):
            if not self.of(letter).final:
                position = self.of(letter).positions.get(user)
                held[letter] = base + (position.yes - position.no if position else 0)
        return held

    def returned(self, user: int) -> str:
        """Return the money that merging has paid out in advance."""
        holding = self.event.holdings[user]
        markets = self.exchange.state.markets
        short_in_all = sum(markets[id].positions[user].no for id in holding.market_ids)
        return format_money((short_in_all - holding.base) * 10_000)

    def cash(self, *users: int) -> list[str]:
        """Return the available cash of users, without trailing zeros."""
        return [format_money(self.account(user).available).removesuffix("0000") for user in users]

    def locked(self, user: int) -> str:
        """Return the locked cash of a user."""
        return format_money(self.account(user).locked).removesuffix("0000")

    def gain(self, user: int, letter: str) -> str:
        """Return the realized profit or loss in a market of the event."""
        return format_money(self.position(user, self.id(letter)).realized).removesuffix("0000")

    @property
    def collateral(self) -> str:
        """The event's collateral."""
        return format_money(self.event.collateral).removesuffix("0000")


def after_example_6() -> EventDesk:
    """Return a desk where X has sold 10 A to Y at 0.40."""
    desk = EventDesk()
    desk.order(X, "SELL", "10", "A", "0.40")
    desk.order(Y, "BUY", "10", "A", "0.40")
    return desk


def after_example_7() -> EventDesk:
    """Return a desk where X has sold 10 B to Z at 0.30."""
    desk = after_example_6()
    desk.order(X, "SELL", "10", "B", "0.30")
    desk.order(Z, "BUY", "10", "B", "0.30")
    return desk


def after_example_8() -> EventDesk:
    """Return a desk where X has bought the 10 A back from Y at 0.45."""
    desk = after_example_7()
    desk.order(X, "BUY", "10", "A", "0.45")
    desk.order(Y, "SELL", "10", "A", "0.45")
    return desk
