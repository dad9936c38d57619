"""Every action of the screen as a value: the call that it sends, and the equivalent command.

Every action of the screen has a command; admin_actions.py has those of admins. Building an action
sends nothing; trader.py sends it.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import uuid4

from predmarket.client import calls, response_types
from predmarket.client.calls import Call, NewOrder
from predmarket.enums import OrderType, Side, TimeInForce
from predmarket.tui.state import formatting
from predmarket.units import Price, Qty, format_price, format_qty

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Action(Generic[T]):
    """``words`` describe the action: "BUY 10 @ 0.60". ``guarded``: only on live data, in ARM, while
    ``market``, the open one by default, takes orders.
    """

    call: Call[T]
    command: str
    words: str
    guarded: bool = False
    market: int | None = None


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """An action was carried out; some answer nothing."""

    answer: T


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An entered order. ``slippage`` belongs to MARKET, ``expires_at`` to GTD; ``name`` is what the
    market is called where several are traded.
    """

    market: int
    slug: str
    side: Side
    qty: Qty
    price: Price | None = None
    type: OrderType = OrderType.LIMIT
    tif: TimeInForce | None = None
    expires_at: str | None = None
    post_only: bool = False
    reduce_only: bool = False
    slippage: Price | None = None
    name: str = ""

    @property
    def words(self) -> str:
        """Return the order in a few words."""
        at = "at market" if self.price is None else f"@ {formatting.price(self.price)}"
        named = f" {self.name}" if self.name else ""
        return f"{self.side} {formatting.qty(self.qty)}{named} {at}"

    @property
    def command(self) -> str:
        """Return the command that places the order."""
        words = ["order", "place", self.slug, self.side.lower(), formatting.qty(self.qty)]
        if self.type is OrderType.MARKET:
            words.append("--market")
        else:
            words += ["--price", formatting.price(self.price)]
        if self.slippage is not None:
            words += ["--slippage", formatting.price(self.slippage)]
        if self.expires_at is not None:
            words += ["--expires", self.expires_at]
        elif self.tif is not None:
            words += ["--tif", self.tif.lower()]
        words += ["--post-only"] * self.post_only + ["--reduce-only"] * self.reduce_only
        return shell(words)

    def order(self, client_order_id: str | None = None, deadline: str | None = None) -> NewOrder:
        """Return the order in the client's form."""
        return NewOrder(
            market=self.market,
            side=self.side,
            qty=format_qty(self.qty),
            price=None if self.price is None else format_price(self.price),
            type=self.type,
            time_in_force=self.tif,
            expires_at=self.expires_at,
            post_only=self.post_only or None,
            reduce_only=self.reduce_only or None,
            max_slippage=None if self.slippage is None else format_price(self.slippage),
            client_order_id=client_order_id,
            deadline=deadline,
        )


def shell(words: Sequence[str]) -> str:
    """Return a command line for pasting."""
    return shlex.join(["predmarket", *words])


def place(
    ticket: Ticket, order_id: str | None = None, deadline: str | None = None
) -> Action[response_types.Order]:
    """Place an order with a client order id, so that a repeat after a lost answer places nothing.

    Without ``order_id`` a new id is made. After ``deadline``, in the exchange's time, the exchange
    refuses the order.
    """
    call = calls.place_order(ticket.order(order_id or uuid4().hex, deadline))
    return Action(call, ticket.command, ticket.words, guarded=True, market=ticket.market)


def preview(ticket: Ticket) -> Action[response_types.Preview]:
    """Preview an order."""
    return Action(
        calls.preview_order(ticket.order()),
        f"{ticket.command} --preview",
        f"preview {ticket.words}",
    )


def cancel(order: int) -> Action[response_types.Order]:
    """Cancel an order."""
    return Action(
        calls.cancel_order(order), shell(["order", "cancel", str(order)]), f"cancel order {order}"
    )


def cancel_side(market: int, slug: str, side: Side) -> Action[response_types.Canceled]:
    """Cancel a side of a market."""
    command = shell(["order", "cancel-all", "--market", slug, "--side", side.lower()])
    return Action(calls.cancel_all(market=market, side=side), command, f"cancel all {side}")


def cancel_event(event: int, slug: str) -> Action[response_types.Canceled]:
    """Cancel all open orders of an event."""
    command = shell(["order", "cancel-all", "--event", slug])
    return Action(calls.cancel_all(event=event), command, f"cancel all in {slug}")


def cancel_everything() -> Action[response_types.Canceled]:
    """Cancel all open orders in all markets."""
    return Action(calls.cancel_all(), shell(["order", "cancel-all"]), "CANCEL ALL")


def amend(
    order: int, price: Price | None, qty: Qty | None, market: int | None = None
) -> Action[response_types.Order]:
    """Change an order's price, or its total quantity."""
    words = ["order", "amend", str(order)]
    words += [] if price is None else ["--price", formatting.price(price)]
    words += [] if qty is None else ["--qty", formatting.qty(qty)]
    call = calls.amend_order(
        order,
        price=None if price is None else format_price(price),
        qty=None if qty is None else format_qty(qty),
    )
    return Action(call, shell(words), f"amend order {order}", guarded=True, market=market)
