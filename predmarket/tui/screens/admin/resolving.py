"""The forms in which an admin resolves a market, and confirms or withdraws what is proposed."""

from typing import NamedTuple

from predmarket.enums import Outcome
from predmarket.spans import is_span, parse_span
from predmarket.tui.screens.form import Field, FormDialog
from predmarket.tui.state import formatting
from predmarket.tui.state.events import Event
from predmarket.tui.state.markets import Market
from predmarket.units import Micros

_FIELDS = (
    Field("outcome", "Outcome", words=[*Outcome]),
    Field("price", "YES pays", hint="with SCALAR: 0 to 1"),
    Field("after", "After", hint="24h: proposed; empty: at once"),
    Field("note", "Note", hint="why; everybody sees it"),
    Field("source", "Source", hint="an address"),
)


class Resolving(NamedTuple):
    """What the form returned. Without ``after`` the market is resolved at once."""

    outcome: Outcome
    price: str | None
    after: str | None
    note: str | None
    source: str | None


def form(market: Market) -> FormDialog:
    """Return the form that resolves a market, or proposes to."""
    text = (
        f"{market.question}\n\nThis is final: positions are paid out; VOID undoes all trades."
        " After a span instead it is only proposed: trading ends, and everybody sees it."
    )
    return FormDialog(
        f"Resolve {market.slug}",
        _FIELDS,
        text=text,
        confirm=market.slug,
        act="Resolve",
        check=_wrong,
    )


def _wrong(values: dict[str, str]) -> str:
    after = values["after"]
    if after and not (is_span(after) and parse_span(after)):
        return "after takes a span such as 90m, 24h or 2d"
    return ""


def read(values: dict[str, str]) -> Resolving:
    """Return what the form says."""
    outcome = Outcome(values["outcome"])
    return Resolving(
        outcome,
        values["price"] if outcome is Outcome.SCALAR else None,
        values["after"] or None,
        values["note"] or None,
        values["source"] or None,
    )


def early(market: Market, now: Micros) -> FormDialog | None:
    """Return the second question before a market is resolved whose closing time lies ahead."""
    if market.closes_at is None or market.closes_at <= now:
        return None
    ahead = formatting.span(market.closes_at - now)
    text = f"{market.slug} closes only in {ahead}. Resolve it all the same?"
    return FormDialog("Before its time", (), text=text, act="Resolve it")


def confirming(what: Market | Event, now: Micros) -> FormDialog:
    """Return the form that makes a proposed resolution, after the name was typed."""
    proposal = what.proposal
    assert proposal is not None  # the caller has looked
    text = f"{what.title}\n\n{proposal.words}\n\nIt happens {proposal.when(now)}. This is final."
    return FormDialog(f"Confirm {what.slug}", (), text=text, confirm=what.slug, act="Resolve")


def withdrawing(what: Market | Event) -> FormDialog:
    """Return the question before a proposal is withdrawn."""
    proposal = what.proposal
    assert proposal is not None  # the caller has looked
    text = f"{proposal.words}\n\nIt stays closed until it is opened."
    return FormDialog(f"Withdraw {what.slug}", (), text=text, act="Withdraw it")
