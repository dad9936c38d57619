"""Logging in and out: passwords, session files, and secrecy of tokens."""

import json
import stat
from pathlib import Path

import pytest

from tests.support.command_line import Run
from tests.support.stub_data import USER, tokens
from tests.support.stub_exchange import Answer, Request, Stub, refusal

EMAIL = "ann@example.com"


@pytest.fixture(autouse=True)
def _answers(stub: Stub) -> None:
    def me(request: Request) -> Answer:
        if request.token == "SECRET-access-2":
            return Answer(body=USER)
        return refusal(401, "UNAUTHENTICATED")

    stub.on("POST", "/v1/auth/login", Answer(body=tokens(1)))
    stub.on("POST", "/v1/auth/register", Answer(201, tokens(1)))
    stub.on("POST", "/v1/auth/refresh", Answer(body=tokens(2)))
    stub.on("POST", "/v1/auth/logout", Answer(204))
    stub.on("GET", "/v1/auth/me", me)


@pytest.mark.parametrize("command", ["register", "login"])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_the_password_comes_from_a_file_or_a_pipe(
    run: Run, stub: Stub, tmp_path: Path, command: str, end: str
) -> None:
    """Only the line's end is removed from a password of a file or a pipe."""
    file = tmp_path / "pw"
    file.write_bytes(f" pass word {end}".encode())
    run("auth", command, EMAIL, "--password-file", str(file))
    run("auth", command, EMAIL, "--password-file", "-", stdin=f" pass word {end}")
    run("auth", command, EMAIL, "--no-input", stdin=f" pass word {end}")
    expected = {"email": EMAIL, "password": " pass word "}
    assert [expected] * 3 == [item.body for item in stub.requests]


def test_without_a_password_nothing_is_sent(run: Run, stub: Stub, tmp_path: Path) -> None:
    """An empty pipe or a missing file gives exit code 2, and no request."""
    assert run("auth", "login", EMAIL, "--no-input").code == 2
    ran = run("auth", "login", EMAIL, "--password-file", str(tmp_path / "none"), "--json")
    assert (ran.code, json.loads(ran.err)["error"]["code"]) == (2, "USAGE")
    assert not stub.requests


def test_a_login_is_kept_and_renewed(run: Run, stub: Stub, home: Path) -> None:
    """Later commands use the session, and renew its expired token silently."""
    ran = run("auth", "login", EMAIL, "--json", stdin="password123")
    assert (ran.code, json.loads(ran.out)) == (0, USER)
    assert stat.S_IMODE((home / "session.json").stat().st_mode) == 0o600
    again = run("auth", "status", "--json")
    assert (again.code, json.loads(again.out)) == (0, USER)
    assert again.err == f"logged in at {stub.url} (profile default) with a session\n"
    assert len(stub.sent("POST", "/v1/auth/refresh")) == 1
    assert run("auth", "status").code == 0
    assert len(stub.sent("POST", "/v1/auth/refresh")) == 1


def test_register_sends_the_full_name(run: Run, stub: Stub) -> None:
    """register sends the full name, and logs in."""
    ran = run("auth", "register", EMAIL, "--full-name", "Ann Ames", stdin="password123")
    assert ran.code == 0
    assert stub.requests[0].body == {
        "email": EMAIL,
        "password": "password123",
        "fullName": "Ann Ames",
    }
    assert run("auth", "status").code == 0


def test_a_logout_ends_it(run: Run, stub: Stub, home: Path) -> None:
    """A logout ends the session at the exchange and here; a second logout is a no-op."""
    run("auth", "login", EMAIL, stdin="password123")
    assert run("auth", "logout").code == 0
    assert len(stub.sent("POST", "/v1/auth/logout")) == 1
    assert "SECRET" not in (home / "session.json").read_text()
    assert run("auth", "status").code == 4
    assert run("auth", "logout").code == 0
    assert len(stub.sent("POST", "/v1/auth/logout")) == 1


def test_nobody_logged_in(run: Run, stub: Stub) -> None:
    """Without a login the exit code is 4, and no request is sent."""
    ran = run("auth", "status", "--json")
    assert (ran.code, json.loads(ran.err)["error"]["code"]) == (4, "UNAUTHENTICATED")
    assert not stub.requests


def test_a_wrong_password(run: Run, stub: Stub, home: Path) -> None:
    """A wrong password gives exit code 4, no session, and no advice to log in."""
    stub.on("POST", "/v1/auth/login", refusal(401, "INVALID_CREDENTIALS", "wrong"))
    ran = run("auth", "login", EMAIL, stdin="password123")
    assert (ran.code, ran.err) == (4, "error: INVALID_CREDENTIALS: wrong\n")
    assert not home.exists()


def test_profiles_have_sessions_of_their_own(run: Run, stub: Stub) -> None:
    """Each profile on a machine has its own session."""
    run("auth", "login", EMAIL, "-P", "ann", stdin="password123")
    assert run("auth", "status").code == 4
    assert run("-P", "ann", "auth", "status").code == 0


def test_an_api_key_goes_before_the_session(
    run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PREDMARKET_API_KEY takes precedence over the session."""
    monkeypatch.setenv("PREDMARKET_API_KEY", "SECRET-access-2")
    ran = run("auth", "status")
    assert ran.code == 0
    assert "SECRET" not in ran.out + ran.err


def test_a_byte_order_mark_is_no_password(run: Run, stub: Stub, tmp_path: Path) -> None:
    """A byte order mark in a file or a pipe is not part of the password."""
    file = tmp_path / "password"
    file.write_bytes(b"\xef\xbb\xbfpassword123\r\n")
    assert run("auth", "login", EMAIL, "--password-file", str(file)).code == 0
    assert run("auth", "login", EMAIL, stdin="\ufeffpassword123\n").code == 0
    bodies = [request.body for request in stub.sent("POST", "/v1/auth/login")]
    assert bodies == [{"email": EMAIL, "password": "password123"}] * 2


def test_a_dead_session_says_so(run: Run, stub: Stub) -> None:
    """A refused refresh token gives exit code 4 and the command to log in."""
    run("auth", "login", EMAIL, stdin="password123")
    stub.on("POST", "/v1/auth/refresh", refusal(401, "INVALID_REFRESH_TOKEN"))
    stub.on("GET", "/v1/user/balance", refusal(401, "UNAUTHENTICATED"))
    ran = run("account", "balance")
    assert ran.code == 4
    assert "predmarket auth login" in ran.err
    assert run("auth", "status").code == 4


def test_no_token_in_any_output(run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """No output format, error or defect message contains a token."""
    texts = []
    for output in ("table", "json", "jsonl", "csv"):
        for words in (
            ("auth", "login", EMAIL),
            ("auth", "register", EMAIL),
            ("auth", "status"),
            ("auth", "logout"),
        ):
            ran = run(*words, "-o", output, stdin="hunter22-SECRET")
            assert ran.code == 0
            texts.append(ran.out + ran.err)
    run("auth", "login", EMAIL, stdin="hunter22-SECRET")
    monkeypatch.setenv("PREDMARKET_TRACEBACK", "1")
    monkeypatch.setenv("PREDMARKET_API_KEY", "SECRET\x01")
    ran = run("account", "balance")
    assert ran.code == 2
    texts.append(ran.out + ran.err)
    assert "SECRET" not in "".join(texts)


@pytest.mark.parametrize("code", ["7KQF-M2XW", None])
def test_a_code_need_not_be_an_argument(run: Run, stub: Stub, code: str | None) -> None:
    """claim reads its code from a pipe, because other users can see a command's arguments."""
    stub.on("POST", "/v1/auth/claim", Answer(body=tokens(1)))
    words, lines = ([], "7KQF-M2XW\npassword123\n") if code is None else ([code], "password123\n")
    assert run("auth", "claim", *words, stdin=lines).code == 0
    assert stub.requests[0].body == {"code": "7KQF-M2XW", "password": "password123"}
    empty = run("auth", "claim", stdin="\npassword123\n")
    assert (empty.code, "the code is empty" in empty.err, len(stub.requests)) == (2, True, 1)


def test_an_invitation_may_come_from_a_pipe(run: Run, stub: Stub) -> None:
    """A dash in place of the invitation's code reads it from a pipe."""
    words = ("auth", "register", EMAIL, "--invite", "-")
    assert run(*words, stdin="ABCD-EFGH\npassword123\n").code == 0
    body = {"email": EMAIL, "password": "password123", "inviteCode": "ABCD-EFGH"}
    assert stub.requests[0].body == body
