"""Commands: auth key create, list, revoke. They need a login, whatever PREDMARKET_API_KEY is."""

import os
from pathlib import Path
from typing import Annotated

import typer

from predmarket.cli import arguments, context, user_layouts
from predmarket.cli.failure import usage
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
    kalshi_key: Annotated[
        Path | None,
        typer.Option(
            "--kalshi-key",
            metavar="FILE",
            help="Make a key pair for Kalshi's clients; FILE gets its private key.",
        ),
    ] = None,
    public_key: Annotated[
        Path | None,
        typer.Option(
            "--public-key",
            metavar="FILE",
            help="A public key (RSA or Ed25519, PEM) for Kalshi's clients.",
        ),
    ] = None,
) -> None:
    """Examples:
      predmarket auth key create quoter --scope read --scope trade
      PREDMARKET_API_KEY=$(predmarket auth key create bot --scope read --json | jq -r .key)
      predmarket auth key create bot --scope read --scope trade --kalshi-key bot.pem

    Make an API key, for a bot or a script to use in place of a login. It is shown this once. A key
    reads one's own data with the scope read, enters orders with trade, and does what only admins
    may with admin. With a key pair, keyId and the private key are what Kalshi's clients ask for
    (docs/kalshi.md).
    """
    if kalshi_key is not None and public_key is not None:
        raise usage("--kalshi-key makes a key pair, --public-key has one: give one of them")
    line, scopes = context.of(ctx), [*dict.fromkeys(one.value for one in scope)]
    pem = None if public_key is None else _read(public_key)
    if kalshi_key is not None:
        pem = _make_pair(kalshi_key)
    try:
        with line.client() as client:
            key = client.create_api_key(name, scopes, public_key=pem)
    except BaseException:
        if kalshi_key is not None:
            kalshi_key.unlink()  # just made, and good for nothing
        raise
    line.output.note("keep the key: it is not shown again")
    if kalshi_key is not None:
        line.output.note(f"the private key is in {kalshi_key}")
    line.output.record(user_layouts.NEW_API_KEY, key)


def _read(path: Path) -> str:
    """Return a file's text. Raises Failure."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it holds no text"
        raise usage(f"{path}: {why}") from None


def _make_pair(path: Path) -> str:
    """Write a new private key to a new file; return its public key. Raises Failure."""
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ModuleNotFoundError:
        raise usage(
            "--kalshi-key needs the package cryptography",
            "install predmarket-exchange[kalshi], or make a pair with openssl and use --public-key",
        ) from None

    private = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise usage(f"{path}: {error.strerror}", "the private key needs a new file") from None
    with os.fdopen(handle, "wb") as file:
        file.write(pem)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return public.decode()


def list_keys(ctx: typer.Context, *, ids: arguments.Ids = False) -> None:
    """Examples:
      predmarket auth key list
      predmarket auth key list --json

    List one's API keys: what each may do, and when it was last used.
    """
    show_list(context.of(ctx), user_layouts.API_KEY, calls.api_keys(), ids=ids)


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
