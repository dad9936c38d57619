"""Commands: event list, show, create, update, add-market, open, halt, close, resolve."""

from typing import Annotated

import typer

import predmarket.client as api
from predmarket.cli import (
    arguments,
    complete,
    context,
    event_tables,
    market_layouts,
    outcomes,
    prompt,
    resolution,
)
from predmarket.cli.context import Line
from predmarket.cli.event_tables import Own
from predmarket.cli.failure import usage
from predmarket.cli.paging import show_list
from predmarket.cli.terms import terms
from predmarket.cli.timestamps import moment
from predmarket.client import calls
from predmarket.client.calls import NewMarket
from predmarket.client.response_types import Event
from predmarket.enums import MarketStatus

_NAMED_AT_MOST = 10
"""Markets that a question names."""
Series = Annotated[
    str | None,
    typer.Option("--series", metavar="SLUG", help="The series of events that it belongs to."),
]


def list_events(
    ctx: typer.Context,
    *,
    status: Annotated[
        MarketStatus | None,
        typer.Option("--status", case_sensitive=False, help="Only events that stand so."),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option("--search", metavar="TEXT", help="With this in a name, category or tag."),
    ] = None,
    category: arguments.Category = None,
    tag: arguments.Tags = None,
    source: arguments.Source = None,
    group: arguments.OfGroup = None,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    ids: arguments.Ids = False,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket event list
      predmarket event list --status open --search mayor
      predmarket event list --category politics
      predmarket event list --json | jq -r '.[].slug'

    List events, newest first: with every --tag that is given, and whose source holds --source. SETS
    are complete sets: one share of every outcome each.
    """
    call = calls.events(
        status=status,
        q=search,
        category=category,
        tags=tag,
        source=source,
        group=group,
        limit=limit,
        cursor=cursor,
    )
    show_list(context.of(ctx), event_tables.EVENT, call, everything=everything, ids=ids)


def show(ctx: typer.Context, event: arguments.Event) -> None:
    """Examples:
      predmarket event show next-mayor
      predmarket event show next-mayor -o csv > outcomes.csv
      predmarket event show 1 --json

    Show an event and its outcomes: best bid, best ask, last price, one's position, and what one is
    paid if that outcome comes true. NONE is the outcome that none of the markets does. SUM adds up
    the bids, and the asks; a + says that an outcome without an ask would cost more.
    """
    line = context.of(ctx)
    with line.client() as client:
        shown = client.event(event)
        own = None if line.options.output.startswith("json") else _own(line, client, shown)
    event_tables.write(line, shown, own)


def _own(line: Line, client: "api.Client", event: Event) -> Own | None:
    """Return what the user holds in ``event``, None if nobody is logged in."""
    try:
        held = [*client.follow(calls.positions())]
        holdings = [*client.follow(calls.event_holdings())]
    except api.ApiError as error:
        if error.status not in (401, 403):
            raise
        line.output.note(f"without your position: {error.message}")
        return None
    holding = next((one for one in holdings if one["eventId"] == event["id"]), None)
    return Own({one["marketId"]: one for one in held}, holding)


def create(
    ctx: typer.Context,
    slug: arguments.NewSlug,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="What it asks.")],
    *,
    market: Annotated[
        list[str] | None,
        typer.Option(
            "--market", metavar="SLUG=QUESTION", help="An outcome; given once for each market."
        ),
    ] = None,
    file: Annotated[
        str | None,
        typer.Option(
            "--file", metavar="F", help="Outcomes: JSON, lines of JSON, or CSV; - is stdin."
        ),
    ] = None,
    exhaustive: Annotated[
        bool, typer.Option("--exhaustive", help="Exactly one market resolves YES, not at most one.")
    ] = False,
    series: Series = None,
    description: arguments.Description = None,
    closes_at: arguments.ClosesAt = None,
    tick: arguments.TickSize = None,
    maker_fee: arguments.MakerFee = None,
    taker_fee: arguments.TakerFee = None,
    draft: arguments.Draft = False,
    category: arguments.Category = None,
    tag: arguments.Tags = None,
    source: arguments.Source = None,
    group: arguments.ForGroup = None,
) -> None:
    """Examples:
      predmarket event create vote "Who wins?" --market ann="Ann?" --market bob="Bob?"
      predmarket event create june-rain "How much rain in June?" --exhaustive --file bands.csv
      printf 'slug,label,question\\nann,Ann,Ann?\\n' | predmarket event create vote Vote --file -

    Create an event with 2 to 200 markets, all of it or nothing (admins). At most one of them
    resolves YES, or exactly one if it is exhaustive; an exhaustive event takes no markets later.

    A file has the fields slug, question and, if wanted, label, which is what the outcome is called
    within the event. CSV has them in its first line. The markets of the file come first.
    """
    line = context.of(ctx)
    markets = outcomes.new_markets(market or [], file)
    if not markets:
        raise usage("give the markets: --market SLUG=QUESTION for each, or --file F")
    given = terms(
        line, description=description, tick=tick, maker_fee=maker_fee, taker_fee=taker_fee,
        closes_at=closes_at, draft=draft, category=category, tag=tag, source=source, group=group,
    )  # fmt: skip
    with line.client() as client:
        event = client.create_event(
            slug, title, markets, exhaustive=exhaustive or None, series=series, **given
        )
    event_tables.write(line, event)


def update(
    ctx: typer.Context,
    event: arguments.Event,
    *,
    title: Annotated[
        str | None, typer.Option("--title", metavar="TEXT", help="What it asks.")
    ] = None,
    description: arguments.Description = None,
    closes_at: arguments.ClosesAt = None,
    category: arguments.Category = None,
    tag: arguments.Tags = None,
    source: arguments.Source = None,
    group: arguments.NewGroup = None,
    series: Series = None,
) -> None:
    """Examples:
      predmarket event update next-mayor --closes-at 2030-01-31T12:00:00Z
      predmarket event update next-mayor --category politics --tag mayor
      predmarket event update next-mayor --description "As the council announces it."

    Change an event's texts, series, when its markets close, or the group that it is for (admins).
    Tags replace the former ones; an empty category, tag, source or group removes what was there,
    and with an empty series the event is one of its own.
    """
    arguments.one_of(
        title=title,
        description=description,
        closes_at=closes_at,
        category=category,
        tag=tag,
        source=source,
        group=group,
        series=series,
    )
    line = context.of(ctx)
    closing = moment(line, closes_at, "--closes-at")
    with line.client() as client:
        changed = client.update_event(
            event,
            title=title,
            description=description,
            closes_at=closing,
            category=category,
            tags=arguments.tags(tag),
            source=source,
            group=group,
            series=series,
        )
    event_tables.write(line, changed)


def add_market(
    ctx: typer.Context,
    event: arguments.Event,
    slug: arguments.NewSlug,
    question: arguments.Question,
    *,
    label: Annotated[
        str | None,
        typer.Option("--label", metavar="TEXT", help="What it is called within the event."),
    ] = None,
) -> None:
    """Examples:
      predmarket event add-market next-mayor mayor-cleo "Will it be Cleo?" --label Cleo

    Add a market to an event that is not exhaustive (admins). Whoever holds NONE holds as much of
    the new outcome. It takes the event's tick, fees, status and closing time.
    """
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(
            market_layouts.MARKET, client.add_market(event, NewMarket(slug, question, label))
        )


def open_event(ctx: typer.Context, event: arguments.Event) -> None:
    """Examples:
      predmarket event open next-mayor

    Open all markets of an event that are drafts, halted or closed (admins).
    """
    _change(context.of(ctx), event, MarketStatus.OPEN)


def halt(ctx: typer.Context, event: arguments.Event) -> None:
    """Examples:
      predmarket event halt next-mayor

    Halt trading in all markets of an event (admins). Orders keep their place and may be cancelled.
    """
    _change(context.of(ctx), event, MarketStatus.HALTED)


def close(ctx: typer.Context, event: arguments.Event) -> None:
    """Examples:
      predmarket event close next-mayor
      predmarket event close next-mayor --yes

    Close all markets of an event (admins). Everybody's resting orders in them are cancelled, for
    good: opening the event again brings none of them back. To only stop trading: event halt.
    """
    line = context.of(ctx)
    if not line.options.yes:
        with line.client() as client:
            shown = client.event(event)
        prompt.confirm(line, f"Close the event {shown['slug']}? {_canceled_by_closing(shown)}")
    _change(line, event, MarketStatus.CLOSED)


def _canceled_by_closing(event: Event) -> str:
    traded = [
        one["slug"]
        for one in event["markets"]
        if one["bestBid"] is not None or one["bestAsk"] is not None
    ]
    if not traded:
        return f"No order rests in its {event['marketCount']} markets."
    more = len(traded) - _NAMED_AT_MOST
    names = ", ".join(traded[:_NAMED_AT_MOST]) + (f" and {more} more" if more > 0 else "")
    return f"It cancels the resting orders of all users, in {names}."


def resolve(
    ctx: typer.Context,
    event: arguments.Event,
    outcome: Annotated[
        str,
        typer.Argument(
            metavar="M|NONE|VOID|M=PRICE,M=PRICE",
            help="How it ends: the market that wins, NONE, VOID, or what shares of each pay.",
            autocompletion=complete.outcomes,
        ),
    ],
    *,
    after: resolution.After = None,
    note: resolution.Note = None,
    source: resolution.Source = None,
) -> None:
    """Examples:
      predmarket event resolve next-mayor mayor-ada
      predmarket event resolve next-mayor mayor-ada=0.5,mayor-bert=0.5 --yes
      predmarket event resolve next-mayor NONE
      predmarket event resolve next-mayor VOID
      predmarket event resolve next-mayor mayor-ada --after 24h --note "All votes are counted."

    Resolve an event with all its markets, or void it, which undoes its trades (admins). This is
    final. With --after it is proposed: trading ends, and nothing is paid before it happens by
    itself. Until then: event proposal confirm or withdraw, or another proposal in its place.
    NONE: none of its markets came true. Prices are for a tie: what a share of each outcome
    pays; they add up to 1, an outcome that is not named pays nothing, and NONE may have a part.

    To take out one outcome, while the event goes on: market resolve M NO.
    """
    line = context.of(ctx)
    ending = outcomes.ending(outcome)
    after = resolution.checked(after)
    with line.client() as client:
        shown = client.event(event)
        outcomes.require_markets(shown, ending)
    resolution.ask(line, outcomes.question(shown, ending), after)
    resolution.ask_again(line, shown, after)
    with line.client() as client:
        made = client.resolve_event(
            event,
            ending.outcome,
            weights=ending.weights,
            note=note,
            source=source,
            after=after,
        )
    resolution.show_event(line, made)


def _change(line: Line, event: str, status: MarketStatus) -> None:
    with line.client() as client:
        event_tables.write(line, client.update_event(event, status=status))
