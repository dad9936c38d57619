"""Commands that ask for confirmation: resolving, voiding, transfers; and other market commands."""

import json

import pytest

from tests.support.command_line import Run
from tests.support.stub_data import BALANCE, BOOK, MARKET, POSITION, page
from tests.support.stub_exchange import Answer, Stub

EMPTY = {**BOOK, "bids": [], "asks": []}
RESOLVE = ("market", "resolve", "rain")
TRANSFER = ("transfer", "create", "ann@example.com", "-25.50", "--reason", "correction")


@pytest.fixture(autouse=True)
def _answers(stub: Stub) -> None:
    resolution = {"market": MARKET, "payouts": {"accounts": 2, "total": "10.000000"}}
    stub.on("POST", "/v1/markets/rain/resolve", Answer(body=resolution))
    stub.on("POST", "/v1/user/transfer", Answer(201, {"id": 1, "balance": {"total": "5.000000"}}))
    stub.on("PATCH", "/v1/markets/rain", Answer(body=MARKET))
    stub.on("GET", "/v1/markets/rain", Answer(body=MARKET))
    stub.on("POST", "/v1/markets", Answer(201, MARKET))


@pytest.mark.parametrize("words", [(*RESOLVE, "YES"), (*RESOLVE, "void"), TRANSFER])
def test_without_an_answer_nothing_happens(run: Run, stub: Stub, words: tuple[str, ...]) -> None:
    """--no-input and an empty pipe give exit code 2, a no gives 130; nothing is sent."""
    refused = run(*words, "--no-input", "--json")
    assert refused.code == 2
    assert json.loads(refused.err)["error"]["code"] == "CONFIRMATION_NEEDED"
    assert run(*words).code == 2
    assert run(*words, stdin="n\n").code == 130
    assert run(*words, stdin="\n").code == 130
    assert not stub.requests


@pytest.mark.parametrize("amount", ["fifty", "1.0000001", "--", "nan"])
def test_nobody_is_asked_about_an_amount_that_is_none(run: Run, stub: Stub, amount: str) -> None:
    """An invalid amount is refused before the question; nothing is sent."""
    ran = run("transfer", "create", "--reason", "r", "--", "ann@example.com", amount, stdin="y\n")
    assert ran.code == 2
    assert ran.err.startswith(f"error: AMOUNT {amount} is no number of dollars")
    assert "[y/N]" not in ran.err
    assert not stub.requests


def test_closing_says_what_it_cancels(run: Run, stub: Stub) -> None:
    """close reports the orders it would cancel before it asks; --yes skips the question."""
    stub.on("GET", "/v1/orderbook/rain", Answer(body=BOOK), Answer(body=BOOK), Answer(body=EMPTY))
    close = ("market", "close", "rain")
    ran = run(*close, stdin="n\n")
    assert ran.code == 130
    assert "cancels the resting orders of all users: 280.50 contracts bid and 395.00" in ran.err
    refused = run(*close, "--no-input", "--json")
    assert json.loads(refused.err)["error"]["code"] == "CONFIRMATION_NEEDED"
    assert [request.method for request in stub.requests] == ["GET", "GET"]
    empty = run(*close, stdin="y\n")
    assert (empty.code, "No order rests in it." in empty.err) == (0, True)
    assert run(*close, "--yes").code == 0
    assert [request.method for request in stub.requests[2:]] == ["GET", "PATCH", "PATCH"]


def test_a_strike_is_called_one(run: Run, stub: Stub) -> None:
    """The question before one market of an event is resolved NO calls it a strike.

    It counts the outcomes left. A strike that leaves too few is refused before it; a market without
    event is just resolved.
    """
    no = (*RESOLVE, "NO")
    others = [{**MARKET, "id": 2}, {**MARKET, "id": 3, "outcome": "NO"}, {**MARKET, "id": 4}]
    event = {"slug": "vote", "exhaustive": False, "markets": [MARKET, *others]}
    two = {**event, "exhaustive": True, "markets": [MARKET, others[0]]}
    stub.on("GET", "/v1/events/vote", Answer(body=event), Answer(body=two))
    of_event = Answer(body={**MARKET, "eventSlug": "vote"})
    stub.on("GET", "/v1/markets/rain", of_event, of_event, Answer(body=MARKET))
    ran = run(*no, stdin="n\n")
    assert ran.code == 130
    assert "Strike rain from the event vote? " in ran.err
    assert "the event goes on with 2 markets and NONE. This is final." in ran.err
    refused = run(*no, stdin="y\n")
    assert (refused.code, "EVENT_DECIDES" in refused.err) == (1, True)
    assert "[y/N]" not in refused.err
    assert "Resolve rain as NO? This is final." in run(*no, stdin="n\n").err
    assert {request.method for request in stub.requests} == {"GET"}


@pytest.mark.parametrize("words", [(*RESOLVE, "YES"), TRANSFER])
def test_a_yes_goes_through(run: Run, stub: Stub, words: tuple[str, ...]) -> None:
    """A typed yes or the flag confirms, even where questions are forbidden."""
    asked = run(*words, stdin="y\n")
    assert asked.code == 0
    assert "[y/N]" in asked.err
    assert run(*words, "--yes", "--no-input").code == 0
    assert run("-y", *words).code == 0
    assert sum(request.method == "POST" for request in stub.requests) == 3


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("yes", {"outcome": "YES"}),
        ("NO", {"outcome": "NO"}),
        ("VOID", {"outcome": "VOID"}),
        ("0.25", {"outcome": "SCALAR", "settlementPrice": "0.25"}),
        ("1", {"outcome": "SCALAR", "settlementPrice": "1"}),
        ("0", {"outcome": "SCALAR", "settlementPrice": "0"}),
    ],
)
def test_outcomes(run: Run, stub: Stub, outcome: str, expected: dict[str, str]) -> None:
    """A price is accepted as a scalar outcome."""
    assert run(*RESOLVE, outcome, "-y").code == 0
    assert expected == stub.requests[0].body


def test_an_early_resolution_is_asked_twice(run: Run, stub: Stub) -> None:
    """A resolution before the closing time takes two questions, a proposal one with its time."""
    ahead, past = "2999-01-01T00:00:00.000000Z", "2001-01-01T00:00:00.000000Z"
    stub.on("GET", "/v1/status", Answer(body={}))
    stub.on("GET", "/v1/markets/rain", *[Answer(body={**MARKET, "closesAt": ahead})] * 3)
    asked = run(*RESOLVE, "YES", stdin="y\nn\n")
    assert (asked.code, asked.err.count("[y/N]")) == (130, 2)
    assert "rain closes only at 2999-01-01 00:00:00Z. Do it all the same?" in asked.err
    assert run(*RESOLVE, "YES", stdin="y\ny\n").code == 0
    proposed = run(*RESOLVE, "YES", "--after", "24h", stdin="y\n")
    assert (proposed.code, proposed.err.count("[y/N]")) == (0, 1)
    assert "Trading ends now, and this happens in 24h." in proposed.err
    stub.on("GET", "/v1/markets/rain", Answer(body={**MARKET, "closesAt": past}))
    assert run(*RESOLVE, "YES", stdin="y\n").err.count("[y/N]") == 1
    event = {**MARKET, "slug": "vote", "marketCount": 2, "exhaustive": False, "closesAt": ahead}
    stub.on("GET", "/v1/events/vote", Answer(body={**event, "markets": [MARKET]}))
    asked = run("event", "resolve", "vote", "rain", stdin="y\nn\n")
    assert (asked.code, asked.err.count("[y/N]")) == (130, 2)
    assert [one.body for one in stub.sent("POST", "/v1/markets/rain/resolve")] == [
        {"outcome": "YES"},
        {"outcome": "YES", "after": "24h"},
        {"outcome": "YES"},
    ]


@pytest.mark.parametrize("span", ["soon", "0h", "", "2030-01-01"])
def test_a_proposal_takes_a_span(run: Run, stub: Stub, span: str) -> None:
    """A value of --after that is not a span is refused before any question or request."""
    for words in (RESOLVE, ("event", "resolve", "vote")):
        ran = run(*words, "YES", "--after", span, stdin="y\n")
        assert (ran.code, "[y/N]" in ran.err) == (2, False)
        assert "--after takes a span such as" in ran.err
    assert not stub.requests


def test_a_confirm_says_what_is_proposed(run: Run, stub: Stub) -> None:
    """The question shows the proposal's outcome, reason and author.

    Without a proposal the exchange refuses.
    """
    proposal = {
        "outcome": "YES",
        "settlementPrice": None,
        "note": "It rained.",
        "source": "https://example.com",
        "actorId": 7,
        "effectiveAt": None,
    }
    proposed = {**MARKET, "status": "CLOSED", "proposal": proposal}
    stub.on("GET", "/v1/markets/rain", Answer(body=proposed))
    body = {"market": proposed, "payouts": None}
    stub.on("POST", "/v1/markets/rain/resolve", Answer(body=body))
    waiting = run(*RESOLVE, "YES", "--yes")
    assert "another admin has to confirm it" in waiting.err
    assert "market proposal confirm rain" in waiting.err
    confirm = ("market", "proposal", "confirm", "rain")
    asked = run(*confirm, stdin="n\n")
    assert asked.code == 130
    assert (
        "Resolve rain as YES, proposed by user 7. Note: It rained. Source: https://example.com"
        " This is final: go on? [y/N]"
    ) in asked.err
    assert not stub.sent("POST", "/v1/markets/rain/proposal/confirm")
    stub.on("POST", "/v1/markets/rain/proposal/confirm", Answer(body=body))
    assert run(*confirm, stdin="y\n").code == run(*confirm, "--yes").code == 0
    sent = stub.sent("POST", "/v1/markets/rain/proposal/confirm")
    assert [one.body for one in sent] == [{"proposal": proposal}] * 2


def test_a_transfer_has_a_key(run: Run, stub: Stub) -> None:
    """A transfer always has a key, which the user may choose; an amount may be negative."""
    run(*TRANSFER, "-y")
    run(*TRANSFER, "-y", "--idempotency-key", "k")
    assert stub.requests[0].headers["idempotency-key"]
    assert stub.requests[1].headers["idempotency-key"] == "k"
    expected = {"email": "ann@example.com", "amount": "-25.50", "reason": "correction"}
    assert expected == stub.requests[0].body


def test_lifecycle(run: Run, stub: Stub) -> None:
    """open, halt and close send a status."""
    for command in ("open", "halt", "close"):
        assert run("market", command, "rain", "--yes").code == 0
    statuses = [{"status": "OPEN"}, {"status": "HALTED"}, {"status": "CLOSED"}]
    assert statuses == [item.body for item in stub.requests]


def test_create(run: Run, stub: Stub) -> None:
    """Each flag is a field; fields that are not given are not sent."""
    run("market", "create", "rain", "Rain?")
    words = "--description d --tick 0.001 --maker-fee 0 --taker-fee 0.07 --draft"
    run("market", "create", "rain", "Rain?", *words.split(), "--closes-at", "2030-01-01T00:00:00Z")
    assert stub.requests[0].body == {"slug": "rain", "question": "Rain?"}
    assert stub.requests[1].body == {
        "slug": "rain",
        "question": "Rain?",
        "description": "d",
        "tickSize": "0.001",
        "makerFeeRate": "0",
        "takerFeeRate": "0.07",
        "closesAt": "2030-01-01T00:00:00.000000Z",
        "status": "DRAFT",
    }


def test_user_update_finds_the_account(run: Run, stub: Stub) -> None:
    """user update matches the whole e-mail address, whatever else the search finds."""
    users = [{"id": 1, "email": "joann@example.com"}, {"id": 2, "email": "ann@example.com"}]
    stub.on("GET", "/v1/users", Answer(body={"items": users, "total": 2}))
    stub.on("PATCH", "/v1/users/2", Answer(body=users[1]))
    assert run("user", "update", "Ann@example.com", "--role", "admin", "--disable").code == 0
    assert stub.requests[1].body == {"role": "ADMIN", "disabled": True}
    assert run("user", "update", "bob@example.com", "--enable").code == 5


def test_user_show_prints_one_list_or_the_account(run: Run, stub: Stub) -> None:
    """JSON shows the account as one object; list options require a list."""
    user = {"id": 2, "email": "ann@example.com"}
    order = {"id": 17}
    stub.on("GET", "/v1/users", Answer(body=page(user)))
    stub.on("GET", "/v1/users/2/balance", Answer(body=BALANCE))
    stub.on("GET", "/v1/users/2/positions", Answer(body=page(POSITION)))
    stub.on("GET", "/v1/users/2/orders", Answer(body=page(order, cursor="c")))
    stub.on("GET", "/v1/users/2/ledger", Answer(body=page()))
    show = ("user", "show", "ann@example.com")
    whole = run(*show, "--json")
    assert whole.err == "more live orders: --list orders\n"
    expected = {"user": user, "balance": BALANCE, "positions": [POSITION], "orders": [order]}
    assert json.loads(whole.out) == expected
    assert stub.sent("GET", "/v1/users/2/orders")[0].query == {"status": "LIVE", "limit": "100"}
    span = ("--since", "2030-01-01T00:00:00Z", "--limit", "5")
    assert run(*show, "--list", "statement", *span, "--json").out == "[]\n"
    asked = stub.sent("GET", "/v1/users/2/ledger")[0].query
    assert asked == {"since": "2030-01-01T00:00:00.000000Z", "limit": "5"}
    for wrong in (span, ("--all",), ("--list", "positions", *span), ("--list", "bots")):
        assert run(*show, *wrong).code == 2
    assert run("user", "show", "bob@example.com").code == 5


def test_a_resolution_is_told_in_a_few_lines(run: Run) -> None:
    """People get a short report of the outcome and the payouts; JSON has all of it."""
    ended = run(*RESOLVE, "YES", "--yes")
    assert [line.split()[0] for line in ended.out.splitlines()] == [
        "slug",
        "status",
        "outcome",
        "settlement",
        "payouts",
    ]
    assert json.loads(run(*RESOLVE, "YES", "--yes", "--json").out)["market"] == MARKET
