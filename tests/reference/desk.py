"""Builders for tests: a small exchange with short ways to command it, and expected rows."""

from __future__ import annotations

from .audit import audit
from .exchange import ReferenceExchange
from .records import Notice
from .units import parse_money, parse_qty, show_money, show_qty

A, B, C = 1, 2, 3


class Desk:
    """A reference exchange with one market and users A, B, C, and short ways to command it."""

    def __init__(self, *, maker_fee: str = "0", taker_fee: str = "0", credit: str = "100") -> None:
        self.exchange = ReferenceExchange()
        for user in (A, B, C):
            self.do("open_account", user=user, credit=credit)
        self.create(maker_fee=maker_fee, taker_fee=taker_fee)

    def do(self, op: str, **fields: object) -> list[Notice]:
        """Apply one command at ``now`` or its own ts, audit, and return its events."""
        events = self.exchange.apply({"op": op, "ts": self.exchange.now, **fields})
        audit(self.exchange)
        return events

    def create(self, **fields: object) -> list[Notice]:
        """Create a market; by default an open one without fees, with tick 0.01."""
        said = {"tick": "0.01", "maker_fee": "0", "taker_fee": "0", "closes_at": None}
        return self.do("create_market", **{**said, "status": "OPEN", **fields})

    def place(
        self, user: int, side: str, qty: str, price: str | None, **fields: object
    ) -> list[Notice]:
        """Place an order in market 1, by default a GTC LIMIT order."""
        said: dict[str, object] = {
            "market": 1,
            "type": "LIMIT" if price is not None else "MARKET",
            "tif": "GTC" if price is not None else "IOC",
            "expires_at": None,
            "post_only": False,
            "reduce_only": False,
            "max_slippage": None if price is not None else "0.10",
            "stp": "SKIP",
            "deadline": None,
        }
        placed = {"user": user, "side": side, "qty": qty, "price": price}
        return self.do("place", **{**said, **placed, **fields})

    def amend(self, user: int, order: int, price: str | None, qty: str | None) -> list[Notice]:
        """Amend an order."""
        return self.do("amend", user=user, order=order, price=price, qty=qty)

    def money(self, user: int) -> tuple[str, str]:
        """Return (available, locked) as the wire shows it."""
        available, locked = self.exchange.accounts()[user]
        return show_money(available), show_money(locked)

    def collateral(self) -> str:
        """Return the collateral of market 1."""
        return show_money(self.exchange.markets()[1][1] * 10_000)


class EventDesk(Desk):
    """A reference exchange with users A, B, C and event 1, whose markets have the ids from 1 on."""

    def __init__(self, markets: int = 3, *, exhaustive: bool = False, credit: str = "100") -> None:
        self.shape = {"markets": markets, "exhaustive": exhaustive}
        super().__init__(credit=credit)

    def create(self, **fields: object) -> list[Notice]:
        """Create the event in place of the market; defaults are as for markets."""
        said = {"tick": "0.01", "maker_fee": "0", "taker_fee": "0", "closes_at": None}
        return self.do("create_event", **{**self.shape, **said, "status": "OPEN", **fields})

    def trade(self, buyer: int, seller: int, market: int, qty: str, price: str) -> None:
        """Place the seller's resting order and the buyer's taking one; no order may be left."""
        self.place(seller, "SELL", qty, price, market=market)
        filled = self.place(buyer, "BUY", qty, price, market=market)
        assert self.exchange.queue(market) == ([], []), filled

    def resolve_event(self, outcome: int | str, weights: object = None) -> list[Notice]:
        """Resolve the event by a winner's id, NONE, VOID, or WEIGHTS."""
        return self.do("resolve_event", event=1, outcome=outcome, weights=weights)

    def strike(self, market: int) -> list[Notice]:
        """Resolve a market of the event NO alone."""
        return self.do("resolve", market=market, outcome="NO", price=None)

    def held(self, user: int) -> dict[int, str]:
        """Return a user's shares of each possible outcome; NONE is 0."""
        held = self.exchange.ledger.events[1].shares_of(user)
        return {outcome: show_qty(count) for outcome, count in held.items()}

    def net(self, user: int, market: int) -> str:
        """Return the user's position in a market, negative if short."""
        shown = self.exchange.ledger.position(user, market)
        return show_qty(shown.yes.count - shown.no.count)

    def realized(self, user: int, market: int) -> str:
        """Return the profit or loss realized in a market."""
        return show_money(self.exchange.ledger.position(user, market).realized)

    def returned(self, user: int) -> str:
        """Return the number of sets already paid out that the user's positions still show."""
        return show_qty(self.exchange.returned().get((user, 1), 0))

    def event_collateral(self) -> str:
        """Return the collateral of the event."""
        return show_money(self.exchange.events()[1][1] * 10_000)

    def totals(self) -> list[str]:
        """Return the total cash of A, B and C."""
        return [show_money(sum(self.exchange.accounts()[user])) for user in (A, B, C)]


def position(
    yes: str, no: str, cost_long: str, cost_short: str, realized: str, *, reserved_no: str = "0"
) -> tuple[int, ...]:
    """Return a row of positions() with no YES reserved."""
    money = (parse_money(cost_long), parse_money(cost_short), parse_money(realized))
    return (parse_qty(yes), parse_qty(no), 0, parse_qty(reserved_no), *money)


def after_example_1() -> Desk:
    """Return a desk where A has 10 YES at 0.60 and B 10 NO."""
    desk = Desk()
    desk.place(A, "BUY", "10", "0.60")
    desk.place(B, "SELL", "10", "0.55")
    return desk


def after_example_2() -> Desk:
    """Return a desk where A has sold 4 of them to C at 0.70."""
    desk = after_example_1()
    desk.place(A, "SELL", "4", "0.70")
    desk.place(C, "BUY", "4", "0.70")
    return desk


def after_example_3() -> Desk:
    """Return a desk where A has sold the rest to B, who keeps 4 NO and an open order for 4."""
    desk = after_example_2()
    desk.place(B, "BUY", "10", "0.50")
    desk.place(A, "SELL", "6", "0.50")
    return desk
