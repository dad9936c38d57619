"""Commands: season start, end, list; leaderboard."""

from typing import Annotated

import typer

from predmarket.cli import arguments, complete, context, user_layouts
from predmarket.cli.failure import own
from predmarket.cli.numbers import MONEY, optional
from predmarket.cli.paging import show_list
from predmarket.client import calls


def start(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The season's name.")],
    *,
    credit: Annotated[
        str | None,
        typer.Option("--credit", metavar="X", help="Play money for every account."),
    ] = None,
) -> None:
    """Examples:
      predmarket season start Spring
      predmarket season start "Week 12" --credit 100

    Start a season: its leaderboard counts what accounts gain from now on (admins). One season runs
    at a time. The credit goes to every account that is not disabled, and is no profit. If a start
    stops halfway, repeat it: it goes on, and nobody gets the credit twice.
    """
    line = context.of(ctx)
    credit = optional(credit, MONEY, "--credit")
    with line.client() as client:
        season = client.start_season(name, credit=credit)
    line.note_repeat("the season was started before")
    if credit is not None:
        count = season["accountsCredited"]
        line.output.note(f"{count} account{'s' * (count != 1)} got the credit now")
    line.output.record(user_layouts.SEASON, season)


def end(
    ctx: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="The season (default: the running one).",
            autocompletion=complete.seasons,
        ),
    ] = None,
) -> None:
    """Examples:
      predmarket season end
      predmarket leaderboard --season Spring

    End the season for good (admins). Its leaderboard stays as it is now. Resolve the markets
    first: what is still held counts at its present price.
    """
    line = context.of(ctx)
    with line.client() as client:
        if name is None:
            newest = client.seasons(limit=1)["items"]
            if not newest or newest[0]["endedAt"] is not None:
                raise own("NOT_FOUND", "no season is running")
            name = str(newest[0]["id"])
        season = client.end_season(name)
    line.output.record(user_layouts.SEASON, season)


def list_seasons(
    ctx: typer.Context,
    *,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket season list

    List seasons, the newest first. One without an end is running; one with a credit that is not
    credited yet goes on when its start is repeated.
    """
    call = calls.seasons(limit=limit, cursor=cursor)
    show_list(context.of(ctx), user_layouts.SEASON, call, everything=everything)


def leaderboard(
    ctx: typer.Context,
    *,
    season: Annotated[
        str | None,
        typer.Option(
            "--season",
            metavar="NAME",
            help="In this season, not since the beginning.",
            autocompletion=complete.seasons,
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="GROUP",
            help="Only this group's members.",
            autocompletion=complete.user_groups,
        ),
    ] = None,
    limit: arguments.Limit = None,
    watch: arguments.Watch = False,
) -> None:
    """Examples:
      predmarket leaderboard
      predmarket leaderboard --season Spring --group "Class 9b"
      predmarket leaderboard --season Spring --watch

    Show who has gained most, best first, under public names: what an account is worth, less the
    money moved into it. Equal profits share a rank.
    """
    line = context.of(ctx)
    call = calls.leaderboard(season=season, group=group, limit=limit)
    if watch:
        from predmarket.cli.leaderboard_view import LeaderboardView
        from predmarket.cli.watch import watch as begin

        begin(line, LeaderboardView(call))
        return
    with line.client() as client:
        board = client.send(call)
    items = board["items"]
    line.output.rows(user_layouts.STANDING, [dict(one) for one in items])
    if len(items) < board["total"]:
        line.output.note(f"{board['total'] - len(items)} more accounts are ranked")
