"""The expected answers of the API, computed from the reference exchange.

Nothing here uses the product: amounts come from tests/reference, averages and marks are exact
fractions, and the statuses of the codes are listed here independently.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any

from tests.reference.exchange import ReferenceExchange
from tests.reference.records import FINAL, NONE, Market, Notice, Order, Position, Proposal
from tests.reference.units import (
    ONE_DOLLAR_PRICE,
    PRICE_DECIMALS,
    parse_price,
    show_money,
    show_price,
    show_qty,
)

Json = dict[str, Any]

STATUS = {
    "MARKET_NOT_FOUND": 404,
    "EVENT_NOT_FOUND": 404,
    "ORDER_NOT_FOUND": 404,
    "ORDER_GROUP_NOT_FOUND": 404,
    "PROPOSAL_NOT_FOUND": 404,
    "ANOTHER_ADMIN_NEEDED": 403,
    "GROUP_TRIPPED": 409,
    "USER_NOT_FOUND": 404,
    "FORBIDDEN": 403,
    "MARKET_NOT_OPEN": 409,
    "ORDER_NOT_OPEN": 409,
    "INVALID_TRANSITION": 409,
    "EVENT_DECIDES": 409,
    "EVENT_IS_EXHAUSTIVE": 409,
    "DUPLICATE_CLIENT_ORDER_ID": 409,
    "IDEMPOTENCY_KEY_REUSED": 409,
    "INSUFFICIENT_FUNDS": 422,
    "LIMIT_EXCEEDED": 422,
    "PRICE_OFF_TICK": 422,
    "POST_ONLY_WOULD_CROSS": 422,
    "FOK_NOT_FILLABLE": 422,
    "NO_LIQUIDITY": 422,
    "NOTHING_TO_REDUCE": 422,
    "TOO_MANY_OPEN_ORDERS": 422,
    "DEADLINE_PASSED": 422,
    "QTY_BELOW_FILLED": 422,
    "VALIDATION_FAILED": 400,
}

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def show_time(micros: int | None) -> str | None:
    """Return a time as RFC 3339 UTC with microseconds."""
    if micros is None:
        return None
    return (_EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _half_up(value: Fraction) -> str:
    """Return a number with 6 decimals, rounded half up."""
    return show_money(floor(value * 1_000_000 + Fraction(1, 2)))


class Trade:
    """One MATCH notice of the reference, with named fields."""

    def __init__(self, event: Notice) -> None:
        (_, id, buy, sell, price, qty, taker_side, buy_fee, sell_fee) = event
        self.id = int(id)
        self.orders = {"BUY": int(buy), "SELL": int(sell)}
        self.price = str(price)
        self.qty = str(qty)
        self.taker_side = str(taker_side)
        self.fees = {"BUY": str(buy_fee), "SELL": str(sell_fee)}

    def fill(self, side: str) -> Json:
        """Return one order's side of the trade."""
        liquidity = "TAKER" if side == self.taker_side else "MAKER"
        shown = {"tradeId": self.id, "price": self.price, "qty": self.qty, "fee": self.fees[side]}
        return {**shown, "liquidity": liquidity}


class Expected:
    """Computes the API's view of the reference exchange."""

    def __init__(self, reference: ReferenceExchange) -> None:
        self.reference = reference
        self.trades: list[Trade] = []
        self.created: dict[int, int] = {}
        """The time of each order's arrival, in µs."""
        self.grouped: set[int] = set()
        """Orders, also rejected ones, that named a group of their user and show it."""
        self.keys: dict[int, str] = {}
        """The orders that had a client order id."""
        self.outcomes: dict[int, tuple[str, str | None]] = {}
        """Each final market's outcome and settlement price."""
        self.proposed: dict[int, tuple[str, str | None]] = {}
        """The outcome and settlement price in each market's last proposal."""

    def read(self, events: Iterable[Notice]) -> None:
        """Record the trades, and the outcomes of markets that a proposal resolves."""
        for event in events:
            if event[0] == "MATCH":
                self.trades.append(Trade(event))
            elif event[0] == "MARKET_STATUS" and event[2] in FINAL and event[1] in self.proposed:
                self.outcomes[int(event[1])] = self.proposed[int(event[1])]

    def order(self, id: int) -> Json:
        """Return an order's current state."""
        order = self.reference.ledger.orders[id]
        fills = [t.fill(order.side) for t in self.trades if t.orders[order.side] == id]
        known = order.market in self.reference.ledger.markets
        of_group = id in self.grouped
        return {
            **({"orderGroupId": order.group} if of_group else {}),
            "id": id,
            "clientOrderId": self.keys.get(id),
            "marketId": order.market if known else None,
            "marketSlug": slug(order.market) if known else None,
            "userId": order.user,
            "side": order.side,
            "type": order.type,
            "price": None if order.price is None else show_price(order.price),
            "qty": show_qty(order.qty),
            "qtyFilled": show_qty(order.filled),
            "qtyRemaining": show_qty(order.left),
            "avgFillPrice": _average(fills),
            "feesPaid": show_money(order.fees_paid),
            "status": order.status,
            "reason": order.reason,
            "timeInForce": order.tif,
            "expiresAt": show_time(order.expires_at),
            "createdAt": show_time(self.created[id]),
            "fills": fills,
        }

    def preview(self, id: int, free: int) -> Json:
        """Return the expected preview of an order that was placed right after it.

        ``free`` is the number of shares that the user could give at the time of the preview.
        """
        ledger = self.reference.ledger
        order = ledger.orders[id]
        fills = [t for t in self.trades if t.orders[order.side] == id]
        rests = order in ledger.live
        ahead = [
            other.left
            for other in ledger.resting(order.market, order.side)
            if other.limit == order.limit and other is not order
        ]
        return {
            "fillQty": show_qty(order.filled),
            "restQty": show_qty(order.left if rests else 0),
            "avgPrice": _average([fill.fill(order.side) for fill in fills]),
            "worstPrice": fills[-1].price if fills else None,
            "fees": show_money(order.fees_paid),
            "locked": show_money(ledger.lock(order) if rests else 0),
            "queueAhead": show_qty(sum(ahead)) if rests else None,
            "coveredQty": show_qty(min(free, order.qty)),
        }

    def groups(self, user: int) -> list[Json]:
        """Return a user's order groups, oldest first."""
        return [
            {"id": id, "limit": show_qty(limit), "status": status}
            for id, (owner, limit, status, _) in self.reference.groups().items()
            if owner == user
        ]

    def orders(self, user: int) -> list[Json]:
        """Return all orders of a user, newest first."""
        mine = [o.id for o in self.reference.ledger.orders.values() if o.user == user]
        return [self.order(id) for id in sorted(mine, reverse=True)]

    def fills(self, user: int) -> list[Json]:
        """Return all executions of a user, newest first."""
        rows = []
        for trade in reversed(self.trades):
            for side, id in trade.orders.items():
                order = self.reference.ledger.orders[id]
                if order.user == user:
                    row = {"orderId": id, "marketId": order.market, "side": side}
                    rows.append({**trade.fill(side), **row, "marketSlug": slug(order.market)})
        return rows

    def trades_of(self, market: int) -> list[Json]:
        """Return a market's trades, newest first."""
        return [
            {
                "id": trade.id,
                "buyOrderId": trade.orders["BUY"],
                "sellOrderId": trade.orders["SELL"],
                "marketId": market,
                "price": trade.price,
                "qty": trade.qty,
                "takerSide": trade.taker_side,
            }
            for trade in reversed(self.trades)
            if self._market_of(trade) == market
        ]

    def balance(self, user: int) -> Json:
        """Return a user's cash."""
        available, locked = self.reference.accounts()[user]
        amounts = {"available": available, "locked": locked, "total": available + locked}
        return {name: show_money(amount) for name, amount in amounts.items()}

    def book(self, market: int) -> Json:
        """Return both sides of a book."""
        bids, asks = self.reference.book(market)
        show = {"bids": bids, "asks": asks}
        levels = {
            side: [[show_price(price), show_qty(qty)] for price, qty in rows]
            for side, rows in show.items()
        }
        return {"marketId": market, **levels}

    def market(self, id: int) -> Json:
        """Return a market."""
        known: Market = self.reference.ledger.markets[id]
        _, interest, last, volume = self.reference.markets()[id]
        bids, asks = self.reference.book(id)
        outcome, settlement = self.outcomes.get(id, (None, None))
        return {
            "id": id,
            "slug": slug(id),
            "status": known.status,
            "outcome": outcome,
            "settlementPrice": settlement,
            "tickSize": show_price(known.tick),
            "makerFeeRate": show_price(known.maker_rate),
            "takerFeeRate": show_price(known.taker_rate),
            "closesAt": show_time(known.closes_at),
            "lastPrice": None if last is None else show_price(last),
            "bestBid": show_price(bids[0][0]) if bids else None,
            "bestAsk": show_price(asks[0][0]) if asks else None,
            "volume": show_qty(volume),
            "openInterest": show_qty(interest),
            "eventId": known.event.id,
            "eventSlug": None if known.event.id is None else event_slug(known.event.id),
            "proposal": self._proposal(known),
        }

    def _proposal(self, market: Market) -> Json | None:
        """Return a market's proposal, its own or its event's."""
        standing = self.reference.ledger.proposals
        found = standing.get(("market", market.id))
        if found is None and market.event.id is not None and market.status not in FINAL:
            found = standing.get(("event", market.event.id))
        if found is None:
            return None
        outcome, price = self.proposed[market.id]
        shown = {"outcome": outcome, "settlementPrice": price if outcome == "SCALAR" else None}
        return {**shown, **_stated(found)}

    def event_proposal(self, id: int) -> Json | None:
        """Return an event's proposal."""
        found = self.reference.ledger.proposals.get(("event", id))
        if found is None:
            return None
        outcome, weights = found.resolution["outcome"], found.resolution["weights"]
        shares = {_named(named): show_price(parse_price(share)) for named, share in weights or ()}
        words = outcome if isinstance(outcome, str) else _named(outcome)
        return {"outcome": words, "weights": shares or None, **_stated(found)}

    def positions(self, user: int) -> dict[int, Json]:
        """Return a user's positions by market, without the empty ones."""
        rows = {}
        for (owner, market), position in self.reference.ledger.positions.items():
            if owner == user and (position.yes.count or position.no.count or position.realized):
                rows[market] = self._position(market, position)
        return rows

    def portfolio(self, user: int) -> Json:
        """Return a user's cash and positions together."""
        cash = sum(self.reference.accounts()[user])
        value = cost = realized = 0
        for (owner, market), position in self.reference.ledger.positions.items():
            if owner == user:
                value += self._value(market, position)
                cost += position.yes.cost + position.no.cost
                realized += position.realized
        returned = sum(
            qty for (owner, _), qty in self.reference.returned().items() if owner == user
        )
        amounts = {
            "cash": cash,
            "positionsValue": value - returned * ONE_DOLLAR_PRICE,
            "totalValue": cash + value - returned * ONE_DOLLAR_PRICE,
            "realizedPnl": realized,
            "unrealizedPnl": value - cost,
        }
        return {name: show_money(amount) for name, amount in amounts.items()}

    def _position(self, market: int, position: Position) -> Json:
        mark = self._mark(market)
        cost = position.yes.cost + position.no.cost
        return {
            "marketId": market,
            "marketSlug": slug(market),
            "qtyLong": show_qty(position.yes.count),
            "qtyShort": show_qty(position.no.count),
            "avgPrice": _average_price(position),
            "realizedPnl": show_money(position.realized),
            "unrealizedPnl": show_money(self._value(market, position) - cost),
            "markPrice": None if mark is None else mark / ONE_DOLLAR_PRICE,
        }

    def _mark(self, market: int) -> Fraction | None:
        bids, asks = self.reference.book(market)
        if bids and asks:
            return Fraction(bids[0][0] + asks[0][0], 2)
        last = self.reference.ledger.markets[market].last_price
        return None if last is None else Fraction(last)

    def _value(self, market: int, position: Position) -> int:
        mark = self._mark(market)
        if mark is None:
            return position.yes.cost + position.no.cost
        return floor(position.yes.count * mark + position.no.count * (ONE_DOLLAR_PRICE - mark))

    def _market_of(self, trade: Trade) -> int:
        order: Order = self.reference.ledger.orders[trade.orders["BUY"]]
        return order.market


def _stated(proposal: Proposal) -> Json:
    """Return the fields of a proposal besides its outcome."""
    said = {"note": None, "source": None, "actorId": proposal.actor}
    return {**said, "effectiveAt": show_time(proposal.at)}


def _named(outcome: int) -> str:
    """Return the name of an event's outcome."""
    return "NONE" if outcome == NONE else slug(outcome)


def slug(market: int) -> str:
    """Return the slug that the machine gives a market."""
    return f"market-{market}"


def event_slug(event: int) -> str:
    """Return the slug that the machine gives an event."""
    return f"event-{event}"


def _average(fills: list[Json]) -> str | None:
    """Return the average price of fills."""
    total = sum(Fraction(fill["qty"]) for fill in fills)
    spent = sum(Fraction(fill["qty"]) * Fraction(fill["price"]) for fill in fills)
    return _half_up(Fraction(spent) / total) if total else None


def _average_price(position: Position) -> str | None:
    """Return the average price of the larger side: cost / qty for YES, 1 − cost / qty for NO."""
    yes, no = position.yes, position.no
    if not yes.count and not no.count:
        return None
    one = 10**PRICE_DECIMALS
    if no.count > yes.count:
        return _half_up(1 - Fraction(no.cost, no.count * one))
    return _half_up(Fraction(yes.cost, yes.count * one))
