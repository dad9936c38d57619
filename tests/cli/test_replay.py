"""The command that plays a recording into a running exchange."""

import json
from pathlib import Path

import pytest

from predmarket.client import NewOrder
from predmarket.replay import Player
from predmarket.server.gateway.auth import passwords
from predmarket.testing import Exchange
from tests.support.command_line import Run


@pytest.fixture
def recording(exchange: Exchange, tmp_path: Path, run: Run) -> Path:
    """A recording of an hour: two accounts, four orders, and a cancel of the last one."""
    exchange.market("rain")
    for name in ("ann", "bob"):
        exchange.deposit(name, 100)
    for name, side, price in (
        ("ann", "BUY", "0.25"),
        ("bob", "SELL", "0.30"),
        ("ann", "BUY", "0.30"),
        ("bob", "SELL", "0.60"),
    ):
        order = NewOrder(market="rain", side=side, qty=2, price=price)
        exchange.client(name).place_order(order)
        exchange.clock.advance("15m")
    exchange.client("bob").cancel_all()
    path = tmp_path / "day.csv"
    ran = run("journal", "export", str(path), "--database-url", exchange.database_url)
    assert ran.code == 0, ran.err
    return path


@pytest.fixture
def as_admin(exchange: Exchange, environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run commands as the exchange's admin, with quick password hashes."""
    del environment
    monkeypatch.setattr(passwords, "ROUNDS", 4)
    monkeypatch.setenv("PREDMARKET_URL", exchange.url)
    monkeypatch.setenv("PREDMARKET_API_KEY", exchange.api_key("admin"))


@pytest.mark.usefixtures("as_admin")
def test_a_recording_is_played(run: Run, exchange: Exchange, recording: Path) -> None:
    """The replay uses labelled accounts with money, and moves the stepped clock.

    A repeat adds nothing.
    """
    began = exchange.clock.now
    ran = run("replay", str(recording), "--json")
    assert ran.code == 0, ran.err
    told = json.loads(ran.out)
    assert told == {
        "rows": 5, "placed": 4, "amended": 0, "canceled": 1, "gone": 0, "refused": 0,
        "sequence": told["sequence"],
    }  # fmt: skip
    assert (exchange.clock.now - began).total_seconds() == 3_600
    emails = {user["email"] for user in exchange.admin.users(q="replay")["items"]}
    assert len(emails) == 2
    assert exchange.book("rain")["bids"] == [["0.2500", "4.00"]]
    again = json.loads(run("replay", str(recording), "--json", "--speed", "max").out)
    assert (again["placed"], again["gone"]) == (4, 1)
    assert exchange.book("rain")["bids"] == [["0.2500", "4.00"]]
    # from the exchange's own database, under another label, into a market that is missing
    rest = ("--after", str(told["sequence"] - 1), "--label", "two")
    late = json.loads(run("replay", str(recording), *rest, "--json").out)
    assert (late["rows"], late["placed"], late["gone"]) == (1, 0, 1)
    recording.write_text(recording.read_text().replace("rain", "snow"))
    assert run("replay", str(recording), "--label", "three").code == 0
    assert exchange.book("snow")["bids"] == [["0.2500", "2.00"]]
    own = run("replay", exchange.database_url, "--market", "snow", "--label", "four", "--json")
    assert json.loads(own.out)["placed"] == 4


@pytest.mark.usefixtures("as_admin")
def test_a_stop_says_how_to_go_on(
    run: Run, exchange: Exchange, recording: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C after two rows prints how to continue; the continuation places no order twice."""
    play_one = Player.play_one

    def until_two(self: Player) -> bool:
        if self.played.rows == 2:
            raise KeyboardInterrupt
        return play_one(self)

    with monkeypatch.context() as stopped:
        stopped.setattr(Player, "play_one", until_two)
        ran = run("replay", str(recording))
    assert ran.code == 130
    after = ran.err.split("--after ")[1].split()[0]
    rest = json.loads(run("replay", str(recording), "--after", after, "--json").out)
    assert (rest["placed"], rest["canceled"]) == (3, 1)  # the order after --after was sent twice
    assert exchange.book("rain")["bids"] == [["0.2500", "4.00"]]


@pytest.mark.usefixtures("as_admin")
def test_what_cannot_be_played(run: Run, tmp_path: Path) -> None:
    """An invalid file, an invalid speed and an unknown label are refused."""
    path = tmp_path / "day.csv"
    path.write_text("seq,time")
    for says, words in (
        ("lacks the columns", [str(path)]),
        ("No such file", [str(tmp_path / "none.csv")]),
        ("--speed takes max", [str(path), "--speed", "fast"]),
        ("--label takes", [str(path), "--label", "a b"]),
    ):
        ran = run("replay", *words)
        assert (ran.code, ran.out) == (2, ""), ran.err
        assert says in ran.err
