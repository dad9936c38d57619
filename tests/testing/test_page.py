"""The code of the pages on testing bots and on recorded orders runs unchanged."""

import re
import runpy
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from predmarket.client import Client, NewOrder
from predmarket.server.core.recording import Selection
from predmarket.server.process import journal_export
from predmarket.testing import Exchange

DOCS = Path(__file__).parents[2] / "docs"


def code(page: str, begin: str) -> dict[str, Callable[..., object]]:
    """Return the definitions of a page's code after a heading."""
    text = (DOCS / page).read_text(encoding="utf-8").split(begin)[1]
    defined: dict[str, Callable[..., object]] = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(block, defined)
    return defined


def test_a_lost_answer_breaks_the_naive_bot(exchange: Exchange) -> None:
    """A lost reply breaks the page's naive bot and not the corrected one."""
    page = code("testing-bots.md", "## A bot, what breaks it")
    with pytest.raises(AssertionError):
        page["check"](exchange, page["buy"])
    ((_, qty),) = exchange.book("rain")["bids"]
    assert float(qty) > 10
    with Exchange() as other:
        page["check"](other, page["buy_once"])


def test_the_house_maker_over_a_recorded_day(
    exchange: Exchange, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page's two programs over some minutes yield a curve, a chart and three readings."""
    record, backtest = (
        runpy.run_path(str(DOCS / "examples" / f"{name}.py")) for name in ("record_day", "backtest")
    )
    exchange.market("rain")
    record["trade"](exchange, hours=0.3, seed=1)
    given, path = {"database_url": exchange.database_url}, tmp_path / "day.csv"
    journal_export.to_file(given, path, Selection(), lambda *_: None)
    found = backtest["main"](str(path), "rain", str(tmp_path / "pnl.svg"))
    exact, first, last = found.values()
    assert exact.bought + exact.sold > 0
    assert first.bought + first.sold >= last.bought + last.sold
    assert "the exchange's queue" in capsys.readouterr().out
    assert (tmp_path / "pnl.svg").read_text(encoding="utf-8").count("<polyline") == 1


def test_a_backtest(exchange: Exchange, tmp_path: Path) -> None:
    """The user's order is first in the queue, and the recorded sell fills it."""
    page = code("testing-bots.md", "## A bot, what breaks it")
    exchange.market("rain")
    for name, side in (("ann", "BUY"), ("bob", "SELL")):
        exchange.deposit(name, 100)
        exchange.client(name).place_order(
            NewOrder(market="rain", side="BUY", qty=1, price="0.10", client_order_id="first")
        )
        exchange.clock.advance("10m")
        order = NewOrder(market="rain", side=side, qty=10, price="0.40")
        exchange.client(name).place_order(order)
    given, path = {"database_url": exchange.database_url}, tmp_path / "day.csv"
    journal_export.to_file(given, path, Selection(), lambda *_: None)
    seen: list[datetime] = []
    held: list[str] = []

    def quote(me: Client, now: datetime) -> None:
        if not seen:
            me.place_order(NewOrder(market="rain", side="BUY", qty=5, price="0.40"))
        seen.append(now)
        held[:] = [position["qtyLong"] for position in me.positions()["items"]]

    assert float(str(page["backtest"](str(path), quote))) > 990
    assert held == ["5.00"]
    assert seen == sorted(set(seen))
    volume = code("recorded-orders.md", "# Recorded orders")["volume"]
    assert volume(str(path)) == 1_000
