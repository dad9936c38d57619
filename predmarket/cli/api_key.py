"""Commands: auth key create, list, revoke. They need a login, whatever PREDMARKET_API_KEY is."""

from typing import Annotated

import typer

from predmarket.cli import arguments, context, layouts
from predmarket.cli.paging import show_list
from predmarket.client import calls
from predmarket.enums import Scope


def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the key is for.")],
    *,
    scope: Annotated[
        list[Scope],
        typer.Option(
            "--scope",
            case_sensitive=False,
            help="What the key may do; may be given more than once.",
        ),
    ],
) -> None:
    """Examples:
      predmarket auth key create quoter --scope read --scope trade
      PREDMARKET_API_KEY=$(predmarket auth key create bot --scope read --json | jq -r .key)

    Make an API key, for a bot or a script to use in place of a login. It is shown this once. A key
    reads one's own data with the scope read, enters orders with trade, and does what only admins
    may with admin.
    """
    line = context.of(ctx)
    with line.client() as client:
        key = client.create_api_key(name, [*dict.fromkeys(one.value for one in scope)])
    line.output.note("keep the key: it is not shown again")
    line.output.record(layouts.NEW_API_KEY, key)


def list_keys(ctx: typer.Context, *, ids: arguments.Ids = False) -> None:
    """Examples:
      predmarket auth key list
      predmarket auth key list --json

    List one's API keys: what each may do, and when it was last used.
    """
    show_list(context.of(ctx), layouts.API_KEY, calls.api_keys(), ids=ids)


def revoke(
    ctx: typer.Context,
    key_id: Annotated[
        int, typer.Argument(metavar="ID", min=1, help="The key's id; see: auth key list.")
    ],
) -> None:
    """Examples:
      predmarket auth key revoke 3

    Revoke an API key, at once and for ever.
    """
    line = context.of(ctx)
    with line.client() as client:
        client.revoke_api_key(key_id)
    line.output.note(f"API key {key_id} is revoked")
