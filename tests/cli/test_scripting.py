"""Options for scripts: bare ids, client order ids, waiting for an order's end, silence."""

import json

import pytest

from tests.cli.answers import answer_all
from tests.support.command_line import Run
from tests.support.stub_data import ORDER, page
from tests.support.stub_exchange import Answer, Stub, refusal

PLACE = ("order", "place", "rain", "buy", "10", "--price", "0.6")


@pytest.fixture(autouse=True)
def _answers(stub: Stub) -> None:
    answer_all(stub)


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("order list", "17"),
        ("market list", "1 12 2"),
        ("trades rain", "5"),
        ("account fills", "5"),
        ("account statement", "10 9"),
        ("user list", "2"),
        ("auth sessions", "7"),
        ("auth key list", "3"),
        ("admin log", "10 9"),
    ],
)
def test_ids_alone(run: Run, words: str, ids: str) -> None:
    """--ids prints an id per line, whatever a table would show; JSON has an array."""
    assert run(*words.split(), "--ids").out.split() == ids.split()
    as_json = run(*words.split(), "--ids", "--json").out
    assert json.loads(as_json) == [int(one) for one in ids.split()]


def test_all_pages_of_ids(run: Run, stub: Stub) -> None:
    """With --all, ids come from all pages; --watch has no --ids."""
    second = {**ORDER, "id": 9}
    first = Answer(body={"items": [ORDER], "nextCursor": "Abc"})
    stub.on("GET", "/v1/orders", first, Answer(body=page(second)))
    assert run("order", "list", "--all-markets", "--all", "--ids").out == "17\n9\n"
    assert run("order", "list", "--all-markets", "--market", "rain").code == 2
    assert run("order", "list", "--ids", "--watch").code == 2


def test_an_order_by_ones_own_id(run: Run, stub: Stub) -> None:
    """A client order id shows, amends, cancels and replaces an order; a slash is refused."""
    path = "/v1/orders/client:mine%20%3F1"
    stub.on("GET", path, Answer(body=ORDER))
    stub.on("PATCH", path, Answer(body=ORDER))
    stub.on("POST", f"{path}/cancel", Answer(body=ORDER))
    for words in ("show", "amend --qty 5", "cancel", "replace --price 0.5"):
        command, *options = words.split()
        assert run("order", command, "client:mine ?1", *options).code == 0, words
    for wrong in ("client:", "client:a/b", "mine", "-1", "1.5"):
        ran = run("order", "show", "--", wrong)
        assert (ran.code, "client:" in ran.err) == (2, True), wrong


def test_replace(run: Run, stub: Stub) -> None:
    """replace cancels an order and places the remainder; an ended order is not replaced."""
    assert run("order", "replace", "17", "--price", "0.58", "--post-only").code == 0
    (placed,) = stub.sent("POST", "/v1/orders")
    assert isinstance(placed.body, dict)
    assert placed.body.pop("clientOrderId")
    assert placed.body.pop("deadline")
    assert placed.body == {
        "marketId": 1,
        "side": "BUY",
        "type": "LIMIT",
        "price": "0.58",
        "qty": "6.00",
        "timeInForce": "GTC",
        "postOnly": True,
    }
    stub.on("POST", "/v1/orders/17/cancel", refusal(409, "ORDER_NOT_OPEN"))
    assert run("order", "replace", "17", "--qty", "5").code == 1
    assert run("order", "replace", "17").code == 2
    assert len(stub.sent("POST", "/v1/orders")) == 1


@pytest.mark.parametrize(
    ("awaited", "end", "code"),
    [
        ("filled", "FILLED", 0),
        ("filled", "CANCELED", 1),
        ("done", "FILLED", 0),
        ("DONE", "EXPIRED", 0),
    ],
)
def test_waiting_for_an_end(run: Run, stub: Stub, awaited: str, end: str, code: int) -> None:
    """The command prints the ended order, and its exit code tells whether it filled."""
    stub.on("GET", "/v1/orders/17", Answer(body=ORDER), Answer(body={**ORDER, "status": end}))
    ran = run(*PLACE, "--wait", awaited, "-o", "jsonl")
    assert (ran.code, json.loads(ran.out)["status"]) == (code, end)
    assert len(stub.sent("GET", "/v1/orders/17")) == 2


def test_an_end_that_does_not_come(run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the time limit the command prints the live order, with an exit code of its own."""
    monkeypatch.setattr("predmarket.cli.order_wait.FIRST_PAUSE_S", 2.0)
    ran = run(*PLACE, "--wait", "done", "--wait-at-most", "1", "-o", "jsonl")
    assert (ran.code, json.loads(ran.out)["status"]) == (3, "PARTIALLY_FILLED")
    assert "predmarket order cancel 17" in ran.err or "STILL_WORKING" in ran.err


def test_a_repeat_is_told(run: Run, stub: Stub) -> None:
    """A repeated order or transfer is reported as one (HTTP 200 in place of 201)."""
    transfer = ("transfer", "create", "ann@example.com", "5", "--reason", "r", "--yes")
    for words in (PLACE, transfer):
        assert "a repeat" not in run(*words).err
    stub.on("POST", "/v1/orders", Answer(body=ORDER))
    stub.on("POST", "/v1/user/transfer", Answer(body={"id": 4, "balance": {}}))
    for words in (PLACE, transfer):
        assert "a repeat: " in run(*words).err
        assert run(*words, "--quiet").err == ""
