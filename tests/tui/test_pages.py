"""Lists with more than one page, loaded as the user scrolls."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from predmarket.client import Unreachable, calls, response_types
from predmarket.client import messages as feed
from predmarket.client.calls import Call
from predmarket.tui.state import pages
from predmarket.tui.state.pages import Pages
from predmarket.tui.trader import Trader
from predmarket.tui.widgets.table import Table
from tests.tui.screens import go_live, scripted
from tests.tui.script import NOW, USER, ScriptedClient, change, market, order, snapshot


def paged(items: list[Any], size: int = 100) -> Callable[[Call[Any]], dict[str, Any]]:
    """Return a function that answers pages of ``items``; a cursor is the next page's offset."""

    def answer(call: Call[Any]) -> dict[str, Any]:
        start = int(call.params.get("cursor") or 0)
        end = start + size
        following = str(end) if end < len(items) else None
        return {"items": items[start:end], "nextCursor": following, "total": len(items)}

    return answer


async def test_pages_follow_one_another_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed page is retried; after a restart the first page replaces all."""
    monkeypatch.setattr(pages, "MOST", 200)
    answers = paged([*range(1, 500)])
    failing = [Unreachable("cut")]

    async def send(call: Call[response_types.Page[Any]]) -> response_types.Page[Any]:
        if call.params.get("cursor") and failing:
            raise failing.pop()
        return cast("response_types.Page[Any]", answers(call))

    listed: Pages[Any] = Pages(cast("Call[Any]", calls.statement(limit=100)))
    assert await listed.load(send)
    with pytest.raises(Unreachable):
        await listed.load(send)
    assert await listed.load(send)
    assert listed.items == [*range(1, 201)]
    assert (listed.full, await listed.load(send)) == (True, False)
    listed.restart()
    assert await listed.load(send)
    assert listed.items == [*range(1, 101)]


def movement(number: int) -> dict[str, object]:
    """Return one line of the statement."""
    return {
        "id": number, "kind": "TRANSFER", "amount": "1.000000", "marketSlug": None,
        "reason": f"reason-{number}", "createdAt": "2030-01-01T00:00:00.000000Z",
    }  # fmt: skip


def fill(number: int) -> dict[str, object]:
    """Return one execution."""
    return {
        "tradeId": number, "orderId": number, "marketId": 1, "marketSlug": "rain", "side": "BUY",
        "price": "0.6000", "qty": "1.00", "fee": "0.000000", "liquidity": "MAKER",
        "createdAt": "2030-01-01T00:00:00.000000Z",
    }  # fmt: skip


def has(table: Table, count: int) -> bool:
    """Tell whether a table has so many rows."""
    return table.count == count


async def settled(trader: Trader) -> None:
    """Wait until all REST requests have their replies."""
    for _ in range(500):
        if not trader.busy:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("still busy")


async def test_statement_and_fills_go_on_as_one_scrolls(tmp_path: Path) -> None:
    """Scrolling loads all rows, each once, though the desk has the newest fills already."""
    fills = [fill(number) for number in range(250, 0, -1)]
    answers = {
        "GET /v1/user/ledger": paged([movement(number) for number in range(250, 0, -1)]),
        "GET /v1/user/fills": paged(fills),
    }
    async with scripted(tmp_path, answers=answers) as (desktop, script, _):
        await go_live(desktop, script)
        script.play(snapshot(feed.FillsSnapshot, "user:7:fills", {"items": fills[:150]}))
        await desktop.press("f4", "t", "t")
        table = desktop.app.screen.query_one("#done", Table)
        await desktop.until(lambda: table.count == 150, "the desk's")
        await desktop.press("end")
        await desktop.until(lambda: table.count == 200, "a page more")
        await desktop.press("end")
        await desktop.until(lambda: table.count == 250, "all")
        await desktop.press("t")
        table = desktop.app.screen.query_one("#statement", Table)
        for count in (100, 200, 250):
            await desktop.until(partial(has, table, count), str(count))
            await desktop.press("end")
        await desktop.sees("reason-1 ")


async def test_accounts_go_on_as_one_scrolls(tmp_path: Path) -> None:
    """Scrolling loads all accounts; a changed one stays under the cursor with its new state."""
    users = [USER | {"id": n, "email": f"ann-{n}@example.com"} for n in range(250, 0, -1)]
    disabled = users[220] | {"disabled": True}
    answers: dict[str, object] = {
        "GET /v1/auth/me": USER | {"role": "ADMIN"},
        "GET /v1/users": paged(users),
        f"PATCH /v1/users/{disabled['id']}": disabled,
    }
    async with scripted(tmp_path, answers=answers) as (desktop, script, client):
        await go_live(desktop, script)
        await desktop.press("f5", "t")
        table = desktop.app.screen.query_one("#all-users", Table)
        for count in (100, 200, 250):
            await desktop.until(partial(has, table, count), str(count))
            table.focus()
            await desktop.press("end")
        table.put(disabled["id"])
        before = len(client.calls)
        await desktop.press("e", "enter")
        await desktop.until(lambda: "  disabled" in desktop.text(), "shown")
        assert [call.method for call in client.calls[before:]] == ["PATCH"]  # and nothing anew
        assert (table.count, table.key) == (250, disabled["id"])
        await desktop.pilot.resize_terminal(40, 24)  # the word does not fit
        await desktop.until(lambda: "  disabled" not in desktop.text(), "narrow")
        assert "✕" in desktop.text()


async def test_open_orders_that_the_snapshot_left_out_are_loaded() -> None:
    """Orders beyond the snapshot are loaded, except one that ended during the load."""
    trader: Trader

    def answer(call: Call[Any]) -> dict[str, Any]:
        gone = order(2, "BUY", "0.4000", "1.00", status="CANCELED")
        trader.take(change(feed.OrderChanged, "user:7:orders", gone, 2))
        return {"items": [order(n, "BUY", "0.4000", "1.00") for n in (3, 2, 1)], "nextCursor": None}

    client = ScriptedClient({"GET /v1/orders": answer})
    trader = Trader(client, clock=lambda: NOW)
    trader.state.markets.take([market()])
    newest = {"items": [order(3, "BUY", "0.4000", "1.00")], "more": True}
    trader.take(snapshot(feed.OrdersSnapshot, "user:7:orders", newest))
    await settled(trader)
    assert sorted(each.id for each in trader.state.orders) == [1, 3]
    await trader.end()


async def test_markets_behind_the_first_thousand_are_listed() -> None:
    """The screen opens without the markets beyond the first thousand, and loads them later."""
    markets = [market(n, f"m{n}") for n in range(1, 1_151)]
    trader = Trader(ScriptedClient({"GET /v1/markets": paged(markets)}), clock=lambda: NOW)
    await trader.lists.load()
    assert len(trader.state.markets) == 1_000
    await settled(trader)
    assert len(trader.state.markets) == 1_150
    await trader.end()
