"""A slow exchange: messages, time limits, and the data for a safe repeat."""

import re
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from predmarket.client import Client, Retry, Unreachable
from tests.support.command_line import Run
from tests.support.stub_data import BALANCE, ORDER, page
from tests.support.stub_exchange import Answer, Request, Stub


def late(seconds: float, answer: Answer) -> Callable[[Request], Answer]:
    """Return a reply that takes ``seconds``."""

    def reply(_request: Request) -> Answer:
        time.sleep(seconds)
        return answer

    return reply


def test_what_is_waited_for_is_said(run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow reply gives one message; a fast one gives none, and neither does --quiet."""
    stub.on("GET", "/v1/user/balance", Answer(body=BALANCE))
    stub.on("GET", "/v1/user/events", Answer(body=page()))
    assert run("account", "balance").err == ""
    monkeypatch.setattr("predmarket.client.client.SILENT_S", 0.05)
    stub.on("GET", "/v1/user/balance", late(0.15, Answer(body=BALANCE)))
    ran = run("account", "balance")
    assert ran.code == 0
    assert ran.err == f"waiting for {stub.url} to answer (GET /v1/user/balance)\n"
    assert run("account", "balance", "--quiet").err == ""


def test_a_timeout_bounds_the_command(run: Run, stub: Stub) -> None:
    """--timeout bounds the command with all of its retries."""
    stub.on("POST", "/v1/orders", late(1.0, Answer(201, ORDER)))
    words = ("order", "place", "rain", "buy", "1", "--price", "0.5")
    began = time.monotonic()
    ran = run(*words, "--timeout", "0.3")
    assert (ran.code, ran.out) == (3, "")
    assert time.monotonic() - began < 5.0
    said = re.match(r"client order id: (\w+)\nerror: no answer from \S+ in time\n", ran.err)
    assert said
    assert ran.err.endswith(f"to repeat it safely, add: --client-id {said[1]}\n")


@pytest.mark.parametrize("seconds", ["0", "-1", "x", "1e9", "nan"])
def test_a_timeout_that_is_none(run: Run, stub: Stub, seconds: str) -> None:
    """An invalid timeout is refused before any request."""
    ran = run("status", f"--timeout={seconds}")
    assert (ran.code, stub.requests) == (2, [])
    assert "--timeout is a number from 0.1 to 3600" in ran.err


def test_the_key_of_a_transfer_is_said_before_it_is_sent(run: Run, stub: Stub) -> None:
    """The key is printed first, so that an interrupted transfer can be repeated safely."""
    words = ("transfer", "create", "ann@example.com", "5", "--reason", "r", "-y")
    stub.on("POST", "/v1/user/transfer", late(1.0, Answer(201, {"id": 1, "balance": BALANCE})))
    ran = run(*words, "--timeout", "0.2")
    assert ran.code == 3
    key = stub.requests[0].headers["idempotency-key"]
    assert ran.err.splitlines()[0] == f"idempotency key: {key}"
    assert ran.err.splitlines()[-1] == f"to repeat it safely, add: --idempotency-key {key}"
    stub.on("POST", "/v1/user/transfer", Answer(201, {"id": 1, "balance": BALANCE}))
    assert run(*words, "--idempotency-key", "k").err == "idempotency key: k\n"
    assert run(*words, "--idempotency-key", "k", "--quiet").err == ""


def test_a_call_ends_with_its_time(stub: Stub) -> None:
    """No attempt begins that would end after the time limit, and retries of a 503 end then."""
    busy = replace(Answer(503, {"error": {"code": "OVERLOADED"}}), headers={"Retry-After": "5"})
    stub.on("GET", "/v1/user/balance", busy)
    began = time.monotonic()
    with (
        Client(stub.url, retry=Retry(attempts=100, total_s=0.5)) as client,
        pytest.raises(Exception, match="OVERLOADED"),
    ):
        client.balance()
    assert len(stub.requests) == 1  # the Retry-After exceeded the time left
    stub.on("GET", "/v1/user/balance", Answer(hang_up=True))
    with (
        Client(stub.url, retry=Retry(attempts=100, first_s=0.05, total_s=0.5)) as client,
        pytest.raises(Unreachable),
    ):
        client.balance()
    assert 1 < len(stub.requests) < 8
    assert time.monotonic() - began < 10.0
