"""Clicks and keys on the ladder: requests, notes, refusals and holds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from predmarket.enums import Side
from predmarket.tui.state.click_guard import Hand as KeyHand
from predmarket.tui.state.ladder import Intent, LadderData, OwnOrder, Place
from predmarket.tui.widgets.ladder import Ladder
from predmarket.tui.widgets.ladder_columns import ColumnKind, columns
from tests.tui.books import sketch, wild

WIDTH, HEIGHT = 72, 24
LEFT, RIGHT = 1, 3


class Clock:
    """A clock in seconds that the test advances."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Heard(App[None]):
    """A ladder alone on the screen, which records its messages as plain text."""

    def __init__(self, ladder: Ladder) -> None:
        super().__init__()
        self.ladder = ladder
        self.said: list[tuple[object, ...]] = []
        self.intents: list[Intent | None] = []

    def compose(self) -> ComposeResult:
        yield self.ladder

    def on_ladder_place(self, message: Ladder.Place) -> None:
        self._hear(message, message.side, message.price, message.qty_index)

    def on_ladder_cancel_orders(self, message: Ladder.CancelOrders) -> None:
        self._hear(message, *message.ids)

    def on_ladder_move_orders(self, message: Ladder.MoveOrders) -> None:
        self._hear(message, *message.ids, message.price)

    def on_ladder_cancel_side(self, message: Ladder.CancelSide) -> None:
        self._hear(message, message.side)

    def on_ladder_size_chosen(self, message: Ladder.SizeChosen) -> None:
        self._hear(message, message.index, message.second)

    def on_ladder_held(self, message: Ladder.Held) -> None:
        self._hear(message, message.reason)

    def on_ladder_note(self, message: Ladder.Note) -> None:
        self.intents.append(message.intent)
        self._hear(message, message.text)

    def _hear(self, message: Message, *words: object) -> None:
        self.said.append((type(message).__name__, *words))


class Hand:
    """A trader's hand: points at a column and a price."""

    def __init__(self, app: Heard, pilot: Pilot[None], clock: Clock) -> None:
        self.app, self.pilot, self.clock = app, pilot, clock
        self.ladder = app.ladder

    def cell(self, kind: ColumnKind, price: int) -> tuple[int, int]:
        """Return the screen position of a column's cell at a price."""
        column = next(c for c in columns(WIDTH, self.ladder.data.tick) if c.kind is kind)
        lines = self.ladder.shown_lines
        y = next(y for y, line in enumerate(lines) if getattr(line, "row", (0,))[0] == price)
        return column.x + 1, y

    async def click(
        self, kind: ColumnKind, price: int, button: int = LEFT
    ) -> list[tuple[object, ...]]:
        """Click a cell and return all messages so far."""
        await self.pilot.click(Ladder, offset=self.cell(kind, price), button=button)
        return self.app.said

    def scroll_up(self) -> None:
        """Turn the wheel by one notch over the ladder, by three rows."""
        event = events.MouseScrollUp(self.ladder, 1, 1, 0, 0, 0, False, False, False, 1, 1)
        self.ladder.on_mouse_scroll_up(event)

    async def press(self, *keys: str) -> list[tuple[object, ...]]:
        """Press keys and return all messages so far."""
        await self.pilot.press(*keys)
        return self.app.said

    def text(self, y: int) -> str:
        """Return the text of a line; -1 is the last."""
        return self.ladder.render_line(y % HEIGHT).text.strip()


@asynccontextmanager
async def trading(data: LadderData, *, armed: bool = True) -> AsyncIterator[Hand]:
    """Run a ladder whose last change was a second ago."""
    data.armed = armed
    clock = Clock()
    app = Heard(Ladder(data, clock=clock))
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.ladder.focus()
        app.ladder.tick()
        await pilot.pause()
        clock.now += 1
        yield Hand(app, pilot, clock)


async def test_a_click_sends_what_its_cell_means() -> None:
    """Left places the first size, right the second; an own order's cell cancels."""
    async with trading(sketch()) as hand:
        for kind, price, button, said in (
            (ColumnKind.BID, 5_900, LEFT, [("Place", Side.BUY, 5_900, 0)]),
            (ColumnKind.BID, 5_900, RIGHT, [("Place", Side.BUY, 5_900, 1)]),
            (ColumnKind.BID, 6_200, LEFT, [("Place", Side.BUY, 6_200, 0)]),
            (ColumnKind.ASK, 6_200, LEFT, [("Place", Side.SELL, 6_200, 0)]),
            (ColumnKind.ASK, 6_500, RIGHT, [("Place", Side.SELL, 6_500, 1)]),
            (ColumnKind.MINE_BID, 5_800, LEFT, [("CancelOrders", 2)]),
            (ColumnKind.AHEAD_BID, 5_800, LEFT, [("CancelOrders", 2)]),
            (ColumnKind.MINE_ASK, 6_300, RIGHT, [("CancelOrders", 3)]),
            (ColumnKind.MINE_BID, 5_900, LEFT, []),
            (ColumnKind.PRICE, 5_900, LEFT, []),
            (ColumnKind.GAIN, 5_900, RIGHT, []),
            (ColumnKind.VOLUME, 5_900, LEFT, []),
        ):
            hand.app.said.clear()
            assert await hand.click(kind, price, button) == said


async def test_a_click_cancels_every_order_of_the_cell() -> None:
    """A click cancels all orders of the cell."""
    data = sketch()
    data.own = [*data.own, OwnOrder(9, Side.BUY, 5_800, 100, 400)]
    async with trading(data) as hand:
        assert await hand.click(ColumnKind.MINE_BID, 5_800) == [("CancelOrders", 2, 9)]


async def test_a_column_head_cancels_its_side() -> None:
    """The left heading cancels bids, the right one asks; without an order nothing is sent."""
    async with trading(sketch()) as hand:
        for kind in (ColumnKind.BID, ColumnKind.MINE_ASK):
            x, _ = hand.cell(kind, 6_000)
            await hand.pilot.click(Ladder, offset=(x, 1))
        hand.ladder.data.own = []
        x, _ = hand.cell(ColumnKind.BID, 6_000)
        await hand.pilot.click(Ladder, offset=(x, 1))
        await hand.pilot.pause()
        assert hand.app.said == [
            ("CancelSide", Side.BUY),
            ("CancelSide", Side.SELL),
            ("Note", "no BUY order of yours"),
        ]


async def test_safe_shows_what_would_be_placed_and_cancels_all_the_same() -> None:
    """SAFE turns a placement into a note with its order; cancels are sent."""
    async with trading(sketch(), armed=False) as hand:
        await hand.click(ColumnKind.BID, 5_900)
        assert hand.app.intents == [Place(Side.BUY, 5_900, 0)]
        await hand.click(ColumnKind.MINE_BID, 5_800)
        x, _ = hand.cell(ColumnKind.BID, 6_000)
        await hand.pilot.click(Ladder, offset=(x, 1))
        await hand.pilot.pause()
        assert hand.app.said == [
            ("Note", "SAFE, would send: BUY 10 at 0.59"),
            ("CancelOrders", 2),
            ("CancelSide", Side.BUY),
        ]


async def test_keys_join_the_best_price_and_stand_before_it() -> None:
    """Keys join or improve the best price; an order that would take is only noted."""
    data = sketch()
    async with trading(data) as hand:
        best_bid, best_ask = max(data.bids), min(data.asks)
        for key, said in (
            ("j", ("Place", Side.BUY, best_bid, 0)),
            ("J", ("Place", Side.SELL, best_ask, 0)),
        ):
            hand.app.said.clear()
            assert await hand.press(key) == [said]
        data.bids = {best_ask - data.tick: 100}
        hand.clock.now += 1
        hand.ladder.tick()
        hand.clock.now += 1
        hand.app.said.clear()
        (said_now,) = await hand.press("n")
        assert said_now == ("Note", "there is no price for a BUY there that would rest")


async def test_own_orders_are_moved_by_key_and_by_dragging() -> None:
    """Own orders move to another row of their column; in SAFE there is only a note."""
    async with trading(sketch()) as hand:
        hand.ladder.cursor = 5_800
        assert await hand.press("shift+up") == [("MoveOrders", 2, 5_900)]
        hand.app.said.clear()
        start, end = hand.cell(ColumnKind.MINE_BID, 5_800), hand.cell(ColumnKind.MINE_BID, 5_600)
        for kind, (x, y) in ((events.MouseDown, start), (events.MouseUp, end)):
            hand.app.post_message(kind(None, x, y, 0, 0, LEFT, False, False, False, x, y))
        while not hand.app.said:
            await hand.pilot.pause()
        assert hand.app.said == [("MoveOrders", 2, 5_600)]
    async with trading(sketch(), armed=False) as hand:
        hand.ladder.cursor = 5_800
        assert await hand.press("shift+down") == [
            ("Note", "SAFE, would send: move BUY 25 from 0.58 to 0.57")
        ]


async def test_without_live_data_only_cancels_are_sent() -> None:
    """Orders need live data; cancels are always sent."""
    data = sketch()
    data.live = False
    async with trading(data) as hand:
        await hand.click(ColumnKind.BID, 5_900)
        await hand.click(ColumnKind.MINE_BID, 5_800)
        x, _ = hand.cell(ColumnKind.BID, 6_000)
        await hand.pilot.click(Ladder, offset=(x, 1))
        await hand.pilot.pause()
        assert hand.app.said == [
            ("Note", "no live data, not sent: BUY 10 at 0.59"),
            ("CancelOrders", 2),
            ("CancelSide", Side.BUY),
        ]


def test_a_hand_is_told_from_a_burst() -> None:
    """More than five keys in 0.1 s, or one key twice within 60 ms, count as a burst."""
    hand = KeyHand()
    for n, key in enumerate("bsbsb"):
        hand.pressed(key, n * 0.01)
        assert hand.reason() is None
    hand.pressed("s", 0.05)
    assert hand.reason() == "too many keys at once"
    hand.pressed("s", 0.3)
    assert hand.reason() is None
    hand.pressed("s", 0.35)
    assert hand.reason() == "the key repeats"
    hand.pressed("s", 0.5)
    assert hand.reason() is None


async def test_while_trading_rests_orders_are_refused_and_cancels_go_on() -> None:
    """A halted market takes cancels only."""
    data = sketch()
    data.halted = "market halted"
    async with trading(data) as hand:
        await hand.click(ColumnKind.ASK, 6_500)
        await hand.click(ColumnKind.MINE_BID, 5_800)
        assert hand.app.said == [
            ("Note", "market halted, not sent: SELL 10 at 0.65"),
            ("CancelOrders", 2),
        ]


MOVES: tuple[tuple[dict[int, int], dict[int, int], bool], ...] = (
    ({5_900: 50_000}, {}, True),  # more than doubled
    ({5_900: 10_000}, {}, True),  # more than halved
    ({5_900: 0}, {}, True),  # gone
    ({5_900: 23_000}, {}, False),  # somewhat more
    ({5_800: 1}, {6_200: 1}, False),  # elsewhere
    ({}, {5_900: 5_000}, True),  # the buy would take now
)


@pytest.mark.parametrize("drawn", [True, False])
async def test_a_click_is_held_where_the_book_just_moved(drawn: bool) -> None:
    """A changed price holds clicks for 200 ms, drawn or not."""
    async with trading(sketch()) as hand:
        data, said = hand.ladder.data, hand.app.said
        for bids, asks, held in MOVES:
            data.bids = {p: q for p, q in {**data.bids, **bids}.items() if q}
            data.asks = {**data.asks, **asks}
            said.clear()
            if drawn:
                hand.ladder.tick()
                hand.clock.now += 0.199
            await hand.click(ColumnKind.BID, 5_900)
            assert [kind for kind, *_ in said] == ["Held" if held else "Place"], (bids, asks)
            hand.clock.now += 0.2
            await hand.click(ColumnKind.BID, 5_900)
            assert said[1:] == [("Place", Side.BUY, 5_900, 0)]
            data.bids, data.asks = sketch().bids, sketch().asks
            hand.ladder.tick()
            hand.clock.now += 1


async def test_ones_own_order_holds_nothing() -> None:
    """The user's own new order, or its cancel, does not hold the next click in its cell."""
    async with trading(sketch()) as hand:
        await hand.click(ColumnKind.BID, 5_600)
        data = hand.ladder.data
        data.bids = {**data.bids, 5_600: 1_000}
        data.own = [*data.own, OwnOrder(8, Side.BUY, 5_600, 1_000, 0)]
        hand.ladder.tick()
        said = await hand.click(ColumnKind.BID, 5_600)
        assert [kind for kind, *_ in said] == ["Place", "Place"]
        said = await hand.click(ColumnKind.MINE_BID, 5_600)
        assert said[-1] == ("Held", "the orders changed under the click")
        data.bids, data.own = sketch().bids, sketch().own
        hand.ladder.tick()
        said = await hand.click(ColumnKind.BID, 5_600)
        assert said[-1] == ("Place", Side.BUY, 5_600, 0)


async def test_a_click_on_an_axis_that_just_moved_is_held() -> None:
    """A click is held while its cell has just got another price."""
    async with trading(wild()) as hand:
        x, y = hand.cell(ColumnKind.ASK, 5_200)
        hand.scroll_up()
        hand.ladder.tick()
        await hand.pilot.click(Ladder, offset=(x, y))
        await hand.pilot.pause()
        assert hand.app.said == [("Held", "the prices moved under the click")]
        hand.clock.now += 0.2
        await hand.pilot.click(Ladder, offset=(x, y))
        await hand.pilot.pause()
        assert hand.app.said[1:] == [("Place", Side.SELL, 5_500, 0)]


async def test_a_press_that_found_another_price_than_its_release_is_held() -> None:
    """A click whose press and release are at different prices is held."""
    async with trading(wild()) as hand:
        x, y = hand.cell(ColumnKind.ASK, 5_200)
        event = events.MouseDown(hand.ladder, x, y, 0, 0, LEFT, False, False, False, x, y)
        hand.ladder.on_mouse_down(event)
        hand.scroll_up()
        hand.ladder.tick()
        hand.clock.now += 1
        hand.ladder.on_click(events.Click.from_event(hand.ladder, event))
        await hand.pilot.pause()
        assert hand.app.said == [("Held", "the prices moved under the click")]


async def test_the_ladder_never_moves_by_itself() -> None:
    """Prices stay in place until space is pressed, however the book moves."""
    async with trading(sketch()) as hand:
        _, before = hand.cell(ColumnKind.BID, 6_000)
        data = hand.ladder.data
        data.bids, data.asks, data.last = {1_000: 500}, {1_100: 500}, 1_100
        hand.ladder.tick()
        assert hand.cell(ColumnKind.BID, 6_000)[1] == before
        assert "▼ ask 0.11 · bid 0.10 · last 0.11" in hand.text(-3)
        await hand.press("space")
        _, y = hand.cell(ColumnKind.BID, 1_000)
        assert abs(y - HEIGHT // 2) <= 2


async def test_the_keyboard_does_what_the_mouse_does() -> None:
    """The cursor starts in the middle, moves, buys, sells, and cancels."""
    async with trading(sketch()) as hand:
        await hand.press("down", "b", "down", "B", "down", "x", "x", "up", "x")
        assert hand.app.said == [
            ("Place", Side.BUY, 6_000, 0),
            ("Place", Side.BUY, 5_900, 1),
            ("CancelOrders", 2),
            ("CancelOrders", 2),
            ("Note", "no order of yours there"),
        ]
        assert await hand.press("s", "S") == [
            *hand.app.said[:5],
            ("Place", Side.SELL, 5_900, 0),
            ("Place", Side.SELL, 5_900, 1),
        ]


async def test_the_keyboard_is_held_as_the_mouse_is_but_not_by_its_own_scrolling() -> None:
    """A changed price at the cursor holds keys; the cursor's own scrolling does not."""
    async with trading(wild()) as hand:
        hand.ladder.move_cursor(0)
        hand.ladder.move_cursor(-12)
        await hand.press("s")
        assert hand.app.said == [("Place", Side.SELL, 6_100, 0)]
        data = hand.ladder.data
        data.asks = {**data.asks, 6_100: 1}
        assert (await hand.press("s"))[1:] == [("Held", "the book moved under the click")]


async def test_a_click_on_a_size_chooses_it() -> None:
    """Left chooses the first size, right the second."""
    async with trading(sketch()) as hand:
        x = hand.text(0).index("100")
        await hand.pilot.click(Ladder, offset=(x, 0))
        await hand.pilot.click(Ladder, offset=(x, 0), button=RIGHT)
        await hand.pilot.pause()
        assert hand.app.said == [("SizeChosen", 3, False), ("SizeChosen", 3, True)]


async def test_the_pointer_shows_what_a_click_would_do() -> None:
    """The last line shows a click's effect while the pointer is there."""
    async with trading(sketch()) as hand:
        seen = []
        for kind, price in (
            (ColumnKind.BID, 5_900),
            (ColumnKind.BID, 6_200),
            (ColumnKind.MINE_ASK, 6_300),
        ):
            await hand.pilot.hover(Ladder, offset=hand.cell(kind, price))
            hand.ladder.tick()
            seen.append(hand.text(-1))
        assert seen == [
            "click BUY 10 at 0.59, right 25",
            "click BUY 10 at 0.62 takes, right 25",
            "click cancel SELL 50 at 0.63",
        ]


async def test_plain_lines_take_keys_and_no_clicks() -> None:
    """Plain mode takes keys and ignores clicks, since it has no cells."""
    data = sketch()
    data.armed = True
    clock = Clock()
    app = Heard(Ladder(data, clock=clock, plain=True))
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.ladder.focus()
        await pilot.click(Ladder, offset=(5, 5))
        clock.now += 1
        await pilot.press("up", "b")
        await pilot.pause()
        assert app.said == [("Place", Side.BUY, 6_000, 0)]
        assert app.ladder.render_line(0).text.startswith("armed: keys and clicks send")


async def test_a_cursor_out_of_sight_places_nothing() -> None:
    """A key with a hidden cursor shows the cursor and places nothing."""
    async with trading(wild()) as hand:
        hand.ladder.move_cursor(0)
        for _ in range(20):
            hand.scroll_up()
        await hand.press("s")
        assert hand.app.said == [("Held", "the cursor was out of sight")]
        assert (await hand.press("s"))[1:] == [("Place", Side.SELL, 4_900, 0)]


async def test_a_first_key_without_a_cursor_says_why_nothing_happens() -> None:
    """A first key sets the cursor and sends nothing."""
    async with trading(sketch()) as hand:
        why = ("Held", "no price was chosen: the cursor is at 0.60 now")
        assert await hand.press("b") == [why]
        hand.clock.now += 1
        assert await hand.press("s") == [why, ("Place", Side.SELL, 6_000, 0)]


async def test_plain_keys_are_held_too() -> None:
    """In plain mode, too, a changed price holds keys."""
    data = sketch()
    data.armed = True
    clock = Clock()
    app = Heard(Ladder(data, clock=clock, plain=True))
    async with app.run_test(size=(WIDTH, HEIGHT)) as pilot:
        app.ladder.focus()
        app.ladder.move_cursor(0)
        data.asks = {**data.asks, 6_000: 100}
        await pilot.press("b")
        assert app.said == [("Held", "the book moved under the click")]


async def test_what_was_not_sent_stands_on_the_last_line_for_two_seconds() -> None:
    """The last line shows a note about an unsent order for two seconds, then the hint."""
    async with trading(sketch(), armed=False) as hand:
        await hand.pilot.hover(Ladder, offset=hand.cell(ColumnKind.BID, 5_900))
        await hand.click(ColumnKind.BID, 5_900)
        assert hand.text(-1) == "SAFE, would send: BUY 10 at 0.59"
        hand.clock.now += 2
        hand.ladder.tick()
        assert hand.text(-1) == "click BUY 10 at 0.59, right 25"
        hand.ladder.data.bids = {}
        await hand.click(ColumnKind.BID, 5_900)
        assert hand.text(-1) == "held: the book moved under the click"
