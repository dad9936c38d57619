"""Exit codes, and the format of errors for people and for programs."""

import json
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from predmarket.exit_codes import ExitCode
from tests.support.command_line import Run
from tests.support.stub_data import MARKET, page
from tests.support.stub_exchange import Answer, Stub, refusal


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, 2),
        (401, 4),
        (403, 4),
        (404, 5),
        (405, 2),
        (409, 1),
        (413, 2),
        (422, 1),
        (429, 3),
        (500, 3),
        (502, 3),
    ],
)
def test_each_status_has_its_code(run: Run, stub: Stub, status: int, expected: int) -> None:
    """An exit code for each HTTP status, whatever the error code."""
    stub.on("GET", "/v1/markets/rain", refusal(status, "SOME_CODE", "some words"))
    ran = run("market", "show", "rain")
    assert (expected, "") == (ran.code, ran.out)
    assert ran.err.startswith("error: SOME_CODE: some words\n")


def test_too_many_requests(run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message says when the next request is allowed."""
    monkeypatch.setattr("predmarket.client.retry.Retry.pause_s", _no_pause)
    limited = refusal(429, "RATE_LIMITED", "too many requests")
    stub.on("GET", "/v1/status", replace(limited, headers={"Retry-After": "60"}))
    assert run("status").err.splitlines()[-1] == "try again in 60 s"


def test_an_exchange_that_stays_busy(run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A 503 is retried; a persistent one gives exit code 3."""
    monkeypatch.setattr("predmarket.client.retry.Retry.pause_s", _no_pause)
    stub.on("GET", "/v1/status", refusal(503, "UNAVAILABLE"))
    assert run("status").code == 3
    assert len(stub.requests) == 3


def _no_pause(_self: object, attempt: int, _asked_s: float | None = None) -> float | None:
    return 0.0 if attempt < 3 else None


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("flag", "the address {url} comes from --url"),
        ("env", "the address {url} comes from PREDMARKET_URL"),
        ("file", "the address {url} comes from PREDMARKET_URL in .env"),
        ("profile", "the address {url} comes from profile practice"),
    ],
)
def test_nobody_there(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str, said: str
) -> None:
    """An unreachable address gives exit code 3; the message names it and its origin."""
    url = "http://127.0.0.1:1"
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PREDMARKET_URL")
    words: list[str] = []
    if source == "flag":
        words = ["--url", url]
    elif source == "env":
        monkeypatch.setenv("PREDMARKET_URL", url)
    elif source == "file":
        (tmp_path / ".env").write_text(f"PREDMARKET_URL={url}\n")
    else:
        words = ["-P", "practice"]
        home.mkdir()
        (home / "config.toml").write_text(f'[profiles.practice]\nurl = "{url}"\n')
    monkeypatch.setattr("predmarket.client.retry.Retry.pause_s", lambda *_: None)
    ran = run("market", "list", *words)
    assert ran.code == 3
    assert ran.err.splitlines() == [
        f"error: cannot reach {url}: Connection refused",
        said.format(url=url),
    ]


def test_nobody_at_the_default_address(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the default address the message names the command that starts an exchange."""
    monkeypatch.delenv("PREDMARKET_URL")
    monkeypatch.setattr("predmarket.client.settings.DEFAULT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("predmarket.client.retry.Retry.pause_s", lambda *_: None)
    ran = run("market", "list")
    assert ran.code == 3
    assert ran.err.splitlines()[-1].endswith("start an exchange there with: predmarket serve")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(404, raw=b"<h1>no"), "is no predmarket exchange: it answered 404 Not Found"),
        (Answer(raw=b"<h1>hello"), "does not answer like a predmarket exchange"),
        (Answer(body={"unexpected": 1}), "does not answer like a predmarket exchange"),
        (Answer(body=[1]), "does not answer like a predmarket exchange"),
        (Answer(204), "does not answer like a predmarket exchange"),
        (Answer(302, headers={"Location": "https://x/"}), "sends one on to https://x/"),
        (Answer(502, raw=b"<h1>bad"), "what stands before the exchange answered 502 Bad Gateway"),
    ],
)
def test_what_is_no_exchange(
    run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch, answer: Answer, said: str
) -> None:
    """An answer that is not an exchange's gives a plain message."""
    monkeypatch.setattr("predmarket.client.retry.Retry.pause_s", lambda *_: None)
    stub.on("GET", "/v1/markets", answer)
    ran = run("market", "list")
    assert (ran.code, ran.out) == (3, "")
    assert said in ran.err.splitlines()[0]
    assert ran.err.splitlines()[1] == f"the address {stub.url} comes from PREDMARKET_URL"


def test_https_where_http_is_spoken(run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """HTTPS to an HTTP port gives a plain message in place of the library's."""
    monkeypatch.setattr("predmarket.client.retry.Retry.pause_s", lambda *_: None)
    ran = run("--url", stub.url.replace("http:", "https:"), "market", "list")
    assert ran.code == 3
    assert "does not speak https; try http\n" in ran.err


def test_what_speaks_no_http(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port of another protocol gives a plain message."""
    monkeypatch.setattr("predmarket.client.retry.Retry.pause_s", lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def speak() -> None:
            connection, _ = server.accept()
            with connection:
                connection.sendall(b"220 mail.example.com\r\n\r\n")
                connection.recv(1000)

        thread = threading.Thread(target=speak)
        thread.start()
        ran = run("--url", f"http://127.0.0.1:{server.getsockname()[1]}", "market", "list")
        thread.join()
    assert ran.code == 3
    assert "does not speak http\n" in ran.err


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_an_error_is_one_json_object(run: Run, stub: Stub, output: str) -> None:
    """A JSON error has the exchange's code, message and details."""
    details = [{"path": "limit", "message": "too many"}]
    stub.on("GET", "/v1/markets", refusal(400, "VALIDATION_FAILED", "bad", details))
    ran = run("market", "list", "-o", output)
    expected = {
        "error": {"code": "VALIDATION_FAILED", "message": "bad", "details": details},
        "requestId": "req-1",
    }
    assert (2, "", expected) == (ran.code, ran.out, json.loads(ran.err))


def test_details_are_lines_for_people(run: Run, stub: Stub) -> None:
    """Each invalid field has its own line."""
    details = [{"path": "limit", "message": "too many"}]
    stub.on("GET", "/v1/markets", refusal(400, "VALIDATION_FAILED", "bad", details))
    assert run("market", "list").err == "error: VALIDATION_FAILED: bad\n  limit: too many\n"


@pytest.mark.parametrize(
    "words",
    [
        "nonsense",
        "market",
        "market nonsense",
        "market show",
        "market show a b",
        "market list --limit 0",
        "market list --limit 101",
        "market list --limit x",
        "market list --status sideways",
        "market list --bogus",
        "market list --url",
        "-o yaml market list",
        "--url ftp://h market list",
        "--profile ../x market list",
        "order place rain buy 10",
        "order place rain buy 10 --price 0.5 --market",
        "order place rain hold 10 --price 0.5",
        "order place rain buy 10 --price 0.5 --tif DAY",
        "order place rain buy 10 --price 0.5 --expires soon",
        "order cancel",
        "order cancel x",
        "order show 0",
        "order amend 1",
        "order batch no-such-file",
        "market resolve rain MAYBE -y",
        "market resolve rain 1.5 -y",
        "market resolve rain NaN -y",
        "market resolve rain 0.12345 -y",
        "transfer create ann@example.com 5 -y",
        "user update ann@example.com",
        "user update ann@example.com --enable --disable",
        "serve --port 70000",
        "user set-role ann@example.com KING",
    ],
)
def test_a_line_that_cannot_be_carried_out(run: Run, stub: Stub, words: str) -> None:
    """A wrong command line gives exit code 2, an error in its format, and no request."""
    ran = run(*words.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    as_json = run(*words.split(), "-o", "json") if "-o yaml" not in words else run("--json", "x")
    assert as_json.code == 2
    if "--url" not in words.rsplit(maxsplit=1)[-1]:
        assert json.loads(as_json.err)["error"]["code"] in {"USAGE", "CONFIGURATION"}
    assert not stub.requests


def test_an_argument_that_is_no_text(run: Run) -> None:
    """An argument that is not UTF-8 (lone surrogates) gives a plain error."""
    ran = run("market", "show", "\udcff")
    assert ran.code == 2
    assert ran.err.startswith("error: ")


def test_a_defect_is_one_line(run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unexpected exception gives one line and no traceback."""

    def fail(*_: object, **__: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr("predmarket.cli.market.show_list", fail)
    ran = run("market", "list")
    assert ran.code == ExitCode.USAGE
    assert "Traceback" not in ran.err
    assert ran.err.startswith("error: INTERNAL: KeyError")


def test_whoever_is_not_logged_in_is_told_how_to(run: Run, stub: Stub) -> None:
    """The message has the login command for the same exchange and profile."""
    stub.on("GET", "/v1/user/balance", refusal(401, "UNAUTHENTICATED", "who are you"))
    ran = run("account", "balance")
    assert ran.code == 4
    assert ran.err.splitlines() == [
        f"error: UNAUTHENTICATED: not logged in at {stub.url} (profile default)",
        "log in with: predmarket auth login EMAIL",
    ]
    hint = f"predmarket -P ann --url {stub.url} auth login EMAIL"
    assert run("account", "balance", "-P", "ann", "--url", stub.url).err.endswith(f"{hint}\n")
    assert run("auth", "status", "-P", "ann", "--url", stub.url).err.endswith(f"{hint}\n")


def test_a_bad_api_key_is_not_a_matter_of_logging_in(
    run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bad API key gives no advice to log in, because the key takes precedence."""
    monkeypatch.setenv("PREDMARKET_API_KEY", "pmk_SECRET")
    stub.on("GET", "/v1/user/balance", refusal(401, "UNAUTHENTICATED", "who are you"))
    ran = run("account", "balance")
    assert (ran.code, "log in" in ran.err, "SECRET" in ran.err) == (4, False, False)
    assert "the API key in PREDMARKET_API_KEY (the environment) is unknown here" in ran.err


def test_what_one_may_not_do(run: Run, stub: Stub) -> None:
    """A forbidden request names the user's account, and does not advise to log in."""
    stub.on("GET", "/v1/users", refusal(403, "FORBIDDEN", "only an admin may do this"))
    ran = run("user", "list", "-P", "ann")
    assert ran.code == 4
    assert ran.err.splitlines() == [
        "error: FORBIDDEN: only an admin may do this",
        f"this was asked with the login of profile ann, at {stub.url}",
    ]


@pytest.mark.parametrize("words", ["book rian", "order list --market rian", "market show rian"])
def test_a_mistyped_market(run: Run, stub: Stub, words: str) -> None:
    """A mistyped market gives the nearest name."""
    for path in ("/v1/orderbook/rian", "/v1/orders", "/v1/markets/rian"):
        stub.on("GET", path, refusal(404, "MARKET_NOT_FOUND", "there is no such market"))
    stub.on("GET", "/v1/markets", Answer(body=page(MARKET)))
    ran = run(*words.split())
    assert ran.code == 5
    said = "error: MARKET_NOT_FOUND: there is no market rian; did you mean rain?\n"
    assert ran.err == said
    stub.on("GET", "/v1/markets", refusal(500, "INTERNAL"))
    assert run(*words.split()).err == said.replace("; did you mean rain?", "")


@pytest.mark.parametrize(
    "words",
    [
        "--json market list",
        "market --json list",
        "market list --json",
        "-o json market list",
        "market -ojson list",
        "market list --output=JSON",
        "-o table market -o csv list -o json",
    ],
)
def test_global_options_stand_anywhere(run: Run, stub: Stub, words: str) -> None:
    """Global options may stand before or after each sub-command; the last one wins."""
    stub.on("GET", "/v1/markets", Answer(body=page(MARKET)))
    assert json.loads(run(*words.split()).out) == [MARKET]


def test_the_value_of_an_option_is_no_global_option(run: Run, stub: Stub) -> None:
    """`--reason --json` gives the reason "--json"."""
    stub.on("POST", "/v1/user/transfer", Answer(201, {"id": 1, "balance": {}}))
    run("transfer", "create", "ann@example.com", "5", "-y", "--reason", "--json")
    assert stub.requests[0].body == {
        "email": "ann@example.com",
        "amount": "5",
        "reason": "--json",
    }


def test_url_and_profile_flags_choose_the_exchange(run: Run, stub: Stub) -> None:
    """A flag takes precedence over the environment, also at the end of the line."""
    stub.on("GET", "/v1/markets", Answer(body=page()))
    url = stub.url
    assert run("--url", "http://127.0.0.1:1", "market", "list", "--url", url, "-P", "x").code == 0
