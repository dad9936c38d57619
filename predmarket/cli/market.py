"""Commands: market list, show, create, update, open, halt, close, resolve."""

import re
from typing import Annotated

import typer

from predmarket import units
from predmarket.cli import arguments, complete, context, market_layouts, prompt, resolution
from predmarket.cli.context import Line
from predmarket.cli.failure import Failure, usage
from predmarket.cli.numbers import SETTLEMENT, number
from predmarket.cli.paging import show_list
from predmarket.cli.terms import like as terms_like
from predmarket.cli.terms import terms
from predmarket.cli.timestamps import moment
from predmarket.client import calls
from predmarket.client.response_types import Book, Event, Market
from predmarket.enums import MarketStatus, Outcome
from predmarket.exit_codes import ExitCode
from predmarket.nearest import guess

_LEAST_OUTCOMES = 2
_ENDINGS = (Outcome.YES, Outcome.NO, Outcome.VOID)


def list_markets(
    ctx: typer.Context,
    *,
    status: Annotated[
        MarketStatus | None,
        typer.Option("--status", case_sensitive=False, help="Only markets that stand so."),
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
    offset: Annotated[
        int | None, typer.Option("--offset", min=0, help="Leave out this many at the start.")
    ] = None,
    cursor: arguments.Cursor = None,
    ids: arguments.Ids = False,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket market list
      predmarket market list --status open --search rain
      predmarket market list --category weather --tag oslo
      predmarket market list --json | jq -r '.[].slug'

    List markets: with every --tag that is given, and whose source holds --source.
    """
    call = calls.markets(
        status=status,
        q=search,
        category=category,
        tags=tag,
        source=source,
        group=group,
        limit=limit,
        offset=offset,
        cursor=cursor,
    )
    show_list(context.of(ctx), market_layouts.MARKET, call, everything=everything, ids=ids)


def show(ctx: typer.Context, market: arguments.Market) -> None:
    """Examples:
      predmarket market show will-it-rain-tomorrow
      predmarket market show 1 --json

    Show one market.
    """
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(market_layouts.MARKET, client.market(market))


def create(
    ctx: typer.Context,
    slug: arguments.NewSlug,
    question: arguments.Question,
    *,
    description: arguments.Description = None,
    tick: arguments.TickSize = None,
    maker_fee: arguments.MakerFee = None,
    taker_fee: arguments.TakerFee = None,
    closes_at: arguments.ClosesAt = None,
    draft: arguments.Draft = False,
    category: arguments.Category = None,
    tag: arguments.Tags = None,
    source: arguments.Source = None,
    like: Annotated[
        str | None,
        typer.Option(
            "--like",
            metavar="M",
            help="A market whose terms the new one takes, unless they are given.",
            autocompletion=complete.markets,
        ),
    ] = None,
    group: arguments.ForGroup = None,
) -> None:
    """Examples:
      predmarket market create rain-monday "Will it rain on Monday?" --closes-at 2d
      predmarket market create cpi-above-3 "CPI above 3 %?" --tick 0.001 --taker-fee 0.02 --draft
      predmarket market create rain-tuesday "Will it rain on Tuesday?" --like rain-monday

    Create a market (admins).

    --like takes another market's description, tick, fees, category, tags, source and group. Its
    closing time is its own: --closes-at gives the new one's.
    """
    line = context.of(ctx)
    given = terms(
        line, description=description, tick=tick, maker_fee=maker_fee, taker_fee=taker_fee,
        closes_at=closes_at, draft=draft, category=category, tag=tag, source=source, group=group,
    )  # fmt: skip
    with line.client() as client:
        if like is not None:
            given = terms_like(client.market(like), given)
        market = client.create_market(slug, question, **given)
    line.output.record(market_layouts.MARKET, market)


def update(
    ctx: typer.Context,
    market: arguments.Market,
    *,
    question: Annotated[
        str | None, typer.Option("--question", metavar="TEXT", help="What it asks.")
    ] = None,
    description: arguments.Description = None,
    closes_at: arguments.ClosesAt = None,
    category: arguments.Category = None,
    tag: arguments.Tags = None,
    source: arguments.Source = None,
    group: arguments.NewGroup = None,
) -> None:
    """Examples:
      predmarket market update rain-monday --closes-at 2030-01-31T12:00:00Z
      predmarket market update rain-monday --description "As measured in Oslo."
      predmarket market update rain-monday --tag rain --tag oslo --category ""
      predmarket market update practice --group "Class 9b"

    Change a market's texts, when it closes, or the group that it is for (admins). Tags replace the
    former ones; an empty category, tag, source or group removes what was there.
    """
    arguments.one_of(
        question=question,
        description=description,
        closes_at=closes_at,
        category=category,
        tag=tag,
        source=source,
        group=group,
    )
    line = context.of(ctx)
    closing = moment(line, closes_at, "--closes-at")
    with line.client() as client:
        changed = client.update_market(
            market,
            question=question,
            description=description,
            closes_at=closing,
            category=category,
            tags=arguments.tags(tag),
            source=source,
            group=group,
        )
    line.output.record(market_layouts.MARKET, changed)


def open_market(ctx: typer.Context, market: arguments.Market) -> None:
    """Examples:
      predmarket market open rain-monday

    Open a draft, a halted or a closed market (admins).
    """
    _change(ctx, market, MarketStatus.OPEN)


def halt(ctx: typer.Context, market: arguments.Market) -> None:
    """Examples:
      predmarket market halt rain-monday

    Halt trading (admins). Orders keep their place and may be cancelled.
    """
    _change(ctx, market, MarketStatus.HALTED)


def close(ctx: typer.Context, market: arguments.Market) -> None:
    """Examples:
      predmarket market close rain-monday
      predmarket market close rain-monday --yes

    Close a market (admins). Everybody's resting orders in it are cancelled, for good: opening the
    market again brings none of them back. To only stop trading: market halt.
    """
    line = context.of(ctx)
    if not line.options.yes:
        with line.client() as client:
            book = client.book(market)
        prompt.confirm(line, f"Close {market}? {_canceled_by_closing(book)}")
    _change(ctx, market, MarketStatus.CLOSED)


def _canceled_by_closing(book: Book) -> str:
    bid, offered = (
        sum(units.parse(qty, units.QTY_DECIMALS) for _, qty in book[side])
        for side in ("bids", "asks")
    )
    if not bid and not offered:
        return "No order rests in it."
    sums = f"{units.format_qty(bid)} contracts bid and {units.format_qty(offered)} offered"
    return f"It cancels the resting orders of all users: {sums}."


def resolve(
    ctx: typer.Context,
    market: arguments.Market,
    outcome: Annotated[
        str,
        typer.Argument(
            metavar="YES|NO|VOID|PRICE",
            help="How it ends; a price from 0 to 1 is what YES pays.",
            autocompletion=complete.endings,
        ),
    ],
    *,
    after: resolution.After = None,
    note: resolution.Note = None,
    source: resolution.Source = None,
) -> None:
    """Examples:
      predmarket market resolve rain-monday YES
      predmarket market resolve rain-monday 0.25 --yes
      predmarket market resolve rain-monday VOID
      predmarket market resolve rain-monday YES --after 24h --note "11 mm" --source https://met.no

    Resolve a market, or void it, which undoes its trades (admins). This is final. With --after it
    is proposed: trading ends, everybody sees it, and nothing is paid before it happens by itself.
    Until then: market proposal confirm or withdraw, or another proposal in its place.

    A market of an event can only be resolved NO alone, which strikes its outcome from the event.
    Everything else ends the whole event: event resolve.
    """
    line = context.of(ctx)
    ending, price = _ending(outcome)
    after = resolution.checked(after)
    if not line.options.yes:
        resolution.ask(line, _asked(line, market, ending, price), after)
        with line.client() as client:
            shown = client.market(market)
        resolution.ask_again(line, shown, after)
    with line.client() as client:
        made = client.resolve_market(market, ending, price, note=note, source=source, after=after)
    resolution.show_market(line, made)


def _asked(line: Line, market: str, ending: Outcome, price: str | None) -> str:
    if ending is Outcome.VOID:
        return f"Void {market} and undo all its trades?"
    if ending is Outcome.NO:
        with line.client() as client:
            struck = client.market(market)
            slug = struck.get("eventSlug")
            if slug is not None:
                return _striking(struck, client.event(slug))
    paying = f", YES paying {price}" if price else ""
    return f"Resolve {market} as {ending}{paying}?"


def _striking(struck: Market, event: Event) -> str:
    """Return the question before a strike: what becomes of the market, and of its event. Raises
    Failure if too few outcomes would be left.
    """
    left = sum(one["outcome"] is None and one["id"] != struck["id"] for one in event["markets"])
    none = "" if event["exhaustive"] else " and NONE"
    if left + bool(none) < _LEAST_OUTCOMES:
        slug, message = struck["slug"], "an event keeps at least two outcomes"
        raise Failure("EVENT_DECIDES", f"{slug} cannot be struck: {message}", ExitCode.REFUSED)
    markets = "market" if left == 1 else "markets"
    return (
        f"Strike {struck['slug']} from the event {event['slug']}? Its shares pay nothing, its"
        f" resting orders are cancelled, and the event goes on with {left} {markets}{none}."
    )


def _change(ctx: typer.Context, market: str, status: MarketStatus) -> None:
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(market_layouts.MARKET, client.update_market(market, status=status))


def _ending(text: str) -> tuple[Outcome, str | None]:
    """Return the outcome, and the settlement price where ``text`` is one. Raises Failure."""
    if text.upper() in _ENDINGS:
        return Outcome(text.upper()), None
    if not re.search(r"\d", text):
        raise usage(f"{text} is not YES, NO, VOID or a price{guess(text, _ENDINGS)}")
    return Outcome.SCALAR, number(text, SETTLEMENT, "YES|NO|VOID|PRICE")
