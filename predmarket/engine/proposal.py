"""A resolution that is proposed: announced, and not made yet.

Invariant: a market or an event has a proposal only while none of its markets can be traded.
"""

from collections.abc import Callable

import msgspec

from predmarket.engine.commands import ResolveEvent, ResolveMarket
from predmarket.units import Micros


class _Proposal(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A proposed resolution. With ``by_two`` an admin other than the proposer has to confirm it,
    at any time; otherwise it is made at ``effective_at``, or earlier if an admin confirms it."""

    effective_at: Micros | None
    by_two: bool

    @property
    def due_at(self) -> Micros | None:
        """Return when it is made by itself, None if it waits for an admin."""
        return None if self.by_two else self.effective_at


class MarketProposal(_Proposal, frozen=True):
    """The proposed resolution of one market: ``resolution`` makes it."""

    resolution: ResolveMarket


class EventProposal(_Proposal, frozen=True):
    """The proposed resolution of an event: ``resolution`` makes it."""

    resolution: ResolveEvent


def encode(proposal: MarketProposal | EventProposal | None) -> str | None:
    """Return the stored form of a proposal; None stays None."""
    return None if proposal is None else _encoder.encode(proposal).decode()


def decode_market(stored: str | None) -> MarketProposal | None:
    """Read a market's stored proposal. Raises msgspec.MsgspecError."""
    return None if stored is None else _of_market(stored)


def decode_event(stored: str | None) -> EventProposal | None:
    """Read an event's stored proposal. Raises msgspec.MsgspecError."""
    return None if stored is None else _of_event(stored)


_encoder = msgspec.json.Encoder()
_of_market: Callable[[str], MarketProposal] = msgspec.json.Decoder(MarketProposal).decode
_of_event: Callable[[str], EventProposal] = msgspec.json.Decoder(EventProposal).decode
