"""A fork has the original's state, to the hash, and continues from there."""

import random
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

import pytest

from predmarket.client import ApiError, Client, NewOrder
from predmarket.engine import Exchange as Engine
from predmarket.engine.snapshot import digest
from predmarket.server.core import audit, journal
from predmarket.server.core.stores.factory import open_store
from predmarket.server.process import fork
from predmarket.server.process.operator_errors import OperateError
from predmarket.server.storage import migrations
from predmarket.testing import Exchange

SLUGS = ("rain", "france", "brazil")


def trade(exchange: Exchange, draw: random.Random, times: int) -> None:
    """Place, amend and cancel orders at random, resolve a market at the end, and let time pass."""
    exchange.market("rain", closes_at="2h")
    exchange.event("cup", ["france", "brazil"], exhaustive=True)
    names = ("ann", "bob", "cat")
    for name in names:
        exchange.deposit(name, 50)
    for turn in range(times):
        client = exchange.client(draw.choice(names))
        order = NewOrder(
            market=draw.choice(SLUGS),
            side=draw.choice(("BUY", "SELL")),
            qty=draw.randint(1, 9),
            price=f"0.{draw.randint(40, 60)}",
        )
        with suppress(ApiError):  # an order beyond the user's money
            client.place_order(order)
        if turn % 7 == 0:
            client.cancel_all()
        exchange.clock.advance("30s")
    exchange.admin.resolve_event("cup", "france")


def hash_at(url: str, number: int) -> str:
    """Return the hash of the state after a command, by a replay without a database."""
    engine = Engine()
    with closing(open_store(url)) as store:
        store.connect()
        for row in store.journal_page(0, 100_000):
            for seq, entry in enumerate(journal.decode(row.entries), row.first_seq):
                if seq <= number:
                    engine.apply(entry.time, entry.command)
    engine.take_changes()
    return digest(engine.state)


def hash_of(folder: Path) -> tuple[str, list[str]]:
    """Return the hash of a stored exchange and its failed audit checks."""
    with closing(open_store(f"sqlite:///{folder / 'predmarket.db'}")) as store:
        store.connect()
        store.begin_snapshot()
        checks = [*audit.sums(store), *audit.replay(store, lambda *_: None)]
        return audit.state_hash(store), [check.name for check in checks if not check.ok]


@pytest.fixture(scope="module")
def traded() -> Iterator[Exchange]:
    """Return a running exchange with much history."""
    with Exchange() as exchange:
        trade(exchange, random.Random(1), 60)
        yield exchange


def make(exchange: Exchange, at: str, to: Path) -> fork.Forked:
    """Fork a running exchange."""
    return fork.make({"database_url": exchange.database_url}, at, to, lambda *_: None)


@pytest.mark.parametrize("seed", range(10))
def test_a_fork_has_the_originals_hash(traded: Exchange, tmp_path: Path, seed: int) -> None:
    """A fork at a random command has the original's hash, and its own audit passes."""
    last = traded.admin.status()["sequence"]
    assert isinstance(last, int)
    number = random.Random(seed).randint(1, last)
    made = make(traded, str(number), tmp_path / "then")
    assert made.sequence == number
    assert made.origin.startswith(f"command {number} of the journal")
    assert hash_of(tmp_path / "then") == (hash_at(traded.database_url, number), [])


def test_a_fork_goes_on_at_its_time(traded: Exchange, tmp_path: Path) -> None:
    """A fork continues at its own time, before the market closed.

    Later users are missing, and orders are kept.
    """
    market = traded.admin.market("rain")
    assert market["status"] == "OPEN"
    open_orders = traded.client("ann").orders(status="LIVE")["items"]
    now = traded.clock.now
    traded.clock.advance("1s")
    traded.client("dan")
    made = make(traded, now.isoformat(), tmp_path / "then")
    assert datetime.fromisoformat(made.time) <= now
    with Exchange(folder=tmp_path / "then") as then:
        assert datetime.fromisoformat(made.time) == then.clock.now
        assert then.admin.users(q="dan")["items"] == []
        ann: Client = then.client("ann")
        assert ann.orders(status="LIVE")["items"] == open_orders
        then.clock.advance("3h")
        assert then.admin.market("rain")["status"] == "CLOSED"
    assert traded.admin.market("rain")["status"] == "OPEN"


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ("0", "commands 1 to"),
        ("1000000", "commands 1 to"),
        ("9" * 5_000, "commands 1 to"),
        ("0" * 5_000, "commands 1 to"),
        ("soon", "a command's number, or a time"),
        ("1999-01-01T00:00:00Z", "had done nothing"),
    ],
)
def test_a_missing_point_leaves_nothing(
    traded: Exchange, tmp_path: Path, at: str, says: str
) -> None:
    """A fork at a missing command leaves no folder, and the error names the existing range."""
    with pytest.raises(OperateError, match=says):
        make(traded, at, tmp_path / "then")
    assert not (tmp_path / "then").exists()


def test_a_folder_with_something_in_it_is_left_alone(traded: Exchange, tmp_path: Path) -> None:
    """A folder with files is not overwritten, because it may hold another exchange."""
    (tmp_path / "mine").write_text("mine")
    for taken in (tmp_path, tmp_path / "mine"):
        with pytest.raises(OperateError, match="not an empty folder"):
            make(traded, "5", taken)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_where_no_exchange_was_there_is_nothing_to_fork(tmp_path: Path) -> None:
    """A fork needs an exchange: a missing or empty database is refused."""
    url = f"sqlite:///{tmp_path / 'here.db'}"
    for says in ("there is no exchange", "no exchange has run"):
        with pytest.raises(OperateError, match=says):
            fork.make({"database_url": url}, "1", tmp_path / "then", lambda *_: None)
        migrations.upgrade(url)
