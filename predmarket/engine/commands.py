"""Commands: all inputs of the exchange.

A command is complete: the configuration's defaults are written into it, amounts are integers
(units.py), and its time goes with it. So the journal alone rebuilds every state. The order of the
fields is the journal's format: append fields with a default, never reorder them.
"""

from typing import TypeAlias

import msgspec

from predmarket.engine.metadata import NO_METADATA, Metadata, MetadataChange
from predmarket.enums import (
    CancelReason,
    EventOutcome,
    MarketStatus,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from predmarket.units import Micros, Money, Price, Qty, Rate


class _Command(msgspec.Struct, frozen=True, array_like=True, gc=False, tag_field="op"):
    pass


class OpenAccount(_Command, frozen=True, tag="open-account"):
    """Give a user an account holding the sign-up ``credit``. Repeating it changes nothing."""

    user_id: int
    credit: Money = 0


class Transfer(_Command, frozen=True, tag="transfer"):
    """Deposit ``amount``, or withdraw it if negative. The actor's ``key`` prevents a repeat."""

    user_id: int
    amount: Money
    reason: str
    actor_id: int
    key: str | None = None


class CreateMarket(_Command, frozen=True, tag="create-market"):
    """Create a market that starts as DRAFT or OPEN.

    It exists for the users of ``group_id`` and for admins alone; None: for everybody (sight.py).
    """

    slug: str
    question: str
    description: str
    tick: Price
    maker_rate: Rate
    taker_rate: Rate
    closes_at: Micros | None
    status: MarketStatus
    creator_id: int
    metadata: Metadata = NO_METADATA
    group_id: int | None = None


class UpdateMarket(_Command, frozen=True, tag="update-market"):
    """Change the fields that are not None; ``closes_at`` counts only with ``sets_closes_at``, and
    ``group_id`` only with ``sets_group``.

    ``actor_id`` is 0 in entries that are older than the admin log.
    """

    market_id: int
    status: MarketStatus | None = None
    sets_closes_at: bool = False
    closes_at: Micros | None = None
    question: str | None = None
    description: str | None = None
    actor_id: int = 0
    metadata: MetadataChange | None = None
    sets_group: bool = False
    group_id: int | None = None


class ResolveMarket(_Command, frozen=True, tag="resolve-market"):
    """End a market. ``price`` goes only with SCALAR: a YES share pays it.

    A market of an event can only end as NO: that strikes its outcome. ``actor_id`` as in
    UpdateMarket. ``note`` and ``source`` say why: they are for people.
    """

    market_id: int
    outcome: Outcome
    price: Price | None = None
    actor_id: int = 0
    note: str | None = None
    source: str | None = None


class EventMarket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A market that is created with its event; the event gives it its terms."""

    slug: str
    question: str
    label: str | None = None


class CreateEvent(_Command, frozen=True, tag="create-event"):
    """Create an event with its markets, all of it or nothing. They start as DRAFT or OPEN.

    At most one of the markets resolves YES, exactly one when the event is ``exhaustive``. Tick,
    rates, ``closes_at``, status, creator and group are those of each market. ``series`` names
    events that repeat one question; without it the event is a series of its own.
    """

    slug: str
    title: str
    description: str
    exhaustive: bool
    tick: Price
    maker_rate: Rate
    taker_rate: Rate
    closes_at: Micros | None
    status: MarketStatus
    creator_id: int
    markets: tuple[EventMarket, ...]
    metadata: Metadata = NO_METADATA
    group_id: int | None = None
    series: str | None = None


class UpdateEvent(_Command, frozen=True, tag="update-event"):
    """Change the fields that are not None; ``closes_at`` and ``group_id`` as in UpdateMarket.

    ``status`` (OPEN, HALTED, CLOSED) applies to each market that can change to it.
    """

    event_id: int
    status: MarketStatus | None = None
    sets_closes_at: bool = False
    closes_at: Micros | None = None
    title: str | None = None
    description: str | None = None
    actor_id: int = 0
    metadata: MetadataChange | None = None
    sets_group: bool = False
    group_id: int | None = None
    series: str | None = None


class CreateAll(_Command, frozen=True, tag="create-all"):
    """Create markets, then events with theirs: all of them, in this order, or nothing."""

    markets: tuple[CreateMarket, ...]
    events: tuple[CreateEvent, ...]


class AddMarket(_Command, frozen=True, tag="add-market"):
    """Add a market to an event that is not exhaustive; the event gives it its terms."""

    event_id: int
    slug: str
    question: str
    label: str | None = None
    actor_id: int = 0


class ResolveEvent(_Command, frozen=True, tag="resolve-event"):
    """End an event with all its markets.

    ``market_id`` is the winner; it goes only with WINNER. ``weights`` are pairs of market id (0 for
    NONE) and price; they go only with WEIGHTS. ``note`` and ``source`` as in ResolveMarket.
    """

    event_id: int
    outcome: EventOutcome
    market_id: int | None = None
    weights: tuple[tuple[int, Price], ...] = ()
    actor_id: int = 0
    note: str | None = None
    source: str | None = None

    def ending(self, market_id: int) -> tuple[Outcome, Price | None]:
        """Return how a market of the event ends, with its price for SCALAR."""
        if self.outcome is EventOutcome.VOID:
            return Outcome.VOID, None
        if self.outcome is EventOutcome.WEIGHTS:
            return Outcome.SCALAR, dict(self.weights).get(market_id, 0)
        return (Outcome.YES if market_id == self.market_id else Outcome.NO), None


class ProposeResolution(_Command, frozen=True, tag="propose-resolution"):
    """Announce a resolution that is made later, in place of what was proposed before.

    It is made at ``effective_at``, or when an admin confirms it; with ``by_two`` only when an admin
    confirms it who did not propose it. Until then the market, or the event, is CLOSED.
    """

    resolution: ResolveMarket | ResolveEvent
    effective_at: Micros | None = None
    by_two: bool = False


class ConfirmProposal(_Command, frozen=True, tag="confirm-proposal"):
    """Make the proposed resolution of a market, or else of an event, at once.

    ``expected`` is the one that is meant, as it is stored (proposal.py); another one is refused.
    """

    market_id: int | None
    event_id: int | None
    actor_id: int
    expected: str | None = None


class WithdrawProposal(_Command, frozen=True, tag="withdraw-proposal"):
    """Drop the proposed resolution of a market, or else of an event, which stays CLOSED."""

    market_id: int | None
    event_id: int | None
    actor_id: int


class PlaceOrder(_Command, frozen=True, tag="place"):
    """Place an order. ``market_id`` 0 stands for a market that does not exist.

    ``max_slippage`` is set only for MARKET. ``request`` is the normalised content; a repeat under
    the same client order id must match it. The end of ``connection`` cancels the order; its name is
    its gateway's name, a hyphen, and a number. ``max_open_orders`` bounds the account's open
    orders; None sets no bound. ``order_group_id`` is the order group that the order belongs to.
    An admin sees every market, others those of their ``groups`` (sight.py).
    """

    user_id: int
    market_id: int
    side: Side
    type: OrderType
    price: Price | None
    qty: Qty
    tif: TimeInForce
    expires_at: Micros | None = None
    post_only: bool = False
    reduce_only: bool = False
    max_slippage: Price | None = None
    stp: SelfTradePrevention = SelfTradePrevention.SKIP
    client_order_id: str | None = None
    deadline: Micros | None = None
    request: str | None = None
    as_admin: bool = False
    connection: str | None = None
    max_open_orders: int | None = None
    order_group_id: int | None = None
    groups: tuple[int, ...] = ()


class AmendOrder(_Command, frozen=True, tag="amend"):
    """Change the price or the total quantity of an open order. ``groups`` as in PlaceOrder."""

    user_id: int
    order_id: int
    price: Price | None
    qty: Qty | None
    as_admin: bool = False
    groups: tuple[int, ...] = ()


class CancelOrder(_Command, frozen=True, tag="cancel"):
    """Cancel one open order; an admin may cancel anyone's."""

    user_id: int
    order_id: int
    as_admin: bool = False


class CancelAll(_Command, frozen=True, tag="cancel-all"):
    """Cancel a user's open orders, in one market or event or on one side if given."""

    user_id: int
    market_id: int | None = None
    side: Side | None = None
    reason: CancelReason = CancelReason.USER
    event_id: int | None = None


class Disconnect(_Command, frozen=True, tag="disconnect"):
    """Cancel the orders tied to a connection that ended, or without one, to a whole gateway.

    ``user_id`` is the connection's user, if known; with it, only that user's orders are searched.
    """

    gateway: str
    connection: str | None = None
    user_id: int | None = None


class CreateOrderGroup(_Command, frozen=True, tag="create-order-group"):
    """Make an order group whose orders may fill at most ``limit`` within 15 s."""

    user_id: int
    limit: Qty


class SetOrderGroupLimit(_Command, frozen=True, tag="set-order-group-limit"):
    """Change the limit of a user's own order group."""

    user_id: int
    group_id: int
    limit: Qty


class ResetOrderGroup(_Command, frozen=True, tag="reset-order-group"):
    """Let a user's own order group take orders again, with nothing filled."""

    user_id: int
    group_id: int


class TriggerOrderGroup(_Command, frozen=True, tag="trigger-order-group"):
    """Trip a user's own order group and cancel its open orders."""

    user_id: int
    group_id: int


class DeleteOrderGroup(_Command, frozen=True, tag="delete-order-group"):
    """Cancel the open orders of a user's own order group, and delete it."""

    user_id: int
    group_id: int


class CancelAfter(_Command, frozen=True, tag="cancel-after"):
    """Set the dead-man switch to ``seconds`` from now, replacing an earlier time; 0 disarms it."""

    user_id: int
    seconds: int


class CloseDue(_Command, frozen=True, tag="close-due"):
    """A market's closesAt has come."""

    market_id: int


class ExpiryDue(_Command, frozen=True, tag="expiry-due"):
    """A GTD order's expiresAt has come."""

    order_id: int


class DeadmanDue(_Command, frozen=True, tag="deadman-due"):
    """A user's dead-man switch has run out."""

    user_id: int


class ProposalDue(_Command, frozen=True, tag="proposal-due"):
    """The time has come at which the resolution of a market, or else of an event, is made."""

    market_id: int | None
    event_id: int | None


class TakeStep(_Command, frozen=True, tag="step"):
    """Take the next step of a command that runs in steps (steps.py)."""

    key: str


Command: TypeAlias = (
    OpenAccount
    | Transfer
    | CreateMarket
    | UpdateMarket
    | ResolveMarket
    | CreateEvent
    | CreateAll
    | UpdateEvent
    | AddMarket
    | ResolveEvent
    | ProposeResolution
    | ConfirmProposal
    | WithdrawProposal
    | PlaceOrder
    | AmendOrder
    | CancelOrder
    | CancelAll
    | Disconnect
    | CreateOrderGroup
    | SetOrderGroupLimit
    | ResetOrderGroup
    | TriggerOrderGroup
    | DeleteOrderGroup
    | CancelAfter
    | CloseDue
    | ExpiryDue
    | DeadmanDue
    | ProposalDue
    | TakeStep
)
