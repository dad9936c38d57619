"""Fills ladder, chart, tape and depth with the trading state, once a frame."""

from predmarket.contracts.markets import Interval
from predmarket.tui.state.connection_status import Light
from predmarket.tui.state.depth import DepthData
from predmarket.tui.state.ladder import LadderData, OwnOrder
from predmarket.tui.state.tape import TapeData
from predmarket.tui.trader import Trader
from predmarket.tui.widgets.chart import Chart


def fill_ladder(data: LadderData, trader: Trader, of: int | None) -> None:
    """Give a ladder a market's book, and the trader's orders and position there."""
    state, market = trader.state, trader.state.markets.get(of)
    data.market = of
    data.live = trader.light() is Light.LIVE and market is not None and state.has_book(market.id)
    data.armed = trader.armed
    data.sizes, data.size, data.second = trader.sizes, trader.size, trader.second
    book = state.book_of(of)
    data.bids, data.asks, data.traded = book.bids, book.asks, book.traded
    if data.own_of != (made_of := (state.orders.version, of)):
        data.own_of = made_of
        data.own = tuple(
            OwnOrder(order.id, order.side, order.price, order.remaining, order.ahead)
            for order in state.orders.of(of)
        )
    held = state.positions.get(of)
    data.position_yes = held.yes if held else 0
    data.position_no = held.no if held else 0
    data.cost_yes = held.cost_yes if held else 0
    data.cost_no = held.cost_no if held else 0
    if market is None:
        return
    data.tick, data.last, data.last_up = market.tick, market.last, market.rising
    data.halted = None if market.trading else f"market {market.status.lower()}"
    if market.proposal is not None:
        data.halted = market.proposal.words


def fill_chart(chart: Chart, trader: Trader) -> None:
    """Give the chart the open market's candles."""
    state, data = trader.state, chart.data
    data.candles, data.version = state.candles.items, state.candles.version
    data.interval, data.now = state.candles.interval, trader.clock()
    market = state.market
    data.tick = 100 if market is None else market.tick
    data.last = None if market is None else market.last
    data.rising = None if market is None else market.rising
    chart.name_box(_intervals(state.candles.interval), data.kind.value)


def fill_flow(tape: TapeData, depth: DepthData, trader: Trader) -> None:
    """Give tape and depth the open market's trades and book."""
    state = trader.state
    tape.live = depth.live = trader.light() is Light.LIVE and state.market is not None
    tape.tick = depth.tick = 100 if state.market is None else state.market.tick
    tape.trades, depth.bids, depth.asks = state.tape, state.book.bids, state.book.asks


def _intervals(chosen: Interval) -> str:
    names = (
        f" [reverse]{each}[/]"
        if each is chosen
        else f"[@click=screen.interval('{each}')] {each}[/]"
        for each in Interval
    )
    return "Chart" + "".join(names)
