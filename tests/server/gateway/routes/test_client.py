"""The client library and the command line manage accounts on a real exchange."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from predmarket.cli.app import run as run_line
from predmarket.client import ApiError, Client, NewOrder
from tests.support.http_exchange import ON_ONE_DATABASE, PASSWORD, Exchange

pytestmark = ON_ONE_DATABASE


@dataclass(frozen=True)
class Ran:
    """The result of a command."""

    code: int
    out: str
    err: str


Run = Callable[..., Awaitable[Ran]]


@pytest.fixture
def run(
    exchange: Exchange,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> Run:
    """Run a command line against the exchange in a thread."""
    monkeypatch.setenv("PREDMARKET_URL", exchange.url)
    monkeypatch.setenv("PREDMARKET_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")

    async def run_here(*words: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", StringIO(stdin))
        capfd.readouterr()
        code = await asyncio.to_thread(run_line, words)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run_here


async def test_a_bot_trades_with_a_key(exchange: Exchange) -> None:
    """A bot logs in, makes a key, trades with it and revokes it, with the library alone."""
    market = await exchange.market()
    ann = await exchange.trader("ann")

    def session() -> None:
        with Client(exchange.url) as owner:
            owner.login(ann.email, PASSWORD)
            made = owner.create_api_key("bot", ["read", "trade"])
            with Client(exchange.url, api_key=made["key"]) as bot:
                order = bot.place_order(
                    NewOrder(market=market["id"], side="BUY", qty="1", price="0.5")
                )
                assert bot.order(order["id"])["status"] == "OPEN"
                assert bot.me()["email"] == ann.email
                for call in (bot.users, bot.api_keys):
                    with pytest.raises(ApiError) as refusal:
                        call()
                    assert (refusal.value.status, refusal.value.code) == (403, "FORBIDDEN")
                [listed] = owner.api_keys()["items"]
                assert (listed["id"], listed["scopes"]) == (made["id"], ["read", "trade"])
                owner.revoke_api_key(made["id"])
                with pytest.raises(ApiError) as dead:
                    bot.me()
                assert (dead.value.status, dead.value.code) == (401, "UNAUTHENTICATED")
            with pytest.raises(ApiError) as wrong:
                owner.change_password("not the password", "another password")
            assert wrong.value.code == "INVALID_CREDENTIALS"
            owner.change_password(PASSWORD, "another password")
            assert owner.login(ann.email, "another password")["id"] == ann.id

    await asyncio.to_thread(session)


async def test_keys_on_the_command_line(
    exchange: Exchange, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The commands make, list and revoke keys, as a table and as JSON.

    A key works as PREDMARKET_API_KEY.
    """
    await exchange.register("ann@example.com")
    assert (await run("auth", "key", "list")).code == 4
    await run("auth", "login", "ann@example.com", stdin=PASSWORD)
    made = await run("auth", "key", "create", "bot", "--scope", "read", "--json")
    assert made.err == "keep the key: it is not shown again\n"
    key = json.loads(made.out)
    table = await run("auth", "key", "create", "quoter", "--scope", "READ", "--scope", "trade")
    assert "pmk_" in table.out
    for words in (["x"], ["x", "--scope", "withdraw"]):
        assert (await run("auth", "key", "create", *words)).code == 2
    assert (await run("auth", "key", "create", "x", "--scope", "admin")).code == 4

    monkeypatch.setenv("PREDMARKET_API_KEY", key["key"])
    status = await run("auth", "status", "--json")
    assert (status.code, json.loads(status.out)["email"]) == (0, "ann@example.com")
    assert "PREDMARKET_API_KEY" in status.err
    refused = await run("order", "cancel-all", "--yes")
    assert (refused.code, "scope trade" in refused.err) == (4, True)

    listed = await run("auth", "key", "list", "--json")  # with the session, not the key
    assert [item["name"] for item in json.loads(listed.out)] == ["quoter", "bot"]
    as_table = (await run("auth", "key", "list")).out.splitlines()
    assert as_table[0].split() == ["ID", "NAME", "SCOPES", "CREATED", "LAST", "USED"]
    assert "read, trade" in as_table[1]
    gone = await run("auth", "key", "revoke", str(key["id"]))
    assert (gone.code, gone.out) == (0, "")
    assert (await run("auth", "key", "revoke", str(key["id"]))).code == 5
    assert (await run("auth", "status")).code == 4


async def test_the_password_on_the_command_line(
    exchange: Exchange, run: Run, tmp_path: Path
) -> None:
    """Passwords are read from files, and a wrong old password is exit code 4."""
    await exchange.register("ann@example.com")
    await run("auth", "login", "ann@example.com", stdin=PASSWORD)
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text(PASSWORD + "\n")
    new.write_text("another password\n")
    words = ("auth", "password", "--old-password-file", str(old), "--password-file", str(new))
    changed = await run(*words)
    assert (changed.code, changed.out) == (0, "")
    again = await run(*words)
    assert (again.code, "INVALID_CREDENTIALS" in again.err) == (4, True)
    assert (await run("auth", "status")).code == 0
    assert (await run("auth", "login", "ann@example.com", stdin="another password")).code == 0


async def test_users_on_the_command_line(exchange: Exchange, run: Run) -> None:
    """An admin lists and changes users, found by their whole e-mail and not by a part."""
    for email in ("xann@example.com", "ann@example.com"):
        await exchange.register(email)
    await run("auth", "login", "boss@example.com", stdin=PASSWORD)
    listed = await run("user", "list", "--search", "ann@", "--json")
    emails = [item["email"] for item in json.loads(listed.out)]
    assert emails == ["xann@example.com", "ann@example.com"]
    first = await run("user", "list", "--limit", "1")
    note, cursor = first.err.split("--cursor ")
    assert note == "more: "
    rest = await run("user", "list", "--cursor", cursor.strip(), "--json")
    whole = await run("user", "list", "--limit", "1", "--all", "--json")
    assert [item["email"] for item in json.loads(rest.out)] == emails
    assert len(json.loads(whole.out)) == 3
    table = (await run("user", "list")).out.splitlines()
    shown = ["ID", "EMAIL", "ROLE", "NAME", "DISABLED", "AVAILABLE", "LOCKED", "LAST", "SEEN"]
    assert table[0].split() == shown

    line = ("user", "update", "ann@example.com")
    changed = json.loads((await run(*line, "--role", "admin", "--disable", "--json")).out)
    assert (changed["email"], changed["role"], changed["disabled"]) == (line[2], "ADMIN", True)
    assert (await run("auth", "login", line[2], "-P", "ann", stdin=PASSWORD)).code == 4
    enabled = json.loads((await run(*line, "--enable", "--role", "user", "--json")).out)
    assert (enabled["role"], enabled["disabled"]) == ("USER", False)
    last = await run("user", "update", "boss@example.com", "--role", "user")
    assert (last.code, "LAST_ADMIN" in last.err) == (1, True)
    assert (await run("user", "update", "nn@example.com", "--disable")).code == 5
    await run("auth", "login", line[2], "-P", "ann", stdin=PASSWORD)
    assert (await run("user", "list", "-P", "ann")).code == 4
