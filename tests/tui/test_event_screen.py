"""The event view: orders by key and mouse, guards, kill switch, ladders."""

import asyncio
from pathlib import Path

from textual.events import Key

from predmarket.client.messages import Gap
from predmarket.tui.screens.event import EventScreen
from predmarket.tui.screens.order import OrderDialog
from predmarket.tui.screens.trading import TradingScreen
from predmarket.tui.state.click_guard import HOLD_SECONDS
from predmarket.tui.state.listing import EventKey
from predmarket.tui.widgets.event_grid import EventGrid
from predmarket.tui.widgets.ladder import Ladder
from predmarket.tui.widgets.market_list import MarketList
from tests.support.http_exchange import Exchange, User
from tests.tui.event_scenes import OUT, candidates, election
from tests.tui.golden import expect
from tests.tui.scenes import Scene
from tests.tui.screens import Desktop, ann, event_view, open_orders, play_books, rest, trading
from tests.tui.script import ScriptedClient, delta, order

__all__ = ["ann"]

PLACED = order(31, "BUY", "0.2200", "10.00", marketId=2, marketSlug="mayor-2") | {"fills": []}


def ready(**answers: object) -> Scene:
    """Return the election with an exchange that accepts orders and cancels."""
    scene = election()
    scene.answers |= {"POST /v1/orders": PLACED, "POST /v1/orders/cancel-all": {"canceled": [22]}}
    scene.answers |= answers
    return scene


def grid(desktop: Desktop) -> EventGrid:
    """Return the grid of the view."""
    return desktop.app.screen.query_one(EventGrid)


async def calm(desktop: Desktop) -> None:
    """Draw all changes, and wait as long as a person does."""
    for _ in range(2):
        await desktop.frame()
    await asyncio.sleep(HOLD_SECONDS + 0.02)


async def click(desktop: Desktop, row: int, head: str, *, button: int = 1) -> None:
    """Click in the grid, in the last column with that heading."""
    lines = desktop.text().splitlines()
    y = next(y for y, line in enumerate(lines) if "OUTCOME" in line)
    await desktop.pilot.click(offset=(lines[y].rindex(head) + 2, y + 1 + row), button=button)


def posted(client: ScriptedClient) -> list[tuple[object, ...]]:
    """Return the requests: path's end, market, side, price, quantity."""
    names = ("marketId", "side", "price", "qty")
    return [
        (call.path.rpartition("/")[2], *((call.body or {}).get(name) for name in names))
        for call in client.calls
        if call.method == "POST"
    ]


async def test_orders_by_key_and_mouse(tmp_path: Path) -> None:
    """Orders go to the row of cursor or click; SAFE shows them only; fresh changes hold them."""
    async with event_view(ready(), tmp_path, size=(80, 24)) as (desktop, script, client):
        await desktop.press("down", "b")
        await desktop.sees("SAFE, would send: BUY 10 Ben Okri @ 0.24")
        assert posted(client) == []
        assert desktop.trader.echo == "predmarket order place mayor-2 buy 10 --price 0.24"
        await desktop.press("f8", "b", "S", "j", "N")
        await click(desktop, 1, "BID")
        await click(desktop, 3, "ASK", button=3)
        await desktop.until(lambda: len(posted(client)) == 6, "six orders")
        assert posted(client) == [
            ("orders", 2, "BUY", "0.2400", "10.00"),
            ("orders", 2, "SELL", "0.2200", "25.00"),
            ("orders", 2, "BUY", "0.2200", "10.00"),
            ("orders", 2, "SELL", "0.2300", "10.00"),
            ("orders", 2, "BUY", "0.2200", "10.00"),
            ("orders", 4, "SELL", "0.1100", "25.00"),
        ]
        client.calls.clear()
        script.play(delta({"0.2200": "0.00", "0.2100": "5.00"}, {}, 2, market=2))
        await desktop.until(lambda: desktop.trader.state.book_of(2).best_bid == 2100, "moved")
        await click(desktop, 1, "BID")
        await desktop.sees("held: the book moved under the click")
        await click(desktop, 2, "MINE")
        await desktop.until(lambda: posted(client), "cancelled")
        assert posted(client) == [("cancel-all", 3, "SELL", None, None)]


async def test_what_cannot_be_traded(tmp_path: Path) -> None:
    """Struck outcomes, NONE and a repeating key place nothing."""
    async with event_view(ready(), tmp_path, size=(80, 24)) as (desktop, _, client):
        await desktop.press("f8", *["down"] * OUT, "b")
        await desktop.sees("there is no price for a BUY there")
        await desktop.press("end", "b")
        await desktop.sees("there is no outcome to trade under the cursor")
        await desktop.press("home")
        for _ in range(2):
            desktop.app.post_message(Key("j", "j"))
        await desktop.sees("held: the key repeats")
        await desktop.until(lambda: len(posted(client)) == 1, "one order")


async def test_stale_data_stops_orders_and_no_cancel(tmp_path: Path) -> None:
    """A gap in any book stops orders; the kill switch cancels the event by one request."""
    async with event_view(ready(), tmp_path, size=(120, 40)) as (desktop, script, client):
        await desktop.press("f8")
        script.play(Gap("orderbook:2", 1, 5))
        await desktop.until(lambda: "stale" in desktop.text().splitlines()[0], "stale")
        await desktop.press("down")
        while "data is stale; resynchronising" not in desktop.text():
            await desktop.press("b")  # held while the row's last change is recent
            await asyncio.sleep(0.05)
        await desktop.press("up", "x")
        await desktop.until(lambda: len(posted(client)) == 2, "both sides")
        assert posted(client) == [
            ("cancel-all", 1, "BUY", None, None), ("cancel-all", 1, "SELL", None, None),
        ]  # fmt: skip
        client.calls.clear()
        await desktop.press("X")
        await desktop.sees("CANCEL EVENT acknowledged: 1 order cancelled")
        killed = [call.body for call in client.calls if call.method == "POST"]
        assert killed == [{"eventId": 1}]
        assert not desktop.trader.armed
        assert desktop.trader.echo == "predmarket order cancel-all --event mayor"


async def test_ladders_side_by_side(tmp_path: Path) -> None:
    """Each ladder trades its own market; p changes one of them; Enter opens its market."""
    async with event_view(ready(), tmp_path, size=(160, 50)) as (desktop, _, client):
        await desktop.press("f8")
        ladders = [each for each in desktop.app.screen.query(Ladder) if each.display]
        assert [str(each.border_title) for each in ladders] == ["Ada Lovelace", "Ben Okri"]
        ladders[1].focus()
        await calm(desktop)
        await desktop.press("j")
        await desktop.until(lambda: posted(client), "sent")
        assert posted(client) == [("orders", 2, "BUY", "0.2200", "10.00")]
        await desktop.press("o")
        await desktop.sees("Order in mayor-2")
        await desktop.press("escape")
        grid(desktop).focus()
        await desktop.press("down", "down", "down", "p")
        await desktop.sees("─ Dai Vernon ─")
        assert [each.data.market for each in ladders] == [4, 2]
        desktop.app.open_event(1)  # the closing view removes no book of the new one
        await calm(desktop)
        assert {*desktop.trader.state.watched.books} == {*range(1, 10)}
        await desktop.press("down", "down", "down", "enter")
        await desktop.until(lambda: isinstance(desktop.app.screen, TradingScreen), "opened")
        assert desktop.trader.state.selected == 4
        assert [*desktop.trader.state.books] == [4]


async def test_two_hundred_outcomes_scroll(tmp_path: Path) -> None:
    """Only the books of visible outcomes are subscribed."""
    scene = ready()
    markets = candidates(200)
    scene.markets[:] = markets
    scene.answers["GET /v1/events/1"] = {**scene.answers["GET /v1/events"]["items"][0]}  # type: ignore[index]
    scene.answers["GET /v1/events/1"] |= {"markets": markets}  # type: ignore[operator]
    async with event_view(scene, tmp_path, size=(80, 24)) as (desktop, script, _):
        await desktop.press("end")
        await desktop.until(lambda: "orderbook:200" in script.topics, "followed")
        followed = [topic for topic in script.topics if topic.startswith("orderbook:")]
        assert sorted(followed) == sorted(
            f"orderbook:{n}" for n in (1, *grid(desktop).markets_in_sight())
        )
        assert len(followed) < 24
        await desktop.sees("Candidate 200")
        await desktop.sees("none of these")


async def test_the_form_says_what_is_covered(tmp_path: Path) -> None:
    """The form's order is for the outcome under the cursor, and it shows the covered shares."""
    preview = {
        "fillQty": "0.00", "restQty": "10.00", "avgPrice": None, "worstPrice": None,
        "fees": "0.000000", "locked": "0.000000", "queueAhead": "54.00", "coveredQty": "10.00",
    }  # fmt: skip
    scene = ready(**{"POST /v1/orders/preview": preview})
    async with event_view(scene, tmp_path, size=(120, 40)) as (desktop, _, client):
        await desktop.press("down", "o")
        await desktop.sees("gives 10 that you hold")
        assert isinstance(desktop.app.screen, OrderDialog)
        assert {each[1] for each in posted(client)} == {2}


async def test_others_words_are_only_words(tmp_path: Path) -> None:
    """Labels and titles are neither markup nor terminal codes."""
    scene = ready()
    nasty = "[b]Ada[/b]\x1b[2J\n\u202e"
    scene.markets[0] |= {"label": nasty}
    summary = scene.answers["GET /v1/events"]["items"][0]  # type: ignore[index]
    summary["title"] = f"{nasty} wins?"
    scene.answers["GET /v1/events/1"] = {**summary, "markets": scene.markets[:9]}
    async with event_view(scene, tmp_path, size=(160, 50)) as (desktop, _, _client):
        text = desktop.text()
        assert text.count("[b]Ada[/b]") >= 3
        assert not {"\x1b", "\u202e"} & {*text}
        await desktop.press("escape", "f2")
        assert "[b]Ada[/b]" in desktop.text()
        assert "Ben Okri" not in desktop.text()
        table = desktop.app.screen.query_one(MarketList)
        table.put(EventKey(1))
        await desktop.press("right")
        await desktop.sees("Ben Okri")
        await desktop.press("left")
        await desktop.until(lambda: "Ben Okri" not in desktop.text(), "folded")
        await desktop.pilot.click(table, offset=(1, 1))  # its sign
        await desktop.sees("Ben Okri")


async def test_how_it_looks(tmp_path: Path) -> None:
    """The view is complete and aligned at four sizes and once resolved."""
    async with event_view(ready(), tmp_path, size=(80, 24)) as (desktop, script, _):
        for size in ((80, 24), (120, 40), (160, 50), (200, 60)):
            await desktop.pilot.resize_terminal(*size)
            await play_books(desktop, script, ready())
            for ladder in desktop.app.screen.query(Ladder):
                ladder.recentre()
            await desktop.frame()
            lines = desktop.text().splitlines()
            expect("event-{}x{}".format(*size), "".join(f"|{line}|\n" for line in lines))


async def test_trading_an_event_on_an_exchange(
    exchange: Exchange, ann: User, tmp_path: Path
) -> None:
    """Fills change the payoffs at once; the event's kill switch spares other markets."""
    bob = await exchange.trader("bob")
    markets = [{"slug": f"m-{n}", "question": f"{n}?", "label": n.upper()} for n in "abc"]
    made = await exchange.admin.client.post(
        "/v1/events", json={"slug": "who", "title": "Who wins?", "markets": markets}
    )
    assert made.status_code == 201, made.text
    ids = [each["id"] for each in made.json()["markets"]]

    async def offer(market: int, price: str) -> None:
        body = {"marketId": market, "side": "BUY", "type": "LIMIT", "price": price, "qty": "10"}
        answer = await bob.client.post("/v1/orders", json=body)
        assert answer.status_code == 201, answer.text

    await offer(ids[0], "0.40")
    await offer(ids[1], "0.30")
    await rest(ann, "BUY", "0.10", "1")
    async with trading(exchange, ann, tmp_path, size=(80, 24)) as desktop:
        desktop.app.open_event(made.json()["id"])
        await desktop.until(lambda: isinstance(desktop.app.screen, EventScreen), "event view")
        await desktop.until(lambda: desktop.trader.state.has_book(ids[2]), "books")
        await calm(desktop)
        await desktop.press("f8", "s")
        await desktop.until(lambda: len(desktop.trader.state.fills) == 1, "sold A")
        await calm(desktop)
        await desktop.press("down", "s")
        await desktop.sees("returned 10.00   pays 0.00 to 10.00")
        await desktop.until(lambda: "+7.00" in desktop.text(), "profit of C")
        await desktop.press("down", "o")
        await desktop.until(lambda: isinstance(desktop.app.screen, OrderDialog), "form")
        await desktop.press("escape")
        assert await open_orders(ann) == [("BUY", "0.1000", "1.00")]
        order_in_c = {"marketId": ids[2], "side": "BUY", "type": "LIMIT", "price": "0.05"}
        await ann.client.post("/v1/orders", json={**order_in_c, "qty": "2"})
        await desktop.until(lambda: len(desktop.trader.state.orders) == 2, "resting")
        await desktop.press("X")
        await desktop.until(lambda: len(desktop.trader.state.orders) == 1, "cancelled")
        assert await open_orders(ann) == [("BUY", "0.1000", "1.00")]
