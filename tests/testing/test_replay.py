"""A user's orders in a replay fill exactly when a naive first-in-first-out queue says so."""

import random
from pathlib import Path

import pytest

from predmarket.client import NewOrder
from predmarket.recorded_orders import Action, Row, read_rows
from predmarket.server.core.recording import Selection
from predmarket.server.process import journal_export
from predmarket.testing import Exchange
from tests.support.queue_model import Book, Queued
from tests.support.random_flow import NAMES, feed, recorded_fills, trade


def record(exchange: Exchange, path: Path) -> list[Row]:
    """Export and read all that has happened on an exchange."""
    given = {"database_url": exchange.database_url}
    journal_export.to_file(given, path, Selection(), lambda *_: None)
    return list(read_rows(path))


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random flow of orders in one market, recorded."""
    path = tmp_path_factory.mktemp("recording") / "day.csv"
    with Exchange() as exchange:
        exchange.market("rain")
        for name in NAMES:
            exchange.deposit(name, 200)
        trade(exchange, random.Random(11), 100, ["rain"])
        record(exchange, path)
    return path


def test_a_replay_is_the_recording_again(
    exchange: Exchange, recording: Path, tmp_path: Path
) -> None:
    """A replay has the same trades in the same order at the same intervals.

    A repeat places nothing.
    """
    rows = list(read_rows(recording))
    played = exchange.replay(recording).play()
    again = record(exchange, tmp_path / "again.csv")
    assert (played.refused, played.gone) == ({}, 0)
    assert recorded_fills(again) == [
        (names[taker], names[maker], price, qty)
        for names in [order_names(rows, again)]
        for taker, maker, price, qty in recorded_fills(rows)
    ]
    shift = again[0].time - rows[0].time
    assert [row.time - shift for row in again] == [row.time for row in rows]
    repeated = exchange.replay(recording).play()
    assert repeated.placed == played.placed
    twice = record(exchange, tmp_path / "twice.csv")
    assert [row.order for row in twice if row.action is Action.PLACE] == [
        row.order for row in again if row.action is Action.PLACE
    ]


def order_names(rows: list[Row], again: list[Row]) -> dict[str, str]:
    """Return the orders of a replay by their names in the recording."""
    first, second = (
        [row.order for row in found if row.action is Action.PLACE] for found in (rows, again)
    )
    return dict(zip(first, second, strict=True))


@pytest.mark.parametrize("seed", range(3))
def test_own_orders_fill_as_a_naive_queue_says(
    exchange: Exchange, recording: Path, seed: int
) -> None:
    """Random own orders that rest or take among recorded ones fill as in the queue."""
    draw = random.Random(seed)
    rows = list(read_rows(recording))
    book, own = Book(), {}
    exchange.deposit("me", 1_000)
    me = exchange.client("me")
    places = sorted(draw.sample(range(1, len(rows)), 25))
    for begin, end in zip([0, *places], [*places, len(rows)], strict=True):
        exchange.replay(rows[begin:end]).play()
        for row in rows[begin:end]:
            feed(book, row)
        side, price, qty = draw.choice(("BUY", "SELL")), draw.randint(46, 54), draw.randint(1, 9)
        name = f"own-{end}"
        order = NewOrder(market="rain", side=side, qty=qty, price=f"0.{price}")
        own[name] = me.place_order(order)["id"]
        book.place(Queued(name, "me", side, price, qty))
    fills: dict[str, list[tuple[int, int]]] = {name: [] for name in own}
    for taker, maker, price, qty in book.fills:
        for name in {taker, maker} & own.keys():
            fills[name].append((price, qty))
    found = {
        name: [
            (round(float(fill["price"]) * 100), round(float(fill["qty"])))
            for fill in me.order(id)["fills"]
        ]
        for name, id in own.items()
    }
    assert found == fills, f"seed {seed}"
    assert sum(map(len, fills.values())) > 10


def test_a_replay_goes_step_by_step(exchange: Exchange, recording: Path) -> None:
    """Each step moves the clock, and a missing market is created."""
    begin = exchange.clock.now
    moments = list(exchange.replay(recording, step="5m"))
    assert [(moment - begin).total_seconds() for moment in moments] == [
        300 * place for place in range(1, len(moments) + 1)
    ]
    rows = list(read_rows(recording))
    assert len(moments) == -(-(rows[-1].time - rows[0].time) // 300_000_000)
    assert exchange.admin.market("rain")["tickSize"] == "0.0100"
