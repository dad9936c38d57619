"""Positions and cash, computed by a program from the tape and the private topics."""

from predmarket.client import AsyncClient, Feed, calls
from predmarket.client.messages import (
    BalanceChanged,
    BalancesSnapshot,
    FillMade,
    FillsSnapshot,
    Gap,
    OrderChanged,
    OrdersSnapshot,
    PositionChanged,
    PositionsSnapshot,
    TopicMessage,
    TradeMade,
    TradesSnapshot,
)
from predmarket.client.response_types import Balance, Order, OrderState, Position

PRIVATE = ("orders", "fills", "balances", "positions")


def topics(market: str) -> list[str]:
    """Return the topics that a ledger reads."""
    return [f"trades:{market}", *(f"user:me:{name}" for name in PRIVATE)]


class Ledger:
    """Positions and cash of a user, from before the first trade of their only market."""

    def __init__(self) -> None:
        self.trades: list[int] = []
        self.fills: list[int] = []
        self.orders: dict[int, OrderState] = {}
        self.balance: Balance | None = None
        self.positions: dict[int, Position] = {}
        self.begun: list[type[TopicMessage]] = []

    async def read(self, feed: Feed) -> None:
        """Read every message."""
        async for message in feed:
            assert not isinstance(message, Gap)
            if isinstance(message, TopicMessage):
                self._take(message)

    def _take(self, message: TopicMessage) -> None:
        if message.snapshot:
            self.begun.append(type(message))
        match message:
            case TradesSnapshot(data=data):
                assert not data["items"]
            case TradeMade(data=trade):
                self.trades.append(trade["id"])
            case FillsSnapshot(data=data):
                assert not data["items"]
            case FillMade(data=fill):
                self.fills.append(fill["tradeId"])
            case OrdersSnapshot(data=data):
                assert not data["items"]
            case OrderChanged(data=order):
                self.orders[order["id"]] = order
            case BalancesSnapshot(data=balance) | BalanceChanged(data=balance):
                self.balance = balance
            case PositionsSnapshot(data=data):
                self.positions = {one["marketId"]: one for one in data["items"]}
            case PositionChanged(data=position):
                self.positions[position["marketId"]] = position


class Record:
    """The same positions and cash according to REST."""

    def __init__(self) -> None:
        self.trades: list[int] = []
        self.fills: list[int] = []
        self.orders: list[Order] = []
        self.balance: Balance | None = None
        self.positions: list[Position] = []

    async def ask(self, rest: AsyncClient, market: str) -> None:
        """Fetch everything, the oldest first."""
        self.trades = [one["id"] async for one in rest.follow(calls.trades(market, limit=100))]
        self.fills = [one["tradeId"] async for one in rest.follow(calls.fills(limit=100))]
        self.orders = [one async for one in rest.follow(calls.orders(limit=100))]
        for newest_first in (self.trades, self.fills, self.orders):
            newest_first.reverse()
        self.balance = await rest.balance()
        self.positions = (await rest.positions())["items"]

    def told_by(self, ledger: Ledger) -> bool:
        """Tell whether the ledger has reached this record; its contents may still be wrong."""
        return (
            len(ledger.trades) >= len(self.trades)
            and len(ledger.fills) >= len(self.fills)
            and ledger.balance == self.balance
            and [_settled(one) for one in ledger.positions.values()]
            == [_settled(one) for one in self.positions]
        )

    def confirm(self, ledger: Ledger) -> None:
        """Check that the ledger lacks nothing, has nothing twice, and began each topic once."""
        assert ledger.trades == self.trades
        assert ledger.fills == self.fills
        states = {one["id"]: {k: v for k, v in one.items() if k != "fills"} for one in self.orders}
        assert {id: dict(order) for id, order in ledger.orders.items()} == states
        for replayed in (TradesSnapshot, FillsSnapshot, OrdersSnapshot):
            assert ledger.begun.count(replayed) == 1


def _settled(position: Position) -> tuple[object, ...]:
    """Return the fields of a position that no other user's trade changes."""
    return (position["marketId"], position["qtyLong"], position["qtyShort"], position["avgPrice"])
