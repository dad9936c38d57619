"""Commands: user list, show, update, revoke-all. (set-role works on the database itself:
server_admin.py.)"""

from enum import StrEnum
from typing import Annotated, cast

import typer

import predmarket.client as api
from predmarket.cli import arguments, complete, context, order_layouts, prompt, user_layouts
from predmarket.cli.context import Line
from predmarket.cli.failure import Failure, usage
from predmarket.cli.grid import Grid, Row
from predmarket.cli.paging import show_list, span_of
from predmarket.client import calls
from predmarket.client.response_types import User
from predmarket.enums import Role
from predmarket.exit_codes import ExitCode


def list_users(
    ctx: typer.Context,
    *,
    search: Annotated[
        str | None, typer.Option("--search", metavar="TEXT", help="Only accounts that match.")
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="GROUP",
            help="Only members of that group.",
            autocompletion=complete.user_groups,
        ),
    ] = None,
    limit: arguments.Limit = None,
    offset: Annotated[
        int | None, typer.Option("--offset", min=0, help="Leave out this many at the start.")
    ] = None,
    cursor: arguments.Cursor = None,
    ids: arguments.Ids = False,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket user list
      predmarket user list --search example.com --json

    List accounts with their cash, and when each was last seen (admins).
    """
    call = calls.users(q=search, group=group, limit=limit, offset=offset, cursor=cursor)
    show_list(context.of(ctx), user_layouts.LISTED_USER, call, everything=everything, ids=ids)


class Shown(StrEnum):
    """A list of an account's that `user show` prints by itself."""

    POSITIONS = "positions"
    ORDERS = "orders"
    FILLS = "fills"
    STATEMENT = "statement"


def show(
    ctx: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The account.")],
    *,
    only: Annotated[
        Shown | None,
        typer.Option(
            "--list", case_sensitive=False, help="Only this list of it, orders of every status."
        ),
    ] = None,
    since: arguments.Since = None,
    until: arguments.Until = None,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket user show ann@example.com
      predmarket user show ann@example.com --list fills --since today
      predmarket user show ann@example.com --list statement --all -o csv > ann.csv

    Show an account as its owner sees it: cash, positions and live orders (admins). --list prints
    one list instead: positions, orders, fills or statement.
    """
    line = context.of(ctx)
    if only is None and (everything or any((since, until, limit, cursor))):
        raise usage("--since, --until, --limit, --cursor and --all go with --list")
    if only is Shown.POSITIONS and (since or until):
        raise usage("--since and --until go with orders, fills and statement")
    with line.client() as client:
        user = account(client, email)
        if only is None:
            _write_account(line, client, user)
            return
    span = span_of(line, since, until)
    id = user["id"]
    if only is Shown.POSITIONS:
        show_list(line, order_layouts.POSITION, calls.positions(user_id=id), everything=everything)
    elif only is Shown.ORDERS:
        orders = calls.orders(user_id=id, **span, limit=limit, cursor=cursor)
        show_list(line, order_layouts.ORDER, orders, everything=everything)
    elif only is Shown.FILLS:
        fills = calls.fills(user_id=id, **span, limit=limit, cursor=cursor)
        show_list(line, order_layouts.FILL, fills, everything=everything)
    else:
        movements = calls.statement(user_id=id, **span, limit=limit, cursor=cursor)
        show_list(line, order_layouts.LEDGER_LINE, movements, everything=everything)


def _write_account(line: Line, client: "api.Client", user: User) -> None:
    id = user["id"]
    balance = client.balance(user_id=id)
    positions = [*client.follow(calls.positions(user_id=id))]
    orders = client.orders(user_id=id, status="LIVE", limit=100)
    shown = {"user": user, "balance": balance, "positions": positions, "orders": orders["items"]}

    def grids() -> list[Grid]:
        head = user_layouts.USER.grids(cast("Row", user), brief=False)
        cash = order_layouts.BALANCE.grid([cast("Row", balance)])
        lists = ((order_layouts.POSITION, positions), (order_layouts.ORDER, orders["items"]))
        return [*head, cash, *(layout.grid(cast("list[Row]", rows)) for layout, rows in lists)]

    line.output.show(shown, [shown], tuple(shown), grids)
    if orders.get("nextCursor"):
        line.output.note("more live orders: --list orders")


def update(
    ctx: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The account.")],
    *,
    role: Annotated[
        Role | None, typer.Option("--role", case_sensitive=False, help="Its new role.")
    ] = None,
    disable: Annotated[
        bool, typer.Option("--disable", help="Let it do nothing more; cancel its orders.")
    ] = False,
    enable: Annotated[bool, typer.Option("--enable", help="Let it act again.")] = False,
) -> None:
    """Examples:
      predmarket user update ann@example.com --role ADMIN
      predmarket user update ann@example.com --disable

    Change an account's role, disable or enable it (admins).
    """
    if disable and enable:
        raise usage("give either --disable or --enable")
    if role is None and not disable and not enable:
        raise usage("give --role, --disable or --enable")
    line = context.of(ctx)
    with line.client() as client:
        user = account(client, email)
        disabled = True if disable else False if enable else None
        line.output.record(
            user_layouts.USER, client.update_user(user["id"], role=role, disabled=disabled)
        )


def revoke_all(
    ctx: typer.Context,
    email: Annotated[str, typer.Argument(metavar="EMAIL", help="The account.")],
) -> None:
    """Examples:
      predmarket user revoke-all ann@example.com
      predmarket user revoke-all ann@example.com --yes

    End all sessions and API keys of an account, at once (admins). Its owner may log in again.
    """
    line = context.of(ctx)
    prompt.confirm(line, f"End all sessions and API keys of {email}?")
    with line.client() as client:
        client.revoke_all_of(account(client, email)["id"])
    line.output.note(f"all sessions and API keys of {email} have ended")


def account(client: "api.Client", email: str) -> User:
    """Return the account with an e-mail. Raises Failure."""
    from predmarket.contracts.text import normal_email  # only this command needs contracts

    found = client.users(q=email, limit=100)["items"]
    wanted = (email.strip().lower(), normal_email(email))
    user = next((user for user in found if user["email"] in wanted), None)
    if user is None:
        raise Failure("USER_NOT_FOUND", f"there is no account {email}", ExitCode.NOT_FOUND)
    return user
