"""Price-time matching: walks the book for an incoming order, knows nothing of money.

Invariants:
- best price first, first come first served within a level, executed at the resting price;
- a user's orders never trade with each other;
- the walk removes what it fills; the caller books each fill before the next one is looked for.

Source: MARKET_RULES, Matching.
"""

from collections.abc import Callable

from predmarket.engine.book import Book, Order
from predmarket.terms import SelfTradePrevention
from predmarket.units import PRICE_ONE, Price, Qty

_SKIP = SelfTradePrevention.SKIP
_CANCEL_MAKER = SelfTradePrevention.CANCEL_MAKER
_CANCEL_TAKER = SelfTradePrevention.CANCEL_TAKER

OnFill = Callable[[Order, Order, Qty], None]
"""Called with taker, maker and quantity after both orders' quantities were reduced."""
OnSelfTrade = Callable[[Order], None]
"""Called to cancel a resting order of the taker's own user."""


def sweep(book: Book, taker: Order, on_fill: OnFill, on_own: OnSelfTrade) -> bool:
    """Trade ``taker`` against the book as far as its price and quantity allow.

    Returns True when self-trade prevention ends the taker, whatever it has left.
    """
    side = book.opposite(taker.is_buy)
    is_buy, limit, user_id = taker.is_buy, taker.price, taker.user_id
    level = side.best()
    while level is not None and (level.price <= limit if is_buy else level.price >= limit):
        index, price = level.index, level.price
        maker = level.head
        while maker is not None:
            behind = maker.next
            if maker.user_id == user_id:
                if taker.stp is _CANCEL_TAKER:
                    return True
                if taker.stp is not _SKIP:
                    on_own(maker)
                    if taker.stp is not _CANCEL_MAKER:
                        return True
                maker = behind
                continue
            qty = maker.remaining if maker.remaining < taker.remaining else taker.remaining
            cost = price * qty
            maker.remaining -= qty
            maker.filled += qty
            maker.notional += cost
            taker.remaining -= qty
            taker.filled += qty
            taker.notional += cost
            level.qty -= qty
            if not maker.remaining:
                side.remove(maker)
            on_fill(taker, maker, qty)
            if not taker.remaining:
                return False
            maker = behind
        level = side.after(index)
    return False


def fillable(book: Book, taker: Order) -> bool:
    """Tell whether the whole of ``taker`` could trade now, counting what its mode lets it take."""
    wanted = taker.remaining
    passes_own = taker.stp is _SKIP or taker.stp is _CANCEL_MAKER
    level = book.opposite(taker.is_buy).best()
    while level is not None and (
        level.price <= taker.price if taker.is_buy else level.price >= taker.price
    ):
        for maker in level:
            if maker.user_id == taker.user_id:
                if not passes_own:
                    return False
                continue
            wanted -= maker.remaining
            if wanted <= 0:
                return True
        level = book.opposite(taker.is_buy).after(level.index)
    return False


def collar(book: Book, is_buy: bool, slippage: Price, tick: Price) -> Price | None:
    """Return the worst price a market order may pay, or None with nothing on the other side.

    Put on the tick towards the best price, then clamped to the valid prices.
    """
    level = book.opposite(is_buy).best()
    if level is None:
        return None
    if is_buy:
        return min((level.price + slippage) // tick * tick, PRICE_ONE - tick)
    return max(-((slippage - level.price) // tick) * tick, tick)
