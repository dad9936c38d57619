"""Every action of the screen as a value: the call that it sends, and the equivalent command.

Every action of the screen has a command. Building an action sends nothing; trader.py sends it.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import uuid4

from predmarket.client import calls, response_types
from predmarket.client.calls import Call, NewOrder
from predmarket.enums import MarketStatus, OrderType, Outcome, Role, Side, TimeInForce
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


def create_market(
    slug: str,
    question: str,
    *,
    description: str | None = None,
    tick: str | None = None,
    maker_fee: str | None = None,
    taker_fee: str | None = None,
    closes_at: str | None = None,
    draft: bool = False,
) -> Action[response_types.Market]:
    """Create a market."""
    words = ["market", "create", slug, question]
    for flag, value in (
        ("--description", description),
        ("--tick", tick),
        ("--maker-fee", maker_fee),
        ("--taker-fee", taker_fee),
        ("--closes-at", closes_at),
    ):
        words += [] if value is None else [flag, value]
    call = calls.create_market(
        slug,
        question,
        description=description,
        tick_size=tick,
        maker_fee_rate=maker_fee,
        taker_fee_rate=taker_fee,
        closes_at=closes_at,
        status=MarketStatus.DRAFT if draft else None,
    )
    return Action(call, shell(words + ["--draft"] * draft), f"create {slug}")


_VERBS = {MarketStatus.OPEN: "open", MarketStatus.HALTED: "halt", MarketStatus.CLOSED: "close"}


def change_market(slug: str, status: MarketStatus) -> Action[response_types.Market]:
    """Open, halt or close a market."""
    verb = _VERBS[status]
    return Action(
        calls.update_market(slug, status=status), shell(["market", verb, slug]), f"{verb} {slug}"
    )


def resolve_market(
    slug: str,
    outcome: Outcome,
    price: str | None,
    after: str | None = None,
    note: str | None = None,
    source: str | None = None,
) -> Action[response_types.Resolution]:
    """Resolve or void a market, finally; ``after`` a span it is only proposed."""
    how = price if outcome is Outcome.SCALAR and price is not None else str(outcome)
    words = ["market", "resolve", slug, how]
    for flag, value in (("--after", after), ("--note", note), ("--source", source)):
        words += [] if value is None else [flag, value]
    return Action(
        calls.resolve_market(slug, outcome, price, note=note, source=source, after=after),
        shell(words),
        f"{'resolve' if after is None else 'propose'} {slug} {how}",
    )


def confirm_proposal(slug: str, seen: response_types.Proposal) -> Action[response_types.Resolution]:
    """Make the proposed resolution of a market that was ``seen``, finally."""
    return Action(calls.confirm_proposal(slug, seen), *_of_proposal("market", "confirm", slug))


def confirm_event_proposal(
    slug: str, seen: response_types.EventProposal
) -> Action[response_types.EventResolution]:
    """Make the proposed resolution of an event that was ``seen``, finally."""
    call = calls.confirm_event_proposal(slug, seen)
    return Action(call, *_of_proposal("event", "confirm", slug))


def withdraw_proposal(slug: str) -> Action[response_types.Market]:
    """Withdraw a market's proposed resolution."""
    return Action(calls.withdraw_proposal(slug), *_of_proposal("market", "withdraw", slug))


def withdraw_event_proposal(slug: str) -> Action[response_types.Event]:
    """Withdraw an event's proposed resolution."""
    return Action(calls.withdraw_event_proposal(slug), *_of_proposal("event", "withdraw", slug))


def _of_proposal(kind: str, verb: str, slug: str) -> tuple[str, str]:
    """Return the command and the words of an act on a proposal."""
    return shell([kind, "proposal", verb, slug]), f"{verb} what is proposed for {slug}"


def transfer(who: str, amount: str, reason: str) -> Action[response_types.Transfer]:
    """Deposit to, or with a negative amount withdraw from, an account."""
    command = shell(["transfer", "create", who, amount, "--reason", reason])
    return Action(calls.transfer(who, amount, reason), command, f"transfer {amount} to {who}")


def update_user(
    user: int, email: str, *, role: Role | None = None, disabled: bool | None = None
) -> Action[response_types.User]:
    """Change an account's role, disable or enable it."""
    words = ["user", "update", email]
    words += [] if role is None else ["--role", role.lower()]
    if disabled is not None:
        words.append("--disable" if disabled else "--enable")
    call = calls.update_user(user, role=role, disabled=disabled)
    return Action(call, shell(words), f"update {email}")
