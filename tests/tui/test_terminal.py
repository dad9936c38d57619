"""`predmarket tui` as its user starts it: in a terminal, on an exchange, two processes."""

import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from predmarket.tui.state.click_guard import HOLD_SECONDS
from tests.support.exchange import QUICK, ROOT, ExchangeProcess
from tests.tui.terminal import (
    ALTERNATE,
    BACKSPACE,
    CURSOR,
    END,
    ESCAPE,
    F8,
    F9,
    F10,
    FOCUS_IN,
    FOCUS_OUT,
    MOUSE,
    PASTE,
    Terminal,
)

EMAIL, PASSWORD = "user@example.com", "password123"


@pytest.fixture
def process(tmp_path: Path, migrated_sqlite_url: str) -> Iterator[ExchangeProcess]:
    """A running exchange with the seed data."""
    process = ExchangeProcess(tmp_path, migrated_sqlite_url, "--seed", program=QUICK)
    process.start()
    yield process
    process.kill()


@dataclass
class Exchange:
    """The exchange's view of the user's orders."""

    client: httpx.Client

    def working(self) -> list[tuple[str, str, str]]:
        """Return open orders: side, price, remaining quantity."""
        items = self.client.get("/orders", params={"status": "OPEN"}).json()["items"]
        return sorted((each["side"], each["price"], each["qtyRemaining"]) for each in items)

    def placed(self) -> list[str]:
        """Return the sides of all orders ever placed, oldest first."""
        return [each["side"] for each in self.client.get("/orders").json()["items"]][::-1]


@pytest.fixture
def exchange(process: ExchangeProcess) -> Iterator[Exchange]:
    """The exchange, accessed with a session of the user."""
    with httpx.Client(base_url=f"{process.url}/v1", timeout=60, verify=False) as client:
        who = {"email": EMAIL, "password": PASSWORD}
        token = client.post("/auth/login", json=who).json()["accessToken"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield Exchange(client)


def bursts(terminal: Terminal, exchange: Exchange, cell: tuple[int, int]) -> None:
    """Send the armed screen many keys in one read, and the click that raises its window."""
    before = exchange.placed()
    terminal.type("/bs")
    terminal.sees("no market matches")
    terminal.type(ESCAPE)
    terminal.sees("▸ will-it-rain")
    terminal.type("\x1b[200~bsb\x1b[201~")  # a bracketed paste, without a field
    terminal.type(FOCUS_OUT + FOCUS_IN)
    terminal.click(*cell)
    terminal.sees("held: the click that raised the window")
    assert exchange.placed() == before

    terminal.type("bsb")  # keys that a person could press: each acts at most once
    terminal.until(lambda: len(exchange.placed()) > len(before), "an order")
    cancel_all(terminal, exchange)
    assert Counter(exchange.placed()[len(before) :]) <= Counter(BUY=2, SELL=1)

    terminal.type(F8)
    terminal.sees("F8 SAFE")
    before = exchange.placed()
    time.sleep(2 * HOLD_SECONDS)  # because the book moved
    terminal.type("b" * 40 + "oo")  # followed by a form and a letter that is no quantity
    terminal.sees("quantity")
    assert exchange.placed() == [*before, "BUY"]
    terminal.type(END + 3 * BACKSPACE + "10")
    terminal.sees("BUY 10 @")
    terminal.type(2 * BACKSPACE + "32")
    terminal.sees("BUY 32 @")
    terminal.type(ESCAPE)
    terminal.until(lambda: not terminal.find("Reduce only"), "closed")


def cancel_all(terminal: Terminal, exchange: Exchange) -> None:
    """Press the kill switch and wait for its confirmation."""
    terminal.type(F9)
    terminal.sees("F8 ARM")
    terminal.until(lambda: exchange.working() == [], "cancelled")
    terminal.sees("Open orders 0")


def in_an_event(terminal: Terminal, exchange: Exchange, url: str) -> None:
    """Find a new event, open it, and end the orders in it with one key."""
    names = [{"slug": f"who-{n}", "question": f"{n}?", "label": f"Team {n.upper()}"} for n in "ab"]
    with httpx.Client(base_url=f"{url}/v1", timeout=60, verify=False) as admin:
        who = {"email": "admin@example.com", "password": "admin123"}
        token = admin.post("/auth/login", json=who).json()["accessToken"]
        body = {"slug": "who", "title": "Which team?", "markets": names}
        made = admin.post("/events", json=body, headers={"Authorization": f"Bearer {token}"})
        assert made.status_code == 201, made.text
    terminal.type("/team")
    terminal.sees("Team B")
    terminal.type("\r")
    terminal.sees("Open orders in this event")
    bid = {"marketId": "who-b", "side": "BUY", "type": "LIMIT", "price": "0.30", "qty": "5"}
    assert exchange.client.post("/orders", json=bid).status_code == 201
    terminal.sees("who-b   BUY")
    terminal.type("X")
    terminal.sees("CANCEL EVENT acknowledged: 1 order cancelled")
    assert exchange.working() == []
    terminal.type(ESCAPE)
    terminal.sees("Messages")


def test_trading_in_a_terminal(
    process: ExchangeProcess, exchange: Exchange, tmp_path: Path
) -> None:
    """A session of every kind of input works, from log-in to quit.

    Log in with everything typed ahead, arm, place by mouse and by key, cancel all, type in bursts,
    cancel an event's orders, quit. One exchange and one screen serve all of it, because they are
    slow to start.
    """
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREDMARKET_")}
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        environment.pop(name, None)
    environment |= {
        "PREDMARKET_URL": process.url,
        "PREDMARKET_CONFIG_DIR": str(tmp_path / "config"),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        "PYTHONPATH": str(ROOT),
    }
    with Terminal(
        "-m", "predmarket.cli", "tui", environment=environment, folder=tmp_path, size=(120, 40)
    ) as terminal:
        terminal.sees("E-mail")
        terminal.type(f"{EMAIL}\t{PASSWORD}\r")
        terminal.sees("● live")
        terminal.sees("Will it rain tomorrow?")
        _, buy_y = terminal.sees("│ 0.48 │")
        bid_x, _ = terminal.sees("bid │")
        # clicks are held just after prices moved, so try again later as a person does
        terminal.again(lambda: terminal.click(bid_x, buy_y), "SAFE, would send: BUY 10 at 0.48")

        terminal.type(F8)
        terminal.sees("F8 SAFE")
        terminal.click(bid_x, buy_y)
        terminal.sees("Open orders 1")
        terminal.sees("order place will-it-rain-tomorrow buy 10 --pr")
        terminal.sees("10 ┤ 0.48 │")
        price_x, sell_y = terminal.sees("│ 0.52 │")
        terminal.click(price_x + 2, sell_y)
        terminal.sees("▸0.52")
        terminal.type("2s")
        terminal.sees("Open orders 2")
        terminal.sees("10 working")
        terminal.sees("25 working")
        assert exchange.working() == [("BUY", "0.4800", "10.00"), ("SELL", "0.5200", "25.00")]

        cancel_all(terminal, exchange)
        terminal.sees("2 orders cancelled")

        terminal.type(F8)
        terminal.sees("F8 SAFE")
        bursts(terminal, exchange, (bid_x, buy_y))
        cancel_all(terminal, exchange)
        in_an_event(terminal, exchange, process.url)

        terminal.type(F10)
        assert terminal.ended() == 0
        assert terminal.settings() == terminal.before
        left_on = terminal.screen.modes & {ALTERNATE, PASTE, *MOUSE}
        assert left_on == set()
        assert CURSOR in terminal.screen.modes
