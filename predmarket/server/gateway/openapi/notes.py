"""A route's notes for the document: its errors and its further answers.

A route carries its notes in Litestar's ``opt``:

    @post("/{id:str}/cancel", opt=notes(E.ORDER_NOT_FOUND, E.ORDER_NOT_OPEN, *COMMAND))

The document adds what follows from the guards, the parameters and the body (document.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from predmarket.enums import ErrorCode as E

KEY = "notes"

COMMAND: tuple[E, ...] = (E.OVERLOADED, E.OUTCOME_UNKNOWN)
"""Errors of every command that goes to the core."""

ORDER: tuple[E, ...] = (
    E.MARKET_NOT_FOUND,
    E.MARKET_NOT_OPEN,
    E.DUPLICATE_CLIENT_ORDER_ID,
    E.INSUFFICIENT_FUNDS,
    E.PRICE_OFF_TICK,
    E.POST_ONLY_WOULD_CROSS,
    E.FOK_NOT_FILLABLE,
    E.NO_LIQUIDITY,
    E.NOTHING_TO_REDUCE,
    E.TOO_MANY_OPEN_ORDERS,
    E.ORDER_GROUP_NOT_FOUND,
    E.GROUP_TRIPPED,
    E.DEADLINE_PASSED,
)
"""Reasons for which the core refuses an order."""


@dataclass(frozen=True, slots=True)
class Notes:
    """A route's notes. ``answers`` have the main answer's content, under other statuses."""

    errors: tuple[E, ...] = ()
    answers: Mapping[int, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    media: str = "application/json"


def notes(
    *errors: E,
    answers: Mapping[int, str] | None = None,
    headers: Mapping[str, str] | None = None,
    media: str = "application/json",
) -> dict[str, Notes]:
    """Return a route's ``opt``.

    ``errors`` are the codes of its own rules. ``answers`` are further statuses with the main
    answer's content, each with its condition. ``headers`` are the request headers that the route
    reads, each with its description. ``media`` is the type of its answer.
    """
    return {KEY: Notes(errors, answers or {}, headers or {}, media)}
