"""Commands: auth sessions, revoke, revoke-all. They need a login; an API key is not enough."""

from typing import Annotated

import typer

from predmarket.cli import arguments, context, prompt, user_layouts
from predmarket.cli.paging import show_list
from predmarket.client import calls


def list_sessions(ctx: typer.Context, *, ids: arguments.Ids = False) -> None:
    """Examples:
      predmarket auth sessions
      predmarket auth sessions --json

    List one's sessions: when each began and was last used, from which address, by which program.
    """
    show_list(context.of(ctx), user_layouts.SESSION, calls.sessions(), ids=ids)


def revoke(
    ctx: typer.Context,
    session_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, help="The session's id; see: auth sessions.")
    ],
) -> None:
    """Examples:
      predmarket auth revoke 7

    End one of one's sessions, at once.
    """
    line = context.of(ctx)
    with line.client() as client:
        client.revoke_session(session_id)
    line.output.note(f"session {session_id} has ended")


def revoke_all(ctx: typer.Context) -> None:
    """Examples:
      predmarket auth revoke-all
      predmarket auth revoke-all --yes

    End all one's sessions, this one too, and all API keys: for when a key or a token was stolen.
    Bots stop until they have new keys.
    """
    line = context.of(ctx)
    prompt.confirm(line, "End all your sessions and API keys?")
    with line.client() as client:
        client.revoke_all()
    line.output.note(
        "all sessions and API keys have ended; log in with: " + line.spelled("auth login EMAIL")
    )
