"""What users' fills add up to, for the private channels of sockets: by open order and by market.

A tally is read from the database when a user's first subscription begins, and then follows the
committed batches. Trades are numbered, so each counts once, whether the read has seen it or not.
"""

import asyncio
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.enums import LIVE_STATUSES, Side
from predmarket.server.gateway.kalshi.order_presenters import Split, split
from predmarket.server.read_model.changes import Changes
from predmarket.server.read_model.queries.cursors import LARGEST_ID
from predmarket.server.read_model.queries.orders import fills_of, partly_filled
from predmarket.server.read_model.queries.traded import traded_by
from predmarket.server.read_model.queries.trades import fills_of_user
from predmarket.server.read_model.records import UserFill
from predmarket.server.storage.database import Database
from predmarket.units import Money, Qty

_ORDERS_A_QUERY = 500
MAX_FILLS, _FILLS_A_QUERY = 20_000, 1_000
"""Fills of a user that are looked at for the fees of what is held."""


class MarketTally(NamedTuple):
    """What a user has traded in a market: contracts bought and sold, the net of both, and fees.

    ``held_fees`` are those of the contracts that are still held: whoever gives up a part of a
    position gives up the same part of them. None: the position is older than what was read.
    """

    volume: Qty = 0
    fees: Money = 0
    net: Qty = 0
    held_fees: Money | None = 0

    def plus(self, fill: UserFill) -> "MarketTally":
        """Return the tally after one more fill."""
        signed = fill.qty if fill.side is Side.BUY else -fill.qty
        net = self.net + signed
        return MarketTally(
            self.volume + fill.qty, self.fees + fill.fee, net, self._held_after(signed, fill.fee)
        )

    def _held_after(self, signed: Qty, fee: Money) -> Money | None:
        net, held = self.net, self.held_fees
        if net * signed >= 0:  # it opens a position, or adds to one
            return fee if net == 0 else None if held is None else held + fee
        if abs(signed) < abs(net):
            return None if held is None else held - held * abs(signed) // abs(net)
        return fee * (abs(signed) - abs(net)) // abs(signed)  # the part that turns it


class Tally:
    """One user's sums, up to the trade ``upto``. Until they are read, ``held`` has what comes."""

    __slots__ = ("held", "markets", "orders", "reading", "subscriptions", "upto")

    def __init__(self) -> None:
        self.subscriptions = 0
        self.reading: asyncio.Task[int] | None = None
        self.held: list[Changes] | None = []
        self.upto = 0
        self.orders: dict[int, Split] = {}
        self.markets: dict[int, MarketTally] = {}

    def count(self, user_id: int, changes: Changes) -> None:
        """Count a batch's fills of the user, or hold them."""
        if self.held is not None:
            self.held.append(changes)
            return
        for change in changes.fills:
            fill = change.fill
            if change.user_id == user_id and fill.trade_id > self.upto:
                order = self.orders.get(fill.order_id, Split())
                self.orders[fill.order_id] = order.plus(fill.side, fill)
                known = self.markets.get(fill.market_id, MarketTally())
                self.markets[fill.market_id] = known.plus(fill)

    def forget_ended(self, changes: Changes) -> None:
        """Forget the orders that a batch has ended."""
        if self.held is None:
            for change in changes.orders:
                if change.order.status not in LIVE_STATUSES:
                    self.orders.pop(change.order.id, None)

    def catch_up(self, user_id: int) -> None:
        """Count what was held: from now on the tally is known."""
        held, self.held = self.held, None
        for changes in held or ():
            self.count(user_id, changes)
            self.forget_ended(changes)


class Tallies:
    """The tallies of the users with subscriptions."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._of_user: dict[int, Tally] = {}

    def __len__(self) -> int:
        return len(self._of_user)

    def get(self, user_id: int) -> Tally:
        """Return the tally of a user for whom it was acquired."""
        return self._of_user[user_id]

    async def acquire(self, user_id: int, subscriptions: int) -> int:
        """Keep a user's tally for some subscriptions until ``release``.

        Return when it is known, with the number of orders and fills that were read for it.
        """
        tally = self._of_user.setdefault(user_id, Tally())
        tally.subscriptions += subscriptions
        try:
            if tally.reading is None:
                tally.reading = asyncio.create_task(self._read(user_id, tally))
            return await asyncio.shield(tally.reading)
        except BaseException:
            self.release(user_id, subscriptions)
            raise

    def release(self, user_id: int, subscriptions: int = 1) -> None:
        """Keep a user's tally for fewer subscriptions."""
        tally = self._of_user[user_id]
        tally.subscriptions -= subscriptions
        if not tally.subscriptions:
            del self._of_user[user_id]

    def count(self, changes: Changes) -> None:
        """Count the fills of a batch."""
        for user_id, tally in self._of_user.items():
            tally.count(user_id, changes)

    def forget_ended(self, changes: Changes) -> None:
        """Forget the orders that a batch has ended, after they were told."""
        for tally in self._of_user.values():
            tally.forget_ended(changes)

    async def _read(self, user_id: int, tally: Tally) -> int:
        async with self._db.read() as connection:
            last = await fills_of_user(connection, user_id, before=LARGEST_ID, limit=1)
            traded = await traded_by(connection, user_id)
            sides = await partly_filled(connection, user_id)
            ids = list(sides)
            for start in range(0, len(ids), _ORDERS_A_QUERY):
                found = await fills_of(connection, ids[start : start + _ORDERS_A_QUERY])
                tally.orders |= {id: split(sides[id], fills) for id, fills in found.items()}
            nets = {id: one.net for id, one in traded.items() if one.net}
            held_fees, looked_at = await _held_fees(connection, user_id, nets)
        tally.markets = {
            id: MarketTally(one.bought + one.sold, one.fees, one.net, held_fees.get(id, 0))
            for id, one in traded.items()
        }
        tally.upto = last[0].trade_id if last else 0
        tally.catch_up(user_id)
        return looked_at + sum(one.orders for one in traded.values())


async def _held_fees(
    connection: AsyncConnection, user_id: int, nets: Mapping[int, Qty]
) -> tuple[dict[int, Money | None], int]:
    """Return the fees of the contracts that a user holds, by market, and how many fills were read.

    The fills are read backwards until each position had not begun, at most MAX_FILLS of them.
    """
    missing, since = dict(nets), {id: list[UserFill]() for id in nets}
    before, looked_at = LARGEST_ID, 0
    while missing and looked_at < MAX_FILLS:
        fills = await fills_of_user(connection, user_id, before=before, limit=_FILLS_A_QUERY)
        if not fills:
            break
        looked_at, before = looked_at + len(fills), fills[-1].trade_id
        for fill in fills:
            net = missing.get(fill.market_id)
            if net is None:
                continue
            since[fill.market_id].append(fill)
            net -= fill.qty if fill.side is Side.BUY else -fill.qty
            if net * nets[fill.market_id] > 0:
                missing[fill.market_id] = net
            else:
                del missing[fill.market_id]
    found: dict[int, Money | None] = dict.fromkeys(missing)
    for id in nets.keys() - missing.keys():
        bought = sum(one.qty if one.side is Side.BUY else -one.qty for one in since[id])
        tally = MarketTally(net=nets[id] - bought)
        for fill in reversed(since[id]):
            tally = tally.plus(fill)
        found[id] = tally.held_fees
    return found, looked_at
