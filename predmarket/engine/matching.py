"""Price-time matching: walks the book for an incoming order. It has no part in money.

Invariants:
- best price first, first come first served within a level, executed at the resting price;
- a user's orders never trade with each other;
- the walk removes filled orders; the caller books each fill before the walk looks for the next one.

Source: docs/market_rules.md, Matching.
"""

from collections.abc import Callable
from enum import IntEnum

from predmarket.engine.book import Book, BookSide, Level, Order
from predmarket.engine.depth import BLOCK_BITS
from predmarket.engine.own_orders import OwnSide
from predmarket.engine.steps import STEP
from predmarket.enums import SelfTradePrevention
from predmarket.units import PRICE_ONE, Price, Qty

_SKIP = SelfTradePrevention.SKIP
_CANCEL_MAKER = SelfTradePrevention.CANCEL_MAKER
_CANCEL_TAKER = SelfTradePrevention.CANCEL_TAKER

_STRIDE = 64
"""Own orders between two that carry a ``skip`` (book.py)."""

OnFill = Callable[[Order, Order, Qty], None]
"""Called with taker, maker and quantity, after the quantities of both orders were reduced."""
OnSelfTrade = Callable[[Order], None]
"""Called to cancel a resting order of the taker's user."""
FindOwn = Callable[[], OwnSide | None]
"""Returns the orders of the taker's user on the opposite side."""


class Sweep(IntEnum):
    """How a walk through the book ended."""

    DONE = 0
    """Nothing more crosses, or the taker is filled."""
    STOPPED = 1
    """Self-trade prevention cancels the rest of the taker."""
    UNFINISHED = 2
    """The step's bound is reached; there may be more."""


_DONE, _STOPPED, _UNFINISHED = Sweep  # looked up once: this is the busiest loop


def _no_own_orders() -> None:
    return None


def sweep(
    book: Book,
    taker: Order,
    on_fill: OnFill,
    on_own: OnSelfTrade,
    find_own: FindOwn = _no_own_orders,
    room: int = STEP,
) -> Sweep:
    """Trade ``taker`` against the book as far as its price and quantity allow.

    It fills or cancels at most ``room`` resting orders.
    """
    side = book.opposite(taker.is_buy)
    is_buy, limit, user_id = taker.is_buy, taker.price, taker.user_id
    blocks = side.blocks
    level = side.best()
    while level is not None and (level.price <= limit if is_buy else level.price >= limit):
        index, price = level.index, level.price
        maker = level.head
        while maker is not None:
            behind = maker.next
            if maker.user_id == user_id:
                if taker.stp is _SKIP:
                    index, maker = _past_own(side, level, maker, find_own())
                    continue
                if taker.stp is _CANCEL_TAKER:
                    return _STOPPED
                if not room:
                    return _UNFINISHED
                room -= 1
                on_own(maker)
                if taker.stp is not _CANCEL_MAKER:
                    return _STOPPED
                maker = behind
                continue
            if not room:
                return _UNFINISHED
            room -= 1
            qty = maker.remaining if maker.remaining < taker.remaining else taker.remaining
            cost = price * qty
            maker.remaining -= qty
            maker.filled += qty
            maker.notional += cost
            taker.remaining -= qty
            taker.filled += qty
            taker.notional += cost
            level.qty -= qty
            if maker.run is not None:
                maker.run.qty -= qty
            blocks[index >> BLOCK_BITS] -= qty
            if not maker.remaining:
                side.remove(maker)
            on_fill(taker, maker, qty)
            if not taker.remaining:
                return _DONE
            maker = behind
        level = side.after(index)
    return _DONE


def _past_own(
    side: BookSide, level: Level, own: Order, own_side: OwnSide | None
) -> tuple[int, Order | None]:
    """Pass over the user's own orders, from ``own`` on.

    Returns the index of the level and the next order of another user in it. If there is none, it
    returns None and the index of the worst level to pass over: all levels down to it hold only
    the user's own orders.
    """
    if own_side is None or own_side.depth.levels.get(level.index) != level.qty:
        return level.index, _behind_own(level, own)
    mine = own_side.depth
    index, block = level.index, level.index >> BLOCK_BITS
    while True:
        # The sums of blocks tell where only own orders rest: such blocks are passed over whole.
        below = side.after(index)
        if below is None:
            return index, None
        if below.index >> BLOCK_BITS != block:
            block = below.index >> BLOCK_BITS
            if side.blocks[block] == mine.blocks.get(block):
                index = block << BLOCK_BITS
                continue
        if mine.levels.get(below.index) != below.qty:
            return index, None
        index = below.index


def _behind_own(level: Level, first: Order) -> Order | None:
    """Return the first order behind ``first`` that belongs to another user.

    Orders join a level only at its end, so a ``skip`` is valid while its order keeps its rank.
    """
    user_id, order = first.user_id, first
    marked, steps = first, 0
    while True:
        skip = order.skip
        if skip is not None and skip[0].level is level and skip[0].rank == skip[1]:
            order = skip[0]
            marked, steps = order, 0
            continue
        behind = order.next
        if behind is None or behind.user_id != user_id:
            return behind
        order = behind
        steps += 1
        if steps == _STRIDE:
            marked.skip = order, order.rank
            marked, steps = order, 0


def fillable(book: Book, taker: Order, own: OwnSide | None = None) -> bool:
    """Tell whether the whole of ``taker`` could trade now under its self-trade prevention.

    ``own`` are the user's own orders on the opposite side.
    """
    side, wanted = book.opposite(taker.is_buy), taker.remaining
    worst = side.index(taker.price)
    if own is None or own.depth.best() < worst:
        return side.from_index(worst) >= wanted
    if taker.stp is _SKIP or taker.stp is _CANCEL_MAKER:
        return side.from_index(worst) - own.depth.from_index(worst) >= wanted
    nearest = own.depth.best()
    wanted -= side.from_index(nearest + 1)
    if wanted <= 0:
        return True
    level = side.levels[nearest]
    first = next(order for order in own.orders.values() if order.level is level)
    return level.ahead_of(first) >= wanted


def collar(book: Book, is_buy: bool, slippage: Price, tick: Price) -> Price | None:
    """Return the collar: the worst price that a MARKET order accepts. None if the side is empty.

    It is put on the tick towards the best price, then clamped to the valid prices.
    """
    level = book.opposite(is_buy).best()
    if level is None:
        return None
    if is_buy:
        return min((level.price + slippage) // tick * tick, PRICE_ONE - tick)
    return max(-((slippage - level.price) // tick) * tick, tick)
