"""Matching alone, and the whole exchange with its ledger and assertions, on the shared stream."""

import gc
import statistics
import time
from collections.abc import Iterator

from benchmarks.stream import USERS, Command, commands
from benchmarks.table import Line
from benchmarks.yardsticks import lightmatchingengine_rate
from predmarket.engine import Exchange
from predmarket.engine import commands as exchange_commands
from predmarket.engine.book import Book, Order
from predmarket.engine.matching import sweep
from predmarket.enums import MarketStatus, OrderType, Side, TimeInForce
from predmarket.server.interpreter import tune_interpreter
from predmarket.units import MAX_TRANSFER, QTY_ONE

TICK = 100
_MARKET_ID = 1
_YARDSTICK = "lightmatchingengine"
_ALONE, _WHOLE = "matching alone", "with ledger and assertions"
RUNS = 5
BATCH = 200
"""Commands between two takings of what changed: a batch of a busy core."""


def measure() -> Iterator[Line]:
    """Yield both figures beside lightmatchingengine's on the same commands."""
    tune_interpreter()  # as serve does
    stream = commands()
    rates: dict[str, list[float]] = {_YARDSTICK: [], _ALONE: [], _WHOLE: []}
    for _ in range(RUNS):  # in turns, since the machine's speed drifts
        rates[_YARDSTICK].append(lightmatchingengine_rate(stream))
        rates[_ALONE].append(matching_rate(stream))
        rates[_WHOLE].append(exchange_rate(opening(), translated(stream)))
    medians = {name: statistics.median(taken) for name, taken in rates.items()}
    conditions = f"{len(stream):,} commands, one thread, in memory"
    for work, goal in ((_ALONE, "≥ 6 ×"), (_WHOLE, "≥ 1 ×")):
        yield Line(
            "engine", work, medians[work], "commands/s", _YARDSTICK, medians[_YARDSTICK], goal,
            conditions,
        )  # fmt: skip


def matching_rate(stream: list[Command]) -> float:
    """Return the stream's commands a second through book and matching, without any money."""
    book = Book(TICK)
    live: dict[int, Order] = {}
    trades: list[tuple[int, int, int]] = []

    def on_fill(taker: Order, maker: Order, qty: int) -> None:
        trades.append((taker.id, maker.id, qty))
        if not maker.remaining:
            del live[maker.id]

    def on_own(maker: Order) -> None:
        raise AssertionError("the stream has no self-trades")

    gc.collect()
    start = time.perf_counter()
    for command in stream:
        if command[0] == "place":
            _, id, user, is_buy, price, qty = command
            side = Side.BUY if is_buy else Side.SELL
            order = Order(id, user, _MARKET_ID, side, price * TICK, qty * QTY_ONE)
            sweep(book, order, on_fill, on_own)
            if order.remaining:
                book.side(is_buy).add(order)
                live[id] = order
        else:
            resting = live.pop(command[1], None)
            if resting is not None:
                book.side(resting.is_buy).remove(resting)
    return len(stream) / (time.perf_counter() - start)


def opening() -> list[exchange_commands.Command]:
    """Return what the stream presupposes: funded users and a market."""
    accounts: list[exchange_commands.Command] = [
        exchange_commands.OpenAccount(user, MAX_TRANSFER) for user in range(1, USERS + 1)
    ]
    market = exchange_commands.CreateMarket(
        "stream", "?", "", TICK, 0, 0, None, MarketStatus.OPEN, 1
    )
    return [*accounts, market]


def translated(stream: list[Command]) -> list[exchange_commands.Command]:
    """Return the stream as commands of the exchange."""
    return [
        exchange_commands.PlaceOrder(
            command[2],
            _MARKET_ID,
            Side.BUY if command[3] else Side.SELL,
            OrderType.LIMIT,
            command[4] * TICK,
            command[5] * QTY_ONE,
            TimeInForce.GTC,
        )
        if command[0] == "place"
        else exchange_commands.CancelOrder(command[2], command[1])
        for command in stream
    ]


def exchange_rate(
    first: list[exchange_commands.Command], stream: list[exchange_commands.Command]
) -> float:
    """Return the stream's commands a second through the whole exchange, every check on.

    What changed is taken out after each batch, as a core does: otherwise no ended order would ever
    be freed, and the row would measure the memory of orders that no exchange keeps. ``first`` is
    not timed.
    """
    exchange = Exchange()
    for command in first:
        exchange.apply(0, command)
    exchange.take_changes()
    gc.collect()
    start = time.perf_counter()
    for batch in range(0, len(stream), BATCH):
        for now, command in enumerate(stream[batch : batch + BATCH], batch):
            exchange.apply(now, command)
        exchange.take_changes()
    return len(stream) / (time.perf_counter() - start)
