"""Screens under a pilot: on a whole exchange in this process, or with a script."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from predmarket.client import AsyncClient, Feed, Session
from predmarket.client.session import Tokens
from predmarket.enums import Side
from predmarket.tui.app import TradingApp
from predmarket.tui.place import ScreenOrigin
from predmarket.tui.screens.event import EventScreen
from predmarket.tui.screens.trading import TradingScreen
from predmarket.tui.state.ladder import LadderData, OwnOrder
from predmarket.tui.trader import Trader
from predmarket.tui.widgets.ladder import Ladder
from predmarket.tui.widgets.ladder_columns import ColumnKind, columns
from predmarket.units import Price
from tests.support.http_exchange import Exchange, User
from tests.support.textual_internals import drawn_text
from tests.tui.event_scenes import books
from tests.tui.scenes import Scene
from tests.tui.script import (
    LIVE,
    NOW,
    USER,
    ScriptedClient,
    ScriptedFeed,
    book,
    market,
)

PATIENCE = 400
"""Turns of the loop to wait for what must come."""


@dataclass(frozen=True)
class Desktop:
    """A running screen and its pilot."""

    app: TradingApp
    pilot: Pilot[None]

    @property
    def trader(self) -> Trader:
        """The trader of the screen."""
        return self.app.trader

    @property
    def ladder(self) -> Ladder:
        """The ladder."""
        return self.app.screen.query_one(Ladder)

    def text(self) -> str:
        """Return the text of the whole terminal."""
        return drawn_text(self.app.screen)

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait until ``condition`` holds."""
        for _ in range(PATIENCE):
            if condition():
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"still not so: {what or condition}\n{self.text()}")

    async def sees(self, text: str) -> None:
        """Wait until the terminal shows ``text``."""
        await self.until(lambda: text in self.text(), text)

    async def frame(self) -> None:
        """Draw all changes so far."""
        self.app.frame()
        await self.pilot.pause()

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)

    async def type(self, text: str) -> None:
        """Replace the focused field's contents by ``text``."""
        await self.until(lambda: isinstance(self.app.focused, Input), "a field to type in")
        field = self.app.focused
        assert isinstance(field, Input)
        field.value = text
        await self.pilot.pause()

    async def click(self, side: Side, price: Price, *, own: bool = False, button: int = 1) -> None:
        """Click in the ladder, on a side's size column or on the user's orders, at a price."""
        ladder = self.ladder
        buys = (ColumnKind.MINE_BID, ColumnKind.BID)
        kind = (buys if side is Side.BUY else (ColumnKind.MINE_ASK, ColumnKind.ASK))[
            0 if own else 1
        ]
        await self.until(lambda: not ladder.reason(side, price, own=own, pointer=True), "calm")
        column = next(c for c in columns(ladder.size.width, ladder.data.tick) if c.kind is kind)
        lines = enumerate(ladder.shown_lines)
        y = next(y for y, line in lines if getattr(line, "row", (0,))[0] == price)
        # each has one cell of border before it
        await self.pilot.click(ladder, offset=(column.x + 3, y + 1), button=button)


@asynccontextmanager
async def trading(
    exchange: Exchange, user: User | None, folder: Path, *, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Desktop]:
    """The screen of ``user``, live in the first market; without a user, at the log-in."""
    session = Session()
    if user is not None:
        session.keep(Tokens(user.session["accessToken"], user.session["refreshToken"]))
    async with AsyncClient(exchange.url, session=session) as client:
        app = TradingApp(
            client,
            lambda topics: Feed(exchange.url, session=session, topics=topics),
            ScreenOrigin(exchange.url, "test", folder),
        )
        async with app.run_test(size=size, notifications=True) as pilot:
            desktop = Desktop(app, pilot)
            if user is not None:
                await desktop.until(lambda: live(desktop), "live")
            yield desktop


@asynccontextmanager
async def staged(
    scene: Scene, folder: Path, *, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[Desktop]:
    """A scene, played to its end and drawn."""
    async with scripted(
        folder, size=size, answers=scene.answers, opened=scene.markets[0]["slug"]
    ) as (desktop, feed, _):
        trader = desktop.trader
        # first, as the candles include earlier trades
        await desktop.until(lambda: trader.state.candles.seen is not None, "candles")
        *before, last = scene.messages
        feed.play(*before)
        await desktop.until(feed.empty, "played")
        trader.look_at_clocks()  # otherwise the last message may come before or after it
        await desktop.until(lambda: not trader.busy, "looked back a day")
        feed.play(last)
        await desktop.until(feed.empty, "played")
        # a frame in the middle of the scene would have another centre
        desktop.ladder.recentre()
        for _ in range(4):  # a frame may request data that the next one shows
            await desktop.until(lambda: not trader.busy, "answered")
            await desktop.frame()
        yield desktop


def live(desktop: Desktop) -> bool:
    """Tell whether orders may be entered and the screen shows so."""
    app = desktop.app
    if not isinstance(app.screen, TradingScreen) or app.trader.refusal() is not None:
        return False
    return app.screen.ready and desktop.ladder.data.live


@asynccontextmanager
async def scripted(
    folder: Path,
    *,
    size: tuple[int, int] = (120, 40),
    plain: bool = False,
    answers: Mapping[str, object] | None = None,
    opened: str | None = None,
) -> AsyncIterator[tuple[Desktop, ScriptedFeed, ScriptedClient]]:
    """A screen with a scripted exchange, at a fixed time."""
    client = ScriptedClient(
        {
            "GET /v1/auth/me": USER,
            "GET /v1/markets": {"items": [market()], "total": 1},
            "GET /v1/candles/1": {"items": []},
            "GET /v1/user/ledger": {"items": [], "nextCursor": None},
            **(answers or {}),
        }
    )
    feed = ScriptedFeed()
    trader = Trader(client, clock=lambda: NOW)
    app = TradingApp(
        client,
        lambda topics: feed,
        ScreenOrigin("http://exchange.test", "test", folder),
        market=opened,
        plain=plain,
        trader=trader,
    )
    async with app.run_test(size=size, notifications=True) as pilot:
        desktop = Desktop(app, pilot)
        await desktop.until(lambda: isinstance(app.screen, TradingScreen), "trading")
        await desktop.until(lambda: "orderbook:1" in feed.topics, "subscribed")
        yield desktop, feed, client


BOOK = book({"0.6000": "50.00", "0.5900": "80.00"}, {"0.6100": "40.00"})


async def go_live(desktop: Desktop, script: ScriptedFeed) -> None:
    """Play what makes the screen live."""
    script.play(LIVE, BOOK)
    await desktop.until(lambda: desktop.ladder.data.live, "live")


@pytest.fixture
async def ann(exchange: Exchange) -> User:
    """A trader with money, and a market to trade in."""
    await exchange.market("rain")
    return await exchange.trader("ann")


async def open_orders(user: User) -> list[tuple[str, str, str]]:
    """Return the user's open orders: side, price, remaining quantity."""
    answer = await user.client.get("/v1/orders", params={"status": "OPEN"})
    items = answer.json()["items"]
    return [(item["side"], item["price"], item["qtyRemaining"]) for item in items]


async def rest(user: User, side: str, price: str, qty: str) -> int:
    """Place a limit order and return its id."""
    body = {"marketId": "rain", "side": side, "type": "LIMIT", "price": price, "qty": qty}
    answer: httpx.Response = await user.client.post("/v1/orders", json=body)
    assert answer.status_code == 201, answer.text
    number: int = answer.json()["id"]
    return number


async def put_cursor(desktop: Desktop, price: int) -> None:
    """Move the ladder's cursor to a price."""
    await desktop.press("down")
    for _ in range(100):
        at = desktop.ladder.cursor
        if at == price:
            return
        await desktop.press("down" if at is None or at > price else "up")


def stirred(data: LadderData, chance: random.Random) -> LadderData:
    """Return the data with one random change."""
    price = 100 * chance.randint(50, 70)
    orders = [OwnOrder(n, side, price, chance.randint(1, 999), None) for n, side in enumerate(Side)]
    changes: list[dict[str, object]] = [
        {"bids": {**data.bids, price: chance.randint(1, 99_999)}},
        {"asks": {**data.asks, price: chance.randint(1, 99_999)}},
        {"bids": {key: qty for key, qty in data.bids.items() if key != max(data.bids)}},
        {"traded": {**data.traded, price: chance.randint(1, 99_999)}},
        {"last": price, "last_up": chance.choice((True, False, None))},
        {"own": orders[: chance.randint(0, 2)]},
        {"position_yes": chance.randint(0, 999), "cost_yes": chance.randint(0, 999_999)},
        {"live": chance.random() < 0.7},
        {"halted": chance.choice((None, "market halted"))},
    ]
    return replace(data, **chance.choice(changes))  # type: ignore[arg-type]  # as they stand above


@asynccontextmanager
async def event_view(
    scene: Scene, folder: Path, *, size: tuple[int, int] = (120, 40), opened: str | None = None
) -> AsyncIterator[tuple[Desktop, ScriptedFeed, ScriptedClient]]:
    """The event view of a scene of events, live, with the books of its markets."""
    opened = opened or scene.markets[0]["slug"]
    async with scripted(folder, size=size, answers=scene.answers, opened=opened) as screen:
        desktop, script, _ = screen
        script.play(*scene.messages)
        await desktop.until(lambda: live(desktop), "live")
        await desktop.press("e")
        await desktop.until(lambda: isinstance(desktop.app.screen, EventScreen), "event view")
        await desktop.until(lambda: "event:1" in script.topics, "followed")
        await play_books(desktop, script, scene)
        yield screen


async def play_books(desktop: Desktop, script: ScriptedFeed, scene: Scene) -> None:
    """Play the books of the event's markets and draw them."""
    for _ in range(2):
        script.play(*books([each for each in scene.markets if each.get("eventId")]))
        await desktop.until(script.empty, "played")
        for _ in range(3):
            await desktop.frame()
