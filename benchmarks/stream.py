"""The command stream that the engine and settlement rows share, as plain tuples.

60 % limit orders, 40 % cancels; prices from a normal distribution of deviation 4 around 48 ticks
for buys and 52 for sells, within 1..99; quantities 1..99 contracts; 500 users; one seed. A cancel
names a random order that its sender has not cancelled yet and so believes live; the sender does not
follow fills, so about half of the cancels come too late, as many do in a real market. (Of the ways
to read the row's definition this is the one under which its yardstick makes what MEASURES says it
made.) Plain tuples, so that building a candidate's own commands from them is the candidate's affair
and happens before its clock starts.

Invariants: order ids count from 1 in the order of placing. A cancel names the order's owner. No
order would trade with one of the same user, so an engine with self-trade prevention and one without
do the same work.
"""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

Place: TypeAlias = tuple[Literal["place"], int, int, bool, int, int]
"""("place", order id, user, is a buy, price in ticks of 0.01, quantity in contracts)"""
Cancel: TypeAlias = tuple[Literal["cancel"], int, int]
"""("cancel", order id, user)"""
Command: TypeAlias = Place | Cancel

COMMANDS = 200_000
USERS = 500
SEED = 1

PLACE_SHARE = 0.6
BUY_MEAN, SELL_MEAN, DEVIATION = 48, 52, 4
LOWEST, HIGHEST = 1, 99
MAX_QTY = 99


@dataclass(slots=True, eq=False)
class _Order:
    id: int
    user: int
    is_buy: bool
    price: int
    left: int


class _Book:
    """Just enough of a book to know who would trade with whom: price levels, each a queue."""

    def __init__(self) -> None:
        self.levels: dict[bool, list[deque[_Order]]] = {
            is_buy: [deque() for _ in range(HIGHEST + 1)] for is_buy in (True, False)
        }

    def makers(self, order: _Order) -> Iterator[_Order]:
        """Yield those that ``order`` would trade with, in order of priority."""
        prices = (
            range(LOWEST, order.price + 1) if order.is_buy else range(HIGHEST, order.price - 1, -1)
        )
        left = order.left
        for price in prices:
            for maker in self.levels[not order.is_buy][price]:
                if left <= 0:
                    return
                left -= maker.left
                yield maker

    def place(self, order: _Order, makers: list[_Order]) -> None:
        """Trade with ``makers``; rest with what is left."""
        for maker in makers:
            traded = min(order.left, maker.left)
            order.left -= traded
            maker.left -= traded
            if not maker.left:
                self.levels[maker.is_buy][maker.price].popleft()
        if order.left:
            self.levels[order.is_buy][order.price].append(order)

    def cancel(self, order: _Order) -> None:
        """Take it out if it still rests."""
        if order.left:
            self.levels[order.is_buy][order.price].remove(order)


def commands(count: int = COMMANDS, seed: int = SEED) -> list[Command]:
    """Return the first ``count`` commands of the stream of ``seed``."""
    draw = random.Random(seed)
    book = _Book()
    made: list[Command] = []
    believed_live: list[_Order] = []
    placed = 0
    while len(made) < count:
        if believed_live and draw.random() >= PLACE_SHARE:
            seat = draw.randrange(len(believed_live))
            target = believed_live[seat]
            believed_live[seat] = believed_live[-1]
            believed_live.pop()
            book.cancel(target)
            made.append(("cancel", target.id, target.user))
            continue
        placed += 1
        order = _draw_order(draw, placed)
        makers = list(book.makers(order))
        owners = {maker.user for maker in makers}
        while order.user in owners:
            order.user = draw.randint(1, USERS)
        made.append(("place", order.id, order.user, order.is_buy, order.price, order.left))
        book.place(order, makers)
        believed_live.append(order)
    return made


def _draw_order(draw: random.Random, order_id: int) -> _Order:
    is_buy = draw.random() < 0.5
    price = round(draw.gauss(BUY_MEAN if is_buy else SELL_MEAN, DEVIATION))
    return _Order(
        id=order_id,
        user=draw.randint(1, USERS),
        is_buy=is_buy,
        price=min(max(price, LOWEST), HIGHEST),
        left=draw.randint(1, MAX_QTY),
    )
