"""Commands: user create, import, reset: accounts made by an admin, with one-time codes."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

import predmarket.client as api
from predmarket.cli import complete, context, user_layouts
from predmarket.cli.context import Line
from predmarket.cli.failure import Failure, usage
from predmarket.cli.grid import Row
from predmarket.cli.lines_to_paste import Paste, paste_of
from predmarket.cli.numbers import MONEY, number, optional
from predmarket.cli.user import account
from predmarket.client import ApiError
from predmarket.client.response_types import User
from predmarket.client.rows_file import Body, RowKind, read_rows
from predmarket.enums import Role
from predmarket.exit_codes import ExitCode

MAX_ACCOUNTS = 10_000
"""Accounts of one file."""
_ACCOUNT = RowKind("account", ("email", "fullName", "credit", "group"), {"name": "fullName"})

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The account.")]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="TEXT",
        help="Print this line for each, filled in: {email} {fullName} {code} {credit} {group} "
        "{url}.",
    ),
]
Credit = Annotated[
    str | None,
    typer.Option("--credit", metavar="X", help="Play money to open with."),
]
Group = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="GROUP",
        help="A group to join; a missing one is made.",
        autocompletion=complete.user_groups,
    ),
]


def create(
    ctx: typer.Context,
    email: Annotated[
        str, typer.Argument(metavar="EMAIL", help="The account: an e-mail address, or a handle.")
    ],
    *,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The person's full name.")
    ] = None,
    role: Annotated[
        Role | None, typer.Option("--role", case_sensitive=False, help="USER unless given.")
    ] = None,
    credit: Credit = None,
    group: Group = None,
    form: Format = None,
) -> None:
    """Examples:
      predmarket user create ann@example.com --credit 100
      predmarket user create ann --name "Ann Ames" --group "Class 9b" --format "{email}: {code}"

    Make an account with a one-time code (admins). Its owner chooses a password with the code, by
    `auth claim` or on the log-in screen, within seven days. The code is shown this once; `user
    reset` gives another. No e-mail is sent.
    """
    line = context.of(ctx)
    paste, credit = paste_of(form), optional(credit, MONEY, "--credit")
    with line.client() as client:
        made = client.create_user(email, full_name=name, role=role, credit=credit, group=group)
    _write(line, made["user"], made["code"], made, paste, credit=credit, group=group)


def reset(ctx: typer.Context, email: Email, *, form: Format = None) -> None:
    """Examples:
      predmarket user reset ann@example.com
      predmarket user reset ann@example.com --format "{email}: {code}"

    Give an account a new one-time code, for one who forgot the password (admins). Its owner chooses
    another password with it; until then the old one goes on. The code is shown this once.
    """
    line, paste = context.of(ctx), paste_of(form)
    with line.client() as client:
        user = account(client, email)
        given = client.reset_user(user["id"])
    _write(line, user, given["code"], given, paste)


def _write(
    line: Line, user: User, code: str, answer: object, paste: Paste | None, **more: str | None
) -> None:
    """Print an account and its code; the API's own answer as JSON."""
    row: Row = {**user, "code": code}
    if paste is not None:
        line.output.pasted(paste({**row, **more, "url": line.settings.url.value}))
        return
    line.output.note("the code is not shown again; its owner uses it by: predmarket auth claim")
    shown = user_layouts.USER_WITH_CODE
    line.output.show(answer, [row], shown.fields, lambda: shown.grids(row, brief=False))


def import_users(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The accounts: CSV or JSON; - is stdin.")
    ],
    *,
    codes: Annotated[
        Path | None,
        typer.Option("--codes", metavar="F", help="A new file for the codes, yours alone."),
    ] = None,
    form: Format = None,
) -> None:
    """Examples:
      predmarket user import class.csv
      predmarket user import class.csv --codes codes.txt --format "{fullName}: {code} at {url}"

    Make an account for each row of a file with the columns email, fullName, credit and group
    (admins). An email may be a plain handle; missing groups are made. Each row is reported: CREATED
    with its one-time code, EXISTS, or REFUSED. An account that exists joins the group of its row
    and keeps its money and password, so the same file may be imported again; `user reset` gives a
    new code. Exit code 1 when a row was refused.
    """
    line, paste = context.of(ctx), paste_of(form)
    rows = _checked(read_rows(file, _ACCOUNT), file)
    keep = None if codes is None else _kept(codes, paste or paste_of("{email} {code}"))
    report: list[Row] = []
    url = line.settings.url.value
    try:
        with line.client() as client, line.output.progress() as progress:
            for count, body in enumerate(rows):
                progress("import", count, len(rows))
                row = _imported(client, body)
                if keep is not None and row["code"]:
                    keep({**row, "url": url})
                    row = {**row, "code": None}
                report.append(row)
    finally:  # also when the exchange is lost: a code is shown once
        if report:
            _report(line, report, paste if keep is None else None, url)
        if codes is not None and codes.stat().st_size:
            line.output.note(f"the codes are in {codes}")
        elif codes is not None:
            codes.unlink()  # just made, and good for nothing
    refused = [row for row in report if row["status"] == "REFUSED"]
    if refused:
        code, _, first = str(refused[0]["error"]).partition(": ")
        message = f"{len(refused)} of {len(rows)} accounts were refused; the first: {first}"
        raise Failure(code, message, ExitCode.REFUSED)


def _checked(rows: list[Body], file: str) -> list[Body]:
    """Return rows that each have an own e-mail, and numbers. Raises Failure."""
    if len(rows) > MAX_ACCOUNTS:
        raise usage(f"{file} has {len(rows)} accounts: at most {MAX_ACCOUNTS} at once")
    seen: set[str] = set()
    for place, row in enumerate(rows, 1):
        where = f"{file}: account {place}"
        unknown = next((name for name in row if name not in _ACCOUNT.fields), None)
        if unknown is not None:
            raise _ACCOUNT.refuse(unknown, file)
        email = str(row.get("email", "")).strip()
        if not email:
            raise usage(f"{where} has no email")
        if email.lower() in seen:
            raise usage(f"{where}: {email} is in it twice")
        seen.add(email.lower())
        if "credit" in row:
            row["credit"] = number(str(row["credit"]), MONEY, f"{where}: credit")
    return rows


def _imported(client: "api.Client", body: Body) -> Row:
    """Make one account, or find it. Raises ClientError when the exchange cannot be asked."""
    email, group = str(body["email"]), _text(body, "group")
    name, credit = _text(body, "fullName"), _text(body, "credit")
    row: Row = {
        "id": None,
        "email": email,
        "fullName": name,
        "credit": credit,
        "group": group,
        "status": "CREATED",
        "code": None,
        "error": None,
    }
    try:
        made = client.create_user(email, full_name=name, credit=credit, group=group)
        return {**row, "id": made["user"]["id"], "code": made["code"]}
    except ApiError as error:
        if error.code != "EMAIL_TAKEN":
            return _refused(row, error)
    try:
        user_id = account(client, email)["id"]
        if group is not None:
            _join(client, group, user_id)
    except ApiError as error:
        return _refused(row, error)
    return {**row, "id": user_id, "status": "EXISTS", "credit": None}


def _text(body: Body, name: str) -> str | None:
    value = body.get(name)
    return None if value is None else str(value)


def _refused(row: Row, error: ApiError) -> Row:
    if error.status in (401, 403, 429) or error.status >= 500:
        raise error  # every further row would meet the same
    return {**row, "status": "REFUSED", "error": str(error)}


def _join(client: "api.Client", group: str, user_id: int) -> None:
    try:
        client.add_member(group, user_id)
    except ApiError as error:
        if error.code != "GROUP_NOT_FOUND":
            raise
        client.create_group(group)
        client.add_member(group, user_id)


def _report(line: Line, report: list[Row], paste: Paste | None, url: str) -> None:
    if paste is None:
        line.output.rows(user_layouts.IMPORTED, report)
        return
    for row in report:
        if row["code"]:
            line.output.pasted(paste({**row, "url": url}))
        else:
            line.output.note(f"{row['email']}: {row['error'] or row['status']}")


def _kept(path: Path, paste: Paste | None) -> Callable[[Row], None]:
    """Return a function that adds a row's line to a new file for its owner alone."""
    assert paste is not None  # there is a format
    write = paste
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except OSError as error:
        raise usage(f"{path}: {error.strerror}", "the codes need a new file") from None

    def keep(row: Row) -> None:
        with path.open("a", encoding="utf-8") as file:
            file.write(write(row) + "\n")

    return keep
