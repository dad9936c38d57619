"""Commands: auth register, login, logout, status, password. (auth key: api_key.py.)"""

from typing import Annotated

import typer

from predmarket.cli import context, prompt, user_layouts
from predmarket.cli.failure import Failure, usage
from predmarket.exit_codes import ExitCode

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="The account's e-mail address.")]
PasswordFile = Annotated[
    str | None,
    typer.Option("--password-file", metavar="F", help="File that holds the password; - is stdin."),
]


def register(
    ctx: typer.Context,
    email: Email,
    *,
    password_file: PasswordFile = None,
    full_name: Annotated[
        str | None, typer.Option("--full-name", metavar="NAME", help="Your name.")
    ] = None,
    invite: Annotated[
        str | None,
        typer.Option("--invite", metavar="CODE", help="An invitation's code; - asks for it."),
    ] = None,
) -> None:
    """Examples:
      predmarket auth register ann@example.com
      predmarket auth register ann@example.com --full-name "Ann Ames" --password-file pw.txt
      predmarket auth register ann@example.com --invite 7KQF-M2XW-9TJD-PC4H

    Open an account and log in. The password is asked for twice, or read from --password-file or
    from a pipe; it has at least 8 characters.
    """
    line = context.of(ctx)
    line.new_profile = True
    invite = prompt.code(line) if invite == "-" else invite
    secret = prompt.password(line, password_file, twice=True)
    with line.client() as client:
        user = client.register(email, secret, full_name, invite_code=invite)
    line.output.note(f"registered and logged in at {line.place}")
    line.output.record(user_layouts.USER, user)


def claim(
    ctx: typer.Context,
    code: Annotated[
        str | None,
        typer.Argument(metavar="CODE", help="The one-time code from an admin; asked for without."),
    ] = None,
    *,
    password_file: PasswordFile = None,
) -> None:
    """Examples:
      predmarket auth claim
      predmarket auth claim 7KQF-M2XW-9TJD-PC4H --password-file pw.txt
      printf '%s\\n' "$CODE" "$PASSWORD" | predmarket auth claim

    Choose a password for the account of a one-time code, and log in. The code is asked for, or is
    the first line of a pipe: on the command line, other users of this machine could see it. The
    password is asked for twice, or read from --password-file or from a pipe; it has at least 8
    characters.
    """
    line = context.of(ctx)
    line.new_profile = True
    code = code or prompt.code(line)
    secret = prompt.password(line, password_file, twice=True)
    with line.client() as client:
        user = client.claim(code, secret)
    line.output.note(f"logged in at {line.place}; from now on: auth login {user['email']}")
    line.output.record(user_layouts.USER, user)


def login(ctx: typer.Context, email: Email, *, password_file: PasswordFile = None) -> None:
    """Examples:
      predmarket auth login ann@example.com
      predmarket -P practice auth login ann@example.com --password-file - < pw.txt

    Log in. The session is kept for this profile at this address until `auth logout`.
    """
    line = context.of(ctx)
    line.new_profile = True
    secret = prompt.password(line, password_file)
    with line.client() as client:
        user = client.login(email, secret)
    line.output.note(f"logged in at {line.place}")
    if line.settings.api_key:
        line.output.note("PREDMARKET_API_KEY is set and is used in place of this session")
    line.output.record(user_layouts.USER, user)


def logout(ctx: typer.Context) -> None:
    """Examples:
      predmarket auth logout

    Log out: the session is revoked at the exchange and forgotten here.
    """
    line = context.of(ctx)
    if line.session.load() is None:
        line.output.note(f"was not logged in at {line.place}")
        return
    with line.client() as client:
        client.logout()
    line.output.note(f"logged out at {line.place}")


def update(
    ctx: typer.Context,
    *,
    display_name: Annotated[
        str | None, typer.Option("--display-name", metavar="NAME", help="What others see.")
    ] = None,
    full_name: Annotated[
        str | None, typer.Option("--full-name", metavar="NAME", help="Your name.")
    ] = None,
) -> None:
    """Examples:
      predmarket auth update --display-name rainmaker

    Choose the name that others see, in standings for example: no two look the same. Until then it
    is player- and one's id.
    """
    if display_name is None and full_name is None:
        raise usage("give --display-name or --full-name")
    line = context.of(ctx)
    with line.client() as client:
        user = client.update_me(display_name=display_name, full_name=full_name)
    line.output.record(user_layouts.USER, user)


def password(
    ctx: typer.Context,
    *,
    old_password_file: Annotated[
        str | None,
        typer.Option(
            "--old-password-file", metavar="F", help="File that holds the old password; - is stdin."
        ),
    ] = None,
    password_file: PasswordFile = None,
) -> None:
    """Examples:
      predmarket auth password
      predmarket auth password --old-password-file old.txt --password-file new.txt

    Choose another password, of at least 8 characters. All other sessions end. API keys live
    on, so that bots go on; `auth revoke-all` ends them, too.
    """
    line = context.of(ctx)
    old = prompt.password(line, old_password_file, label="Old password")
    new = prompt.password(line, password_file, twice=True, label="New password")
    with line.client() as client:
        client.change_password(old, new)
    line.output.note("the password is changed; all other sessions have ended")


def status(ctx: typer.Context) -> None:
    """Examples:
      predmarket auth status
      predmarket auth status --json

    Say who is logged in, and where. Exit code 4 when nobody is.
    """
    line = context.of(ctx)
    if line.settings.api_key is None and line.session.load() is None:
        raise Failure(
            "UNAUTHENTICATED",
            f"not logged in at {line.place}",
            ExitCode.NOT_ALLOWED,
            hint=f"log in with: {line.spelled('auth login EMAIL')}",
        )
    with line.client() as client:
        user = client.me()
    how = "with PREDMARKET_API_KEY" if line.settings.api_key else "with a session"
    line.output.note(f"logged in at {line.place} {how}")
    line.output.record(user_layouts.USER, user)
