"""`predmarket tui` as it is started: in a terminal, on an exchange, each a process of its own."""

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.exchange import QUICK, ROOT, ExchangeProcess
from tests.tui.terminal import ALTERNATE, CURSOR, F8, F9, F10, MOUSE, PASTE, Terminal

EMAIL, PASSWORD = "user@example.com", "password123"


@pytest.fixture
def process(tmp_path: Path, migrated_sqlite_url: str) -> Iterator[ExchangeProcess]:
    """A running exchange with the seed data."""
    process = ExchangeProcess(tmp_path, migrated_sqlite_url, "--seed", program=QUICK)
    process.start()
    yield process
    process.kill()


def working(url: str) -> list[tuple[str, str, str]]:
    """Return the user's open orders as the exchange has them: side, price, what is left."""
    with httpx.Client(base_url=f"{url}/v1", verify=False) as client:
        who = {"email": EMAIL, "password": PASSWORD}
        token = client.post("/auth/login", json=who).json()["accessToken"]
        answer = client.get(
            "/orders", params={"status": "OPEN"}, headers={"Authorization": f"Bearer {token}"}
        )
    return sorted(
        (order["side"], order["price"], order["qtyRemaining"]) for order in answer.json()["items"]
    )


def test_trading_in_a_terminal(process: ExchangeProcess, tmp_path: Path) -> None:
    """Log in with everything typed ahead, arm, place by mouse and by key, cancel all, quit."""
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
        # held while the prices have only just come to rest, so as a hand does: again, a bit later
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
        assert working(process.url) == [("BUY", "0.4800", "10.00"), ("SELL", "0.5200", "25.00")]

        terminal.type(F9)
        terminal.sees("2 orders cancelled")
        terminal.sees("Open orders 0")
        terminal.sees("F8 ARM")
        assert working(process.url) == []

        terminal.type(F10)
        assert terminal.ended() == 0
        assert terminal.settings() == terminal.before
        left_on = terminal.screen.modes & {ALTERNATE, PASTE, *MOUSE}
        assert left_on == set()
        assert CURSOR in terminal.screen.modes
