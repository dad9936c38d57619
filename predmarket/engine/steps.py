"""Commands that run in steps: records of the work that each of them has left.

A long command handles at most ``STEP`` orders or positions at once. A record under a key holds the
rest of the work. The store keeps it with the batch, and the core journals a ``TakeStep`` for each
further step. So other markets trade in between, and after a takeover the next core continues.

Invariants:
- a key stands for a market, an event, an account, a connection or a gateway; a command that waits
  for a key (waits.py) is not applied while the key is held;
- the rest of the work follows from the state and the record alone, also after a restart.

Source: docs/market_rules.md, Bounds.
"""

from typing import TypeAlias

import msgspec

from predmarket.enums import CancelReason, Side
from predmarket.units import Micros, Price

STEP = 1_000
"""The most orders and positions that one step handles. Journaled steps depend on it: a change of it
needs a new version of the rules (journal.py)."""

LOOKED_AT = 50
"""Accounts that a step examines for each position that it may settle; most have no position."""

Key: TypeAlias = str


def market_key(market_id: int) -> Key:
    """Return the key that commands for a market wait for."""
    return f"market/{market_id}"


def event_key(event_id: int) -> Key:
    """Return the key that commands for an event and for its markets wait for."""
    return f"event/{event_id}"


def group_key(user_id: int) -> Key:
    """Return the key that an account's commands wait for while its groups' orders end."""
    return f"groups/{user_id}"


def account_key(user_id: int) -> Key:
    """Return the key that commands for an account wait for."""
    return f"account/{user_id}"


class _Steps(msgspec.Struct, array_like=True, tag_field="kind"):
    pass


class OfMarket(_Steps):
    """Steps that hold a market."""

    market_id: int

    @property
    def key(self) -> Key:
        """Return the market's key."""
        return market_key(self.market_id)


class SweepSteps(OfMarket, tag="sweep"):
    """An incoming order on its way through the book.

    ``limit`` is its price or its collar; the order's row does not hold the collar. ``began`` is the
    time of its first step and of all its trades.
    """

    order_id: int
    limit: Price
    began: Micros


class MarketSteps(OfMarket, tag="market"):
    """A closing of a market, or its resolution if the market is ``ending``.

    The positions of all users up to the id ``after`` are settled.
    """

    after: int = 0


class EventSteps(_Steps, tag="event"):
    """Steps that hold an event with all of its markets.

    It is a resolution if the event is ``ending``, otherwise the striking of ``market_id`` if given,
    otherwise a closing. The holdings of all users up to the id ``after`` are settled; ``settling``
    tells that no order is left to cancel.
    """

    event_id: int
    market_id: int | None = None
    settling: bool = False
    after: int = 0

    @property
    def key(self) -> Key:
        """Return the event's key."""
        return event_key(self.event_id)


class CancelSteps(_Steps, tag="cancel"):
    """A cancel-all or a dead-man switch."""

    user_id: int
    market_id: int | None
    side: Side | None
    reason: CancelReason
    event_id: int | None = None

    @property
    def key(self) -> Key:
        """Return the account's key."""
        return account_key(self.user_id)


class DisconnectSteps(_Steps, tag="disconnect"):
    """The end of a connection (of one user's, if given) or of a gateway."""

    gateway: str
    connection: str | None
    user_id: int | None

    @property
    def key(self) -> Key:
        """Return the key of the connection or the gateway."""
        if self.connection is None:
            return f"gateway/{self.gateway}"
        whose = "" if self.user_id is None else f"/{self.user_id}"
        return f"connection/{self.connection}{whose}"


class TrippedGroup(msgspec.Struct, array_like=True):
    """An order group whose open orders are left to cancel, once a sweep of a market has ended.

    ``after_market`` is 0 without such a sweep; a group that is ``deleting`` is gone afterwards.
    """

    group_id: int
    after_market: int
    deleting: bool


class GroupSteps(_Steps, tag="groups"):
    """The end of the open orders of an account's groups, one group after the other."""

    user_id: int
    groups: list[TrippedGroup]

    @property
    def key(self) -> Key:
        """Return the key of the account's groups."""
        return group_key(self.user_id)


Steps: TypeAlias = (
    SweepSteps | MarketSteps | EventSteps | CancelSteps | DisconnectSteps | GroupSteps
)
Unfinished: TypeAlias = dict[Key, Steps]
"""The records by key; the first one is next in turn."""


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(list[Steps])


def encode(unfinished: Unfinished) -> str:
    """Return the stored form of the records."""
    return _encoder.encode(list(unfinished.values())).decode()


def decode(stored: str) -> Unfinished:
    """Read stored records. Raises msgspec.MsgspecError."""
    return {steps.key: steps for steps in _decoder.decode(stored)}
