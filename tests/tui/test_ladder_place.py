"""The ladder's position: centred once, then moved by the trader only."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult

from predmarket.enums import Side
from predmarket.tui.state.ladder import LadderData, OwnOrder
from predmarket.tui.widgets.ladder import Ladder
from predmarket.tui.widgets.ladder_lines import RowLine
from predmarket.units import QTY_ONE


class Alone(App[None]):
    def __init__(self, data: LadderData) -> None:
        super().__init__()
        self.ladder = Ladder(data)

    def compose(self) -> ComposeResult:
        yield self.ladder


@asynccontextmanager
async def shown(data: LadderData) -> AsyncIterator[Ladder]:
    """A ladder of 18 prices."""
    app = Alone(data)
    async with app.run_test(size=(72, 24)) as pilot:
        await pilot.pause()
        yield app.ladder


def prices(ladder: Ladder) -> list[int]:
    """Return the prices in sight, the highest first."""
    ladder.tick()
    return [line.row.price for line in ladder.shown_lines if isinstance(line, RowLine)]


async def test_the_first_order_in_an_empty_book_moves_nothing() -> None:
    """Every price stays under the mouse after its first order."""
    data = LadderData()
    async with shown(data) as ladder:
        before = prices(ladder)
        assert before[len(before) // 2] == 5_000
        data.bids = {4_700: 10 * QTY_ONE}
        data.own = [OwnOrder(1, Side.BUY, 4_700, 10 * QTY_ONE, 0)]
        assert prices(ladder) == before
        data.last, data.asks = 1_000, {1_200: 10 * QTY_ONE}
        assert prices(ladder) == before


async def test_the_book_that_comes_is_centred_once() -> None:
    """The ladder is centred on the last price, then once on the book's middle."""
    data = LadderData(live=False, last=3_000)
    async with shown(data) as ladder:
        assert prices(ladder)[9] == 3_000
        data.live, data.bids, data.asks = True, {6_900: QTY_ONE}, {7_100: QTY_ONE}
        book = prices(ladder)
        assert book[9] == 7_000
        data.live = False
        assert prices(ladder) == book
        data.live, data.bids, data.asks = True, {1_900: QTY_ONE}, {2_100: QTY_ONE}
        assert prices(ladder) == book


async def test_what_the_trader_moved_stays_when_the_book_comes() -> None:
    """The trader's own position stays when the book arrives."""
    data = LadderData(live=False, last=3_000)
    async with shown(data) as ladder:
        prices(ladder)
        ladder.move_cursor(0)
        ladder.move_cursor(30)
        there = prices(ladder)
        data.live, data.bids, data.asks = True, {6_900: QTY_ONE}, {7_100: QTY_ONE}
        assert prices(ladder) == there


async def test_another_market_is_centred_anew() -> None:
    """Another market, even of the same tick, is centred anew without a cursor."""
    data = LadderData(market=1, bids={6_900: QTY_ONE}, asks={7_100: QTY_ONE})
    async with shown(data) as ladder:
        assert prices(ladder)[9] == 7_000
        ladder.move_cursor(0)
        data.market, data.live, data.bids, data.asks = 2, False, {}, {}
        prices(ladder)
        data.live, data.bids, data.asks = True, {1_900: QTY_ONE}, {2_100: QTY_ONE}
        assert prices(ladder)[9] == 2_000
        assert ladder.cursor is None
