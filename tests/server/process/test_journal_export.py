"""The export of a journal holds everything that the order of a queue depends on."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from predmarket.recorded_orders import Action, Row, read_rows
from predmarket.server.core.recording import Selection
from predmarket.server.process import journal_export
from predmarket.server.process.operator_errors import OperateError
from predmarket.testing import Exchange
from tests.support.queue_model import Book
from tests.support.random_flow import NAMES, feed, recorded_fills, trade

MARKETS = ("rain", "snow")


@pytest.fixture(scope="module")
def traded() -> Iterator[Exchange]:
    """Return a running exchange with a random flow of orders in two markets."""
    with Exchange() as exchange:
        prepare(exchange, 120)
        yield exchange


def prepare(exchange: Exchange, turns: int) -> None:
    """Create the markets and the accounts, and trade."""
    for slug in MARKETS:
        exchange.market(slug)
    for name in NAMES:
        exchange.deposit(name, 200)
    trade(exchange, random.Random(5), turns, MARKETS)


def exported(exchange: Exchange, path: Path, selection: Selection) -> list[Row]:
    """Export to a file and read it."""
    given = {"database_url": exchange.database_url}
    done = journal_export.to_file(given, path, selection, lambda *_: None)
    rows = list(read_rows(path))
    trades = sum(row.action is Action.TRADE for row in rows)
    assert (done.rows, done.trades) == (len(rows), trades)
    return rows


def naive(rows: list[Row]) -> Book:
    """Return the naive book after these rows of one market."""
    book = Book()
    for row in rows:
        feed(book, row)
    return book


def shown(exchange: Exchange, market: str) -> list[dict[int, int]]:
    """Return the real book's levels in the naive book's form."""
    book = exchange.book(market)
    return [
        {round(float(price) * 100): round(float(qty)) for price, qty in levels}
        for levels in (book["bids"], book["asks"])
    ]


@pytest.mark.parametrize("market", MARKETS)
@pytest.mark.parametrize("begin_s", [None, 200, 100_000])
def test_a_naive_queue_gives_the_same_trades_and_the_same_book(
    traded: Exchange, tmp_path: Path, market: str, begin_s: int | None
) -> None:
    """A naive queue gives the same trades and book from the export's start, middle or end."""
    first = exported(traded, tmp_path / "all.csv", Selection())[0].time
    begin = None if begin_s is None else first + begin_s * 1_000_000
    rows = exported(traded, tmp_path / "part.csv", Selection(market, begin))
    assert {row.market for row in rows} == {market}
    assert any(row.action is Action.RESTING for row in rows) == (begin is not None)
    book = naive(rows)
    assert book.fills == recorded_fills(rows)
    assert [book.levels("BUY"), book.levels("SELL")] == shown(traded, market)


def test_parts_follow_each_other(traded: Exchange, tmp_path: Path) -> None:
    """An export that ends at a time and one that begins there make up the whole."""
    whole = exported(traded, tmp_path / "all.csv", Selection())
    middle = whole[len(whole) // 2].time
    begin = exported(traded, tmp_path / "a.csv", Selection(end=middle))
    end = exported(traded, tmp_path / "b.csv", Selection(begin=middle))
    played = [(row.seq, row.action) for row in end if row.action is not Action.RESTING]
    assert [(row.seq, row.action) for row in begin] + played == [
        (row.seq, row.action) for row in whole
    ]


def test_parquet_holds_the_same(traded: Exchange, tmp_path: Path) -> None:
    """The Parquet export holds the same rows."""
    rows = exported(traded, tmp_path / "all.csv", Selection())
    assert exported(traded, tmp_path / "all.parquet", Selection()) == rows


def test_anonymous_names_tell_nothing(traded: Exchange, tmp_path: Path) -> None:
    """Anonymous names are numbers, and the same account or order keeps its number."""
    named = exported(traded, tmp_path / "all.csv", Selection())
    hidden = exported(traded, tmp_path / "hidden.csv", Selection(anonymise=True))
    accounts = list(dict.fromkeys(row.account for row in hidden))
    assert accounts == [f"account-{place}" for place in range(1, len(NAMES) + 1)]
    for name in ("account", "order"):
        pairs = {
            (getattr(one, name), getattr(other, name))
            for one, other in zip(named, hidden, strict=True)
        }
        assert len(pairs) == len({one for one, _ in pairs}) == len({other for _, other in pairs})
    rain = exported(traded, tmp_path / "rain.csv", Selection("rain", anonymise=True))
    assert next(row.order for row in rain if row.action is Action.PLACE) == "1"


def test_what_cannot_be_exported_leaves_no_file(traded: Exchange, tmp_path: Path) -> None:
    """A refused export leaves no file.

    The reasons are an unknown market, an existing file and a missing folder.
    """
    given = {"database_url": traded.database_url}
    (tmp_path / "mine.csv").write_text("mine")

    def export(name: str, selection: Selection) -> None:
        journal_export.to_file(given, tmp_path / name, selection, lambda *_: None)

    for name, selection, says in (
        ("x.csv", Selection("nope"), "no market nope"),
        ("mine.csv", Selection(), "exists already"),
        ("no/x.csv", Selection(), "there is no folder"),
    ):
        with pytest.raises(OperateError, match=says):
            export(name, selection)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_postgresql(migrated_postgres_url: str, tmp_path: Path) -> None:
    """An export from a running exchange on PostgreSQL is the same."""
    with Exchange(clock="wall", settings={"database_url": migrated_postgres_url}) as exchange:
        prepare(exchange, 25)
        rows = exported(exchange, tmp_path / "all.csv", Selection("1"))
        book = naive(rows)
        assert book.fills == recorded_fills(rows)
        assert [book.levels("BUY"), book.levels("SELL")] == shown(exchange, "rain")
