"""Random abstract commands, aimed at where exchanges go wrong.

Few users and markets, prices a few ticks apart so that orders meet, money short enough to run out,
ids of dead, foreign and unknown orders. The same seed and the same exchange give the same commands.

Usage: the commands must be applied to the exchange one by one, since each is chosen by its state:

    exchange = ReferenceExchange()
    for command in random_commands(seed, exchange, count=10_000):
        exchange.apply(command)
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from .exchange import MICROSECONDS, ReferenceExchange
from .records import FINAL, Event, Market, Order
from .units import ONE_DOLLAR_PRICE, show_money, show_price, show_qty

TICKS = ("0.1", "0.01", "0.01", "0.001", "0.0001")
FEES = (("0", "0"), ("0", "0.07"), ("0.1", "0.25"), ("0.02", "0"), ("0.0001", "0.0003"))
"""(maker, taker): free, the usual, dear, maker dearer, and rates that round often."""
QTYS = (1, 1, 2, 3, 7, 50, 100, 100, 250, 1000, 1000, 2000, 3333)
CREDITS = ("0", "5", "20.000001", "100", "1000")
DEPOSITS = ("0.000001", "0.25", "1.50", "10", "33.333333", "100", "500")
SLIPPAGES = ("0", "0.0001", "0.01", "0.0333", "0.05", "0.10", "0.5", "0.9999")
STPS = ("SKIP", "SKIP", "CANCEL_TAKER", "CANCEL_MAKER", "CANCEL_BOTH")
LIMITS = ("0.01", "0.50", "1.00", "1.00", "5.00", "10.00", "30.00", "1000000.00")
"""Of order groups."""
CONNECTIONS = (None, None, None, "a-1", "a-10", "b-1")
OUTCOMES = ("YES", "YES", "NO", "NO", "SCALAR", "SCALAR", "VOID", "VOID")
STATUSES = ("OPEN", "HALTED", "CLOSED", "DRAFT", "RESOLVED", "VOIDED")
SETTLEMENTS = ("0", "0.25", "0.3333", "0.5", "0.9999", "1")
QTY_AT_MOST = 100_000_000
MARKETS_AT_MOST = 3
UNKNOWN_USER = 999

Draft = dict[str, Any]


def random_commands(
    seed: int,
    exchange: ReferenceExchange,
    count: int | None = None,
    *,
    connections: bool = False,
    kind: type[Generator] | None = None,
) -> Iterator[Draft]:
    """Yield count commands (for ever if None); apply each to the exchange before the next.

    With connections, some orders are tied to one, and connections and gateways end. A kind other
    than Generator chooses other commands: generate_events.py has the one with events.
    """
    generator = (kind or Generator)(seed, exchange, connections=connections)
    produced = 0
    while count is None or produced < count:
        yield generator.next_command()
        produced += 1


class Generator:
    """Chooses one command after the other from the exchange's present state."""

    credits = CREDITS
    users_at_most = 8

    def __init__(self, seed: int, exchange: ReferenceExchange, *, connections: bool) -> None:
        self.random = random.Random(seed)
        self.exchange = exchange
        self.now = exchange.now + 1
        self.users = list(range(1, self.random.randint(3, self.users_at_most) + 1))
        self.unopened = list(self.users)
        self.planned: list[Draft] = []
        """Commands that only make sense right after the one before."""
        self.centers: dict[int, int] = {}
        """Around which price each market trades, in ticks; it drifts."""
        self.kinds: list[tuple[Callable[[], Draft], int]] = [
            (self.place, 640),
            (self._amend, 130),
            (self._cancel, 70),
            (self.cancel_all, 12),
            (self._cancel_after, 10),
            (self._transfer, 50),
            (self._update_market, 24),
            (self._resolve, 7),
            (self._open_again, 3),
            (self._order_group, 40),
        ]
        self.connections = connections
        if connections:
            self.kinds.append((self._disconnect, 14))

    def next_command(self) -> Draft:
        """Return the next command, stamped."""
        self.now += self._pause()
        if self.unopened:
            user = self.unopened.pop(0)
            credit = self.random.choice(self.credits)
            return self.stamp({"op": "open_account", "user": user, "credit": credit})
        if self.planned:
            return self.stamp(self.planned.pop(0))
        creation = self.create()
        if creation is not None:
            return creation
        shut = [market for market in self.unfinished() if market.status != "OPEN"]
        if shut and self.chance(0.08):
            # Without this most markets would soon stay shut and nothing would trade.
            return self._status(self.random.choice(shut).id, "OPEN")
        makers, weights = zip(*self.kinds, strict=True)
        make: Callable[[], Draft] = self.random.choices(makers, weights)[0]
        return make()

    def create(self) -> Draft | None:
        """Return the creation of a market if there are too few, or None."""
        unfinished = self.unfinished()
        if not unfinished or (len(unfinished) < MARKETS_AT_MOST and self.chance(0.2)):
            return self.create_market()
        return None

    # --- small choices -----------------------------------------------------------------------

    def chance(self, probability: float) -> bool:
        """Tell yes so often."""
        return self.random.random() < probability

    def _pause(self) -> int:
        """Return µs to the next command: often none, so that times collide, seldom long."""
        draw = self.random.random()
        if draw < 0.3:
            return 0
        if draw < 0.7:
            return self.random.randint(1, 3)
        if draw < 0.99:
            return self.random.randint(1, 400_000)
        return self.random.randint(1, 20) * MICROSECONDS

    def soon(self) -> int:
        """Return a time near now: past, present, or to come."""
        near = self.random.choice((-MICROSECONDS, -1, 0, 1, 2, 3, 10, 1000))
        return self.now + self.random.choice((near, self.random.randint(1, 10 * MICROSECONDS)))

    def stamp(self, draft: Draft) -> Draft:
        """Give a command the present time."""
        return {**draft, "ts": self.now}

    def _user(self) -> int:
        return self.random.choice(self.users)

    def unfinished(self) -> list[Market]:
        """Return the markets that are not final."""
        markets = self.exchange.ledger.markets.values()
        return [market for market in markets if market.status not in FINAL]

    def any_market(self) -> int:
        """Return a market's id: mostly one that trades, sometimes a shut, final or unknown one."""
        ids = [market.id for market in self.unfinished() if market.status == "OPEN"]
        if not ids or self.chance(0.04):
            ids = list(range(1, len(self.exchange.ledger.markets) + 2))
        return self.random.choice(ids)

    def _any_order(self) -> tuple[int, int]:
        """Return (order id, user): mostly a live order and its owner."""
        ledger = self.exchange.ledger
        if not ledger.live or self.chance(0.06):
            # Dead or unknown: one of the latest ids, or one to two beyond them.
            last = len(ledger.orders)
            order_id = self.random.randint(max(1, last - 20), last + 2)
            known = ledger.orders.get(order_id)
            return order_id, known.user if known and self.chance(0.7) else self._user()
        order = self.random.choice(ledger.live)
        return order.id, self._user() if self.chance(0.08) else order.user

    def price(self, market_id: int, side: str) -> str:
        """Return a price near the market's centre; seldom off the tick or far away."""
        market = self.exchange.ledger.markets.get(market_id)
        tick = market.tick if market else 100
        last = ONE_DOLLAR_PRICE // tick - 1
        center = self.centers.setdefault(market_id, self.first_center(market, last))
        if self.chance(0.6):
            center = self.random.randint(1, last) if self.chance(0.02) else center
            center += self.random.choice((-1, 0, 0, 1))
            self.centers[market_id] = center = max(1, min(last, center))
        if self.chance(0.03):
            return show_price(self.random.randint(1, ONE_DOLLAR_PRICE - 1))
        # A BUY a little below, a SELL a little above, with an overlap in which they trade.
        step = self.random.randint(-3, 2) if side == "BUY" else self.random.randint(-2, 3)
        if self.chance(0.03):
            step *= 10
        return show_price(max(1, min(last, center + step)) * tick)

    def first_center(self, market: Market | None, last: int) -> int:
        """Return around which price a market begins to trade, in ticks; last is the highest."""
        middle, anywhere = last // 2 + 1, self.random.randint(1, last)
        return self.random.choice((1, last, middle, middle, anywhere, anywhere))

    def _qty(self) -> str:
        draw = self.random.random()
        if draw < 0.02:
            return self.random.choice(("1000000.00", "99999.99"))
        if draw < 0.1 and self.exchange.ledger.live:
            return show_qty(self.random.choice(self.exchange.ledger.live).left)
        if draw < 0.25:
            return show_qty(self.random.randint(1, 3000))
        return show_qty(self.random.choice(QTYS))

    # --- commands ----------------------------------------------------------------------------

    def create_market(self) -> Draft:
        """Return the creation of a market that stands alone."""
        maker_fee, taker_fee = self.random.choice(FEES)
        return self.stamp(
            {
                "op": "create_market",
                "tick": self.random.choice(TICKS),
                "maker_fee": maker_fee,
                "taker_fee": taker_fee,
                "closes_at": self.soon() if self.chance(0.15) else None,
                "status": "DRAFT" if self.chance(0.15) else "OPEN",
            }
        )

    def place(self) -> Draft:
        """Return a new order."""
        market = self.any_market()
        side = self.random.choice(("BUY", "SELL"))
        is_market = self.chance(0.15)
        if is_market:
            tif = self.random.choice(("IOC", "IOC", "FOK"))
        else:
            tif = self.random.choices(("GTC", "IOC", "FOK", "GTD"), (64, 12, 8, 16))[0]
        may_rest = tif in ("GTC", "GTD")
        tied = {"connection": self.random.choice(CONNECTIONS)} if self.connections else {}
        draft = self.stamp(
            {
                **tied,
                "op": "place",
                "user": self._user(),
                "market": market,
                "side": side,
                "type": "MARKET" if is_market else "LIMIT",
                "price": None if is_market else self.price(market, side),
                "qty": self._qty(),
                "tif": tif,
                "expires_at": self.soon() if tif == "GTD" else None,
                "post_only": may_rest and self.chance(0.12),
                "reduce_only": self.chance(0.12),
                "max_slippage": self.random.choice(SLIPPAGES) if is_market else None,
                "stp": self.random.choice(STPS),
                "deadline": self.soon() if self.chance(0.06) else None,
                "max_open_orders": self.random.choice((0, 2, 6)) if self.chance(0.1) else None,
            }
        )
        return self._in_group(draft) if self.chance(0.4) else draft

    def _in_group(self, draft: Draft) -> Draft:
        """Put an order into a group of its user's, sometimes into a foreign or unknown one."""
        groups = self.exchange.ledger.groups
        own = [group.id for group in groups.values() if group.user == draft["user"]]
        if self.chance(0.03):
            own = list(range(1, self.exchange.ledger.groups_made + 2))
        return {**draft, "group": self.random.choice(own)} if own else draft

    def _order_group(self) -> Draft:
        """Return the creation of a group, or a change of one."""
        groups = list(self.exchange.ledger.groups.values())
        limit = self.random.choice(LIMITS)
        if len(groups) < len(self.users) or self.chance(0.1):
            return self.stamp({"op": "create_group", "user": self._user(), "limit": limit})
        tripped = [group for group in groups if group.status == "TRIPPED"]
        group = self.random.choice(tripped if tripped and self.chance(0.6) else groups)
        kinds = ("reset_group", "set_group_limit", "trigger_group", "delete_group")
        op = self.random.choices(kinds, (60, 20, 10, 10))[0]
        unknown = self.chance(0.05)
        return self.stamp(
            {
                "op": op,
                "user": self._user() if self.chance(0.04) else group.user,
                "group": self.exchange.ledger.groups_made + 1 if unknown else group.id,
                "limit": limit,
            }
        )

    def _amend(self) -> Draft:
        order_id, user = self._any_order()
        order = self.exchange.ledger.orders.get(order_id)
        price: str | None = None
        qty: str | None = None
        if order is None:
            price, qty = "0.50", "1.00"
        else:
            what = self.random.choice(("price", "qty", "qty", "both", "same", "neither"))
            if what in ("price", "both"):
                price = self.price(order.market, order.side)
            if what in ("qty", "both"):
                qty = self._amended_qty(order)
            if what == "same":
                price = show_price(order.limit) if order.price is not None else None
                qty = show_qty(order.qty)
        return self.stamp(
            {"op": "amend", "user": user, "order": order_id, "price": price, "qty": qty}
        )

    def _amended_qty(self, order: Order) -> str:
        """Return a total around what the order has: also at or below what is filled."""
        choices = (
            order.qty + self.random.choice((1, 50, 1000)),
            order.qty - self.random.choice((1, 50, 100)),
            order.filled + self.random.choice((0, 1, 2, 100)),
            order.filled + order.close_left,
            order.filled + order.close_left // 2,
            self.random.randint(1, 2 * order.qty),
        )
        return show_qty(max(1, min(QTY_AT_MOST, self.random.choice(choices))))

    def _cancel(self) -> Draft:
        order_id, user = self._any_order()
        admin = self.chance(0.15)
        if admin and self.chance(0.7):
            user = self._user()
        return self.stamp({"op": "cancel", "user": user, "order": order_id, "admin": admin})

    def cancel_all(self) -> Draft:
        """Cancel a user's orders, all or of one market, one side."""
        market = self.any_market() if self.chance(0.6) else None
        side = self.random.choice((None, "BUY", "SELL"))
        chosen = {"user": self._user(), "market": market, "event": None, "side": side}
        return self.stamp({"op": "cancel_all", **chosen})

    def _disconnect(self) -> Draft:
        connection = self.random.choice(CONNECTIONS)
        gateway = self.random.choice("abc") if connection is None else connection.split("-")[0]
        user = self._user() if self.chance(0.5) else None
        ended = {"gateway": gateway, "connection": connection, "user": user}
        return self.stamp({"op": "disconnect", **ended})

    def _cancel_after(self) -> Draft:
        seconds = self.random.choice((0, 1, 1, 2, 5, 30))
        return self.stamp({"op": "cancel_after", "user": self._user(), "seconds": seconds})

    def _transfer(self) -> Draft:
        user = UNKNOWN_USER if self.chance(0.02) else self._user()
        return self.stamp({"op": "transfer", "user": user, "amount": self._amount(user)})

    def _amount(self, user: int) -> str:
        draw = self.random.random()
        if draw < 0.03:
            return self.random.choice(("1000000000.000001", "-1000000000.000001"))
        if draw < 0.5 or user == UNKNOWN_USER:
            return self.random.choice(DEPOSITS)
        if draw < 0.65:
            return "-" + self.random.choice(DEPOSITS)
        available = self.exchange.ledger.available(user)
        if available < 0:
            # Cover a VOID's debt exactly, or almost.
            return show_money(-available - self.random.choice((0, 1)) or 1)
        takeable = available + self.random.choice((0, 0, 1, -1))
        if draw < 0.72 and takeable > 0:
            return show_money(-takeable)
        return show_money(-max(1, available // self.random.choice((2, 10, 50))))

    def _status(self, market: int, status: str | None) -> Draft:
        draft: Draft = {"op": "update_market", "market": market, "status": status}
        if status is None or self.chance(0.15):
            draft["closes_at"] = None if self.chance(0.2) else self.soon()
        return self.stamp(draft)

    def _update_market(self) -> Draft:
        status: str | None = self.random.choice(STATUSES) if self.chance(0.3) else None
        if status is None and self.chance(0.7):
            status = self.random.choice(("HALTED", "HALTED", "CLOSED"))
        return self._status(self.any_market(), status)

    def _resolve(self) -> Draft:
        outcome = self.random.choice(OUTCOMES)
        price = self.random.choice(SETTLEMENTS) if outcome == "SCALAR" else None
        market = self.any_market()
        resolve = {"op": "resolve", "market": market, "outcome": outcome, "price": price}
        known = self.exchange.ledger.markets.get(market)
        if outcome != "VOID" or known is None:
            return self.stamp(resolve)
        return self.void(resolve, known.event)

    def void(self, resolve: Draft, event: Event) -> Draft:
        """Return a VOID, or the withdrawal of a profit after which it comes.

        A VOID takes profits back; it leaves a debt only if they are gone by then.
        """
        ledger = self.exchange.ledger
        received = event.received
        winners = [u for u in self.users if received.get(u, 0) > 0 and ledger.available(u) > 0]
        if not winners or self.chance(0.3):
            return self.stamp(resolve)
        self.planned.append(resolve)
        user = self.random.choice(winners)
        amount = show_money(-ledger.available(user))
        return self.stamp({"op": "transfer", "user": user, "amount": amount})

    def _open_again(self) -> Draft:
        """Open an account that exists already: nothing may come of it, not even the credit."""
        return self.stamp({"op": "open_account", "user": self._user(), "credit": "100"})
