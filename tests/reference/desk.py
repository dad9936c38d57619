"""Builders for tests: a small exchange with short ways to command it, and expected rows."""

from __future__ import annotations

from .audit import audit
from .exchange import ReferenceExchange
from .records import Event
from .units import parse_money, parse_qty, show_money

A, B, C = 1, 2, 3


class Desk:
    """A reference exchange with one market and users A, B, C, and short ways to command it."""

    def __init__(self, *, maker_fee: str = "0", taker_fee: str = "0", credit: str = "100") -> None:
        self.exchange = ReferenceExchange()
        for user in (A, B, C):
            self.do("open_account", user=user, credit=credit)
        self.create(maker_fee=maker_fee, taker_fee=taker_fee)

    def do(self, op: str, **fields: object) -> list[Event]:
        """Apply one command, now unless the fields hold another ts, audit, return its events."""
        events = self.exchange.apply({"op": op, "ts": self.exchange.now, **fields})
        audit(self.exchange)
        return events

    def create(self, **fields: object) -> list[Event]:
        """Create a market; what is not said is a free, open one with tick 0.01."""
        said = {"tick": "0.01", "maker_fee": "0", "taker_fee": "0", "closes_at": None}
        return self.do("create_market", **{**said, "status": "OPEN", **fields})

    def place(
        self, user: int, side: str, qty: str, price: str | None, **fields: object
    ) -> list[Event]:
        """Place an order in market 1; a LIMIT GTC order unless told otherwise."""
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

    def amend(self, user: int, order: int, price: str | None, qty: str | None) -> list[Event]:
        """Amend an order."""
        return self.do("amend", user=user, order=order, price=price, qty=qty)

    def money(self, user: int) -> tuple[str, str]:
        """Return (available, locked) as the wire shows it."""
        available, locked = self.exchange.accounts()[user]
        return show_money(available), show_money(locked)

    def collateral(self) -> str:
        """Return the collateral of market 1."""
        return show_money(self.exchange.markets()[1][1] * 10_000)


def position(
    yes: str, no: str, cost_long: str, cost_short: str, realized: str, *, reserved_no: str = "0"
) -> tuple[int, ...]:
    """Return a row of positions() with no YES reserved."""
    money = (parse_money(cost_long), parse_money(cost_short), parse_money(realized))
    return (parse_qty(yes), parse_qty(no), 0, parse_qty(reserved_no), *money)


def after_example_1() -> Desk:
    """A has 10 YES at 0.60, B 10 NO."""
    desk = Desk()
    desk.place(A, "BUY", "10", "0.60")
    desk.place(B, "SELL", "10", "0.55")
    return desk


def after_example_2() -> Desk:
    """A has sold 4 of them to C at 0.70."""
    desk = after_example_1()
    desk.place(A, "SELL", "4", "0.70")
    desk.place(C, "BUY", "4", "0.70")
    return desk


def after_example_3() -> Desk:
    """A has sold the rest to B, who keeps 4 NO and an open order for 4."""
    desk = after_example_2()
    desk.place(B, "BUY", "10", "0.50")
    desk.place(A, "SELL", "6", "0.50")
    return desk
