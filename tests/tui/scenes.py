"""Whole scripted screens to draw: markets, book, tape, chart and positions."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from predmarket.client import messages as feed
from predmarket.client import response_types
from predmarket.client.messages import Message
from tests.tui.script import LIVE, LOST, NOW, book, market, order, position, snapshot, trade

QUARTER = 15 * 60 * 1_000_000


@dataclass
class Scene:
    """``messages`` lead to the drawn state; ``answers`` are those of REST."""

    markets: list[response_types.Market]
    messages: list[Message]
    answers: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        plain = {"GET /v1/markets": {"items": self.markets, "total": len(self.markets)}}
        self.answers = plain | self.answers


def thin() -> Scene:
    """A market without trades, with one order, and without the user's own."""
    mine = [snapshot(feed.BalancesSnapshot, "user:7:balances", _balance("100.000000"))]
    return Scene(
        [market(question="Will it rain tomorrow?")], [LIVE, book({"0.4000": "5.00"}, {}), *mine]
    )


def deep(*last: Message, **fields: object) -> Scene:
    """A busy market with own orders and a position; ``last`` is its last message."""
    chance = random.Random(7)
    trades, candles = _history(chance, price=61)
    bids = {f"0.{60 - n:02}00": f"{chance.randint(4, 90) * (n + 2)}.00" for n in range(45)}
    asks = {f"0.{61 + n:02}00": f"{chance.randint(4, 90) * (n + 2)}.00" for n in range(35)}
    own = [
        order(14, "SELL", "0.6300", "50.00"),
        order(12, "BUY", "0.5800", "25.00"),
        order(11, "BUY", "0.6000", "10.00", qtyFilled="4.00", qtyRemaining="6.00"),
    ]  # fmt: skip
    first = market(
        slug="will-it-rain-tomorrow", question="Will it rain tomorrow?", lastPrice="0.6100",
        bestBid="0.6000", bestAsk="0.6100", volume="48210.00", openInterest="9120.00",
        closesAt="2030-03-17T22:58:40.000000Z",
    )  # fmt: skip
    others = [
        market(
            2,
            "moon-landing-by-2035",
            lastPrice="0.0800",
            bestBid="0.0700",
            bestAsk="0.0900",
            volume="30110.00",
        ),
        market(3, "cpi-above-3-percent", lastPrice="0.4400", bestAsk="0.4500", volume="9250.00"),
        market(4, "first-snow-in-october", lastPrice="0.2700", volume="870.00", status="HALTED"),
        market(5, "marathon-under-two-hours", lastPrice="0.1200", volume="95.50"),
    ]
    held = [
        _position(first["slug"], "70.00", "0.00", "0.600000", "0.400000"),
        _position("cpi-above-3-percent", "0.00", "40.00", "0.550000", "-1.250000", marketId=3),
    ]
    fills = [_fill(n, "will-it-rain-tomorrow", qty) for n, qty in ((40, "4.00"), (31, "70.00"))]
    return Scene(
        [{**first, **fields}, *others],  # type: ignore[typeddict-item]  # fields are a market's
        [
            LIVE,
            *_own(own, held, fills, "96.800000", "6.000000"),
            book(bids, asks),
            _tape(trades),
            *last,
        ],
        {"GET /v1/candles/1": {"items": candles}}
        | _queues({11: "0.00", 12: "180.00", 14: "142.00"}),
    )


def wild() -> Scene:
    """Names of the greatest length, sizes from 0.01 to a hundred million, a fine tick."""
    chance = random.Random(5)
    slug = "will-the-" + "very-" * 9 + "long-name-still-fit"
    name = (
        "Will a question that goes on and on, with commas and 日本語 in it, be cut where it must, "
        * 2
    )
    trades, candles = _history(chance, price=50, sizes=(0.01, 99_999_999.99))
    bids = {f"0.{n:02}00": f"{10 ** chance.uniform(-2, 8):.2f}" for n in range(1, 49)}
    asks = {f"0.{n:02}00": f"{10 ** chance.uniform(-2, 8):.2f}" for n in range(51, 100)}
    own = [
        order(9_000_000 + n, "BUY", f"0.{n:02}00", "999999.99", marketSlug=slug)
        for n in (48, 46, 3)
    ]
    own += [order(9_000_100, "SELL", "0.9900", "12345.67", marketSlug=slug)]
    held = [_position(slug, "0.00", "12345678.90", "0.481234", "-1234567.890000")]
    fills = [_fill(9_000_000 + n, slug, "1234567.89") for n in range(12)]
    top = market(
        slug=slug, question=name, lastPrice="0.5000", bestBid="0.4800", bestAsk="0.5100",
        volume="123456789012.34", closesAt="2031-01-01T00:00:00.000000Z",
    )  # fmt: skip
    many = [
        market(n, f"market-{n}-" + "x" * n, volume=f"{10 ** (n % 11)}.00", lastPrice=f"0.{n:02}00")
        for n in range(2, 60)
    ]
    return Scene(
        [top, *many],
        [
            LIVE,
            *_own(own, held, fills, "123456789.123456", "98765432.100000"),
            book(bids, asks),
            _tape(trades),
        ],
        {"GET /v1/candles/1": {"items": candles}}
        | _queues({each["id"]: "99999999.99" for each in own}),
    )


def halted() -> Scene:
    """The busy market, halted."""
    return deep(status="HALTED")


def disconnected() -> Scene:
    """The busy market after the connection was lost."""
    return deep(LOST)


def resolved() -> Scene:
    """The busy market resolved YES: no book, no orders."""
    scene = deep(status="RESOLVED", outcome="YES", bestBid=None, bestAsk=None, closesAt=None)
    scene.messages += [
        book({}, {}, 9),
        snapshot(feed.OrdersSnapshot, "user:7:orders", {"items": []}, 9),
    ]
    return scene


SCENES = {each.__name__: each for each in (thin, deep, wild, halted, disconnected, resolved)}


def _history(
    chance: random.Random, price: int, sizes: tuple[float, float] = (1, 120)
) -> tuple[list[response_types.Trade], list[dict[str, Any]]]:
    """Return trades and candles, walked back from ``price``; the trades newest first."""
    candles: list[dict[str, Any]] = []
    close = price
    for n in range(90):
        opened = max(4, min(96, close + chance.choice((-2, -1, 0, 0, 1, 2))))
        high = min(99, max(close, opened) + chance.randint(0, 2))
        low = max(1, min(close, opened) - chance.randint(0, 2))
        candles.append(
            {"start": spelled(NOW - NOW % QUARTER - n * QUARTER), "open": f"0.{opened:02}00",
             "high": f"0.{high:02}00", "low": f"0.{low:02}00", "close": f"0.{close:02}00",
             "volume": f"{chance.randint(5, 900)}.00", "trades": 3}
        )  # fmt: skip
        close = opened
    trades, at, now = [], price, NOW
    for number in range(60, 0, -1):
        qty = chance.uniform(*sizes) if sizes[1] > 1_000 else float(chance.randint(1, 120))
        taker = chance.choice(("BUY", "SELL"))
        trades.append(trade(number, f"0.{at:02}00", f"{qty:.2f}", taker, createdAt=spelled(now)))
        at = max(price - 4, min(price + 4, at + chance.choice((-1, 0, 0, 1))))
        now -= chance.randint(1, 40) * 1_000_000
    return trades, candles[::-1]


def spelled(moment: int) -> str:
    """Return a time in microseconds in the wire's format."""
    return f"{datetime.fromtimestamp(moment / 1_000_000, UTC):%Y-%m-%dT%H:%M:%S}.000000Z"


def _tape(trades: list[response_types.Trade]) -> Message:
    return snapshot(feed.TradesSnapshot, "trades:1", {"marketId": 1, "items": trades})


def _balance(available: str, locked: str = "0.000000") -> dict[str, str]:
    total = f"{float(available) + float(locked):.6f}"
    return {"available": available, "locked": locked, "total": total}


def _own(
    orders: list[response_types.OrderState], held: list[response_types.Position],
    fills: list[response_types.Fill], available: str, locked: str,
) -> list[Message]:  # fmt: skip
    return [
        snapshot(feed.OrdersSnapshot, "user:7:orders", {"items": orders}),
        snapshot(feed.FillsSnapshot, "user:7:fills", {"items": fills}),
        snapshot(feed.BalancesSnapshot, "user:7:balances", _balance(available, locked)),
        snapshot(feed.PositionsSnapshot, "user:7:positions", {"items": held}),
    ]


def _position(
    slug: str, yes: str, no: str, average: str, realized: str, **fields: object
) -> response_types.Position:
    return position(yes, no, marketSlug=slug, avgPrice=average, realizedPnl=realized, **fields)


def _fill(number: int, slug: str, qty: str) -> response_types.Fill:
    return {
        "tradeId": number, "orderId": number, "marketId": 1, "marketSlug": slug, "side": "BUY",
        "price": "0.6000", "qty": qty, "fee": "0.000000", "liquidity": "MAKER",
        "createdAt": spelled(NOW - number * 1_000_000 % QUARTER),
    }  # fmt: skip


def _queues(ahead: dict[int, str]) -> dict[str, object]:
    """Return the answers with the quantity that rests before each order."""
    return {
        f"GET /v1/orders/{id}": order(id, "BUY", "0.5000", "1.00", queueAhead=qty)
        for id, qty in ahead.items()
    }
