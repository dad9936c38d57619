"""Exit codes, and errors as people and as programs read them."""

import json
from dataclasses import replace

import pytest

from predmarket.cli import failure
from tests.cli.conftest import Run
from tests.client.data import MARKET, page
from tests.client.stub import Answer, Stub, refusal


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
    """The table of TERMINAL.md."""
    stub.on("GET", "/v1/markets/rain", refusal(status, "SOME_CODE", "some words"))
    ran = run("market", "show", "rain")
    assert (expected, "") == (ran.code, ran.out)
    assert ran.err.startswith("error: SOME_CODE: some words\n")


def test_too_many_requests(run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """People are told when to come back."""
    monkeypatch.setattr("predmarket.client.retry.Retry.pause_s", _no_pause)
    limited = refusal(429, "RATE_LIMITED", "too many requests")
    stub.on("GET", "/v1/status", replace(limited, headers={"Retry-After": "60"}))
    assert run("status").err.splitlines()[-1] == "try again in 60 s"


def test_an_exchange_that_stays_busy(run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 is met by patience first, then by exit code 3."""
    monkeypatch.setattr("predmarket.client.retry.Retry.pause_s", _no_pause)
    stub.on("GET", "/v1/status", refusal(503, "UNAVAILABLE"))
    assert run("status").code == 3
    assert len(stub.requests) == 3


def _no_pause(_self: object, attempt: int, _asked_s: float | None = None) -> float | None:
    return 0.0 if attempt < 3 else None


def test_nobody_there(run: Run) -> None:
    """Exit code 3, and one line that names the address."""
    ran = run("--url", "http://127.0.0.1:1", "market", "list")
    assert ran.code == 3
    assert ran.err.startswith("error: cannot reach http://127.0.0.1:1: ")
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("output", ["json", "jsonl"])
def test_an_error_is_one_json_object(run: Run, stub: Stub, output: str) -> None:
    """Code, message and details, as the exchange gave them."""
    details = [{"path": "limit", "message": "too many"}]
    stub.on("GET", "/v1/markets", refusal(400, "VALIDATION_FAILED", "bad", details))
    ran = run("market", "list", "-o", output)
    expected = {
        "error": {"code": "VALIDATION_FAILED", "message": "bad", "details": details},
        "requestId": "req-1",
    }
    assert (2, "", expected) == (ran.code, ran.out, json.loads(ran.err))


def test_details_are_lines_for_people(run: Run, stub: Stub) -> None:
    """Each field that was wrong has its line."""
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
    """Exit code 2, nothing sent, an error in whichever format the line asks for."""
    ran = run(*words.split())
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    as_json = run(*words.split(), "-o", "json") if "-o yaml" not in words else run("--json", "x")
    assert as_json.code == 2
    if "--url" not in words.rsplit(maxsplit=1)[-1]:
        assert json.loads(as_json.err)["error"]["code"] in {"USAGE", "CONFIGURATION"}
    assert not stub.requests


def test_an_argument_that_is_no_text(run: Run) -> None:
    """Bytes that are not UTF-8 come from the shell as lone surrogates."""
    ran = run("market", "show", "\udcff")
    assert ran.code == 2
    assert ran.err.startswith("error: ")


def test_a_defect_is_one_line(run: Run, stub: Stub) -> None:
    """Even an answer that no exchange gives leads to no traceback."""
    stub.on("GET", "/v1/markets", Answer(body={"unexpected": 1}))
    ran = run("market", "list")
    assert ran.code == failure.USAGE
    assert "Traceback" not in ran.err
    assert ran.err.startswith("error: INTERNAL: KeyError")


def test_a_refused_login_has_a_hint(run: Run, stub: Stub) -> None:
    """Whoever is not logged in is told how to."""
    stub.on("GET", "/v1/user/balance", refusal(401, "UNAUTHENTICATED", "who are you"))
    ran = run("account", "balance")
    assert ran.code == 4
    assert "predmarket auth login" in ran.err


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
    """Before or after each sub-command; the last one wins."""
    stub.on("GET", "/v1/markets", Answer(body=page(MARKET)))
    assert json.loads(run(*words.split()).out) == [MARKET]


def test_the_value_of_an_option_is_no_global_option(run: Run, stub: Stub) -> None:
    """--reason --json means a reason spelled so."""
    stub.on("POST", "/v1/user/transfer", Answer(201, {"id": 1, "balance": {}}))
    run("transfer", "create", "ann@example.com", "5", "-y", "--reason", "--json")
    assert stub.requests[0].body == {
        "email": "ann@example.com",
        "amount": "5",
        "reason": "--json",
    }


def test_url_and_profile_flags_choose_the_exchange(run: Run, stub: Stub) -> None:
    """A flag goes before the environment, at the end of the line too."""
    stub.on("GET", "/v1/markets", Answer(body=page()))
    url = stub.url
    assert run("--url", "http://127.0.0.1:1", "market", "list", "--url", url, "-P", "x").code == 0
