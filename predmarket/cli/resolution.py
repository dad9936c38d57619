"""Commands: market and event proposal confirm, withdraw; and what every resolution shares."""

import shlex
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, TypeAlias

import typer

from predmarket.cli import arguments, context, event_tables, layouts, market_layouts, prompt
from predmarket.cli.context import Line
from predmarket.cli.failure import usage
from predmarket.cli.grid import cell
from predmarket.cli.timestamps import exchange_time
from predmarket.client.response_types import (
    Event,
    EventProposal,
    EventResolution,
    Market,
    Proposal,
    Resolution,
)
from predmarket.spans import is_span, parse_span

After: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--after", metavar="SPAN", help="Propose it: it happens after this span, such as 24h."
    ),
]
Note: TypeAlias = Annotated[
    str | None, typer.Option("--note", metavar="TEXT", help="Why; everybody sees it.")
]
Source: TypeAlias = Annotated[
    str | None, typer.Option("--source", metavar="URL", help="What it is based on.")
]


def checked(after: str | None) -> str | None:
    """Return the span if it is one. Raises Failure."""
    if after is not None and not (is_span(after) and parse_span(after)):
        raise usage(f"--after takes a span such as 90m, 24h or 2d, not {after or 'nothing'}")
    return after


def ask(line: Line, question: str, after: str | None) -> None:
    """Ask before a resolution is made, or proposed. Raises Failure."""
    last = "This is final."
    if after is not None:
        last = f"Trading ends now, and this happens in {after}."
    prompt.confirm(line, f"{question} {last}")


def ask_again(line: Line, what: Market | Event, after: str | None) -> None:
    """Ask once more before a resolution is made whose closing time lies ahead. Raises Failure."""
    closes_at = what["closesAt"]
    if after is not None or closes_at is None or line.options.yes:
        return
    if datetime.fromisoformat(closes_at) > exchange_time(line):
        prompt.confirm(
            line, f"{what['slug']} closes only at {cell(closes_at)}. Do it all the same?"
        )


def show_market(line: Line, resolution: Resolution) -> None:
    """Write what became of a market."""
    market = resolution["market"]
    proposal = market.get("proposal")
    brief: dict[str, object] = {"slug": market["slug"], "status": market["status"]}
    if proposal is None:
        brief |= {name: market[name] for name in ("outcome", "settlementPrice")}
        brief["payouts"] = resolution["payouts"]
    else:
        brief |= _lines(proposal)
        _say_what_next(line, "market", market["slug"], proposal)
    grids = layouts.ANY.grids(brief, brief=False)
    line.output.show(resolution, [resolution], market_layouts.RESOLUTION.fields, lambda: grids)


def show_event(line: Line, resolution: EventResolution) -> None:
    """Write what became of an event."""
    event = resolution["event"]
    proposal = event.get("proposal")
    brief: dict[str, object] = {"slug": event["slug"], "status": event["status"]}
    if proposal is None:
        brief |= {"outcome": event["outcome"], "payouts": resolution["payouts"]}
    else:
        brief |= _lines(proposal)
        _say_what_next(line, "event", event["slug"], proposal)
    grids = layouts.ANY.grids(brief, brief=False)
    line.output.show(resolution, [resolution], ("event", "payouts"), lambda: grids)


def _lines(proposal: Proposal | EventProposal) -> Mapping[str, object]:
    return {
        "proposed": market_layouts.proposed(proposal),
        "note": proposal["note"],
        "source": proposal["source"],
        "by": f"user {proposal['actorId']}",
        "effectiveAt": proposal["effectiveAt"],
    }


def _say_what_next(line: Line, kind: str, slug: str, proposal: Proposal | EventProposal) -> None:
    command = line.spelled(f"{kind} proposal confirm {shlex.quote(slug)}")
    if proposal["effectiveAt"] is None:
        line.output.note(f"proposed; another admin has to confirm it: {command}")
    else:
        line.output.note(f"proposed; nothing is paid before. To make it now: {command}")


def _proposal_question(what: str, proposal: Proposal | EventProposal) -> str:
    why = [f"Note: {proposal['note']}"] if proposal["note"] else []
    why += [f"Source: {proposal['source']}"] if proposal["source"] else []
    said = " ".join([f"proposed by user {proposal['actorId']}.", *why])
    return f"Resolve {what} as {market_layouts.proposed(proposal)}, {said} This is final: go on?"


def confirm(ctx: typer.Context, market: arguments.Market) -> None:
    """Examples:
      predmarket market proposal confirm rain-monday
      predmarket market proposal confirm rain-monday --yes

    Make a market's proposed resolution now (admins). This is final. Where two admins resolve, it
    takes another one than the proposer.
    """
    line = context.of(ctx)
    with line.client() as client:
        proposal = client.market(market).get("proposal")
    if proposal is not None:
        prompt.confirm(line, _proposal_question(market, proposal))
    with line.client() as client:
        show_market(line, client.confirm_proposal(market, proposal))


def withdraw(ctx: typer.Context, market: arguments.Market) -> None:
    """Examples:
      predmarket market proposal withdraw rain-monday

    Withdraw a market's proposed resolution (admins). The market stays closed until it is opened.
    """
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(market_layouts.MARKET, client.withdraw_proposal(market))


def confirm_event(ctx: typer.Context, event: arguments.Event) -> None:
    """Examples:
      predmarket event proposal confirm next-mayor
      predmarket event proposal confirm next-mayor --yes

    Make an event's proposed resolution now (admins). This is final. Where two admins resolve, it
    takes another one than the proposer.
    """
    line = context.of(ctx)
    with line.client() as client:
        proposal = client.event(event).get("proposal")
    if proposal is not None:
        prompt.confirm(line, _proposal_question(f"the event {event}", proposal))
    with line.client() as client:
        show_event(line, client.confirm_event_proposal(event, proposal))


def withdraw_event(ctx: typer.Context, event: arguments.Event) -> None:
    """Examples:
      predmarket event proposal withdraw next-mayor

    Withdraw an event's proposed resolution (admins). Its markets stay closed until it is opened.
    """
    line = context.of(ctx)
    with line.client() as client:
        event_tables.write(line, client.withdraw_event_proposal(event))
