"""Event commands: requests, refusals, questions, and the display of outcomes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest
import typer

from predmarket.cli import complete
from predmarket.cli.context import Line
from predmarket.cli.event_tables import Own, card, folded, payoffs
from predmarket.cli.parser import root
from predmarket.cli.table_renderer import draw
from predmarket.client.response_types import Event, EventHolding, Position
from tests.cli.answers import ANN, BOB, EVENT, EVENT_RESOLVED, HOLDING, NO_OF_ANN, answer_all
from tests.support.command_line import Run
from tests.support.stub_data import POSITION, page
from tests.support.stub_exchange import Answer, Stub, refusal

CREATE = ("event", "create", "vote", "Who wins?")
RESOLVE = ("event", "resolve", "vote")
MARKETS = [
    {"slug": "ann", "question": "Ann, or not?", "label": "Ann"},
    {"slug": "bob", "question": "1+1=2?"},
]


@pytest.fixture(autouse=True)
def _answers(stub: Stub) -> None:
    answer_all(stub)


def test_create_sends_what_is_given(run: Run, stub: Stub) -> None:
    """Each flag is a field; a question may contain any character, = included."""
    assert run(*CREATE, "--market", "ann=Ann?", "--market", "bob=1+1=2?").code == 0
    words = "--description d --tick 0.001 --maker-fee 0 --taker-fee 0.07 --draft --exhaustive"
    closes = ("--closes-at", "2030-01-01T00:00:00Z")
    assert run(*CREATE, "--market", "ann=Ann?", *words.split(), *closes).code == 0
    plain, full = [request.body for request in stub.requests]
    questions = [{"slug": "ann", "question": "Ann?"}, {"slug": "bob", "question": "1+1=2?"}]
    assert plain == {"slug": "vote", "title": "Who wins?", "markets": questions}
    assert full == {
        "slug": "vote",
        "title": "Who wins?",
        "markets": questions[:1],
        "description": "d",
        "tickSize": "0.001",
        "makerFeeRate": "0",
        "takerFeeRate": "0.07",
        "closesAt": "2030-01-01T00:00:00.000000Z",
        "status": "DRAFT",
        "exhaustive": True,
    }


@pytest.mark.parametrize(
    "text",
    [
        'slug,question,label\nann,"Ann, or not?",Ann\nbob,1+1=2?,\n',
        "\ufeffLabel;".replace(";", ",") + 'Slug,Question\r\nAnn,ann,"Ann, or not?"\r\n,bob,1+1=2?',
        json.dumps(MARKETS),
        json.dumps({"markets": MARKETS}),
        "\n".join(map(json.dumps, MARKETS)),
    ],
)
def test_a_file_of_outcomes(run: Run, stub: Stub, tmp_path: Path, text: str) -> None:
    """create reads CSV, JSON and JSON lines; outcomes of the command line follow the file's."""
    file = tmp_path / "outcomes"
    file.write_bytes(text.encode())
    assert run(*CREATE, "--file", str(file)).code == 0
    assert run(*CREATE, "--file", "-", "--market", "cleo=Cleo?", stdin=text).code == 0
    bodies = [cast("dict[str, object]", request.body)["markets"] for request in stub.requests]
    assert bodies == [MARKETS, [*MARKETS, {"slug": "cleo", "question": "Cleo?"}]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no market"),
        ("slug,question\n", "holds no market"),
        ("slug,qestion\nann,Ann?\n", "'qestion' is no field of a market; did you mean question?"),
        ("slug,slug\nann,Ann?\n", "two columns slug"),
        ("slug\nann\n", "market 1 has no question"),
        ("slug,question\nann,Ann?\n,Bob?\n", "market 2 has no slug"),
        ("slug,question\nann,Ann?,Ann\n", "market 1 has more cells"),
        ('[{"slug": "ann", "question": 5}]', "market 1: question is a text"),
        ('[{"slug": "ann", "question": "A?", "price": "1"}]', "'price' is no field of a market"),
        ('["ann"]', "must hold an array of markets"),
        ("[", "holds no JSON"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_a_file_that_is_none(run: Run, stub: Stub, text: str, said: str) -> None:
    """An invalid file is refused with a reason and the market's number; nothing is sent."""
    ran = run(*CREATE, "--file", "-", stdin=text)
    assert (ran.code, said in ran.err, stub.requests) == (2, True, []), ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (CREATE, "give the markets"),
        ((*CREATE, "--market", "ann"), "--market is SLUG=QUESTION, not ann"),
        ((*CREATE, "--market", "=Ann?"), "--market is SLUG=QUESTION, not =Ann?"),
        ((*CREATE, "--file", "/nowhere"), "cannot read /nowhere"),
        (
            ("event", "update", "vote"),
            "--tag, --source, --group or --series",
        ),
        ((*RESOLVE, ""), "is empty"),
        ((*RESOLVE, "ann=0.5,bob=0.4"), "weights add up to 1, and these to 0.9000"),
        ((*RESOLVE, "ann=0.5,bob=0.6"), "weights add up to 1, and these to 1.1000"),
        ((*RESOLVE, "ann=0.5,ann=0.5"), "ann has two weights"),
        ((*RESOLVE, "ann=0.5,bob"), "bob is no M=PRICE"),
        ((*RESOLVE, "ann,bob"), "ann is no M=PRICE"),
        ((*RESOLVE, "ann=0,5,bob=0,5"), "5 is no M=PRICE"),
        ((*RESOLVE, "ann=1.5,bob=-0.5"), "the price of ann 1.5 is no settlement price"),
        ((*RESOLVE, "ann=50%,bob=50%"), "did you mean 0.5?"),
        ((*RESOLVE, "ann=,bob=1"), "the price of ann that is empty"),
    ],
)
def test_what_is_no_command(run: Run, stub: Stub, words: tuple[str, ...], said: str) -> None:
    """An invalid command line is refused before any question or request."""
    ran = run(*words, stdin="y\n")
    assert (ran.code, said in ran.err, "[y/N]" in ran.err) == (2, True, False), ran.err
    assert not stub.requests


@pytest.mark.parametrize(
    ("outcome", "asked", "sent"),
    [
        ("ann", "ann pays 1.00, every other outcome nothing?", {"outcome": "ann"}),
        ("2", "2 pays 1.00", {"outcome": 2}),
        ("NONE", "as NONE, so that none of its 3 markets pays?", {"outcome": "NONE"}),
        ("VOID", "Void the event vote and undo all trades in its 3", {"outcome": "VOID"}),
        (
            "ann=.5, NONE=0.5",
            "ann pays 0.5, NONE pays 0.5, every other outcome nothing?",
            {"weights": {"ann": "0.5", "NONE": "0.5"}},
        ),
    ],
)
def test_resolving(run: Run, stub: Stub, outcome: str, asked: str, sent: dict[str, object]) -> None:
    """Each way to resolve asks, unless --yes; a no or no answer changes nothing."""
    stub.on("POST", "/v1/events/vote/resolve", Answer(body=EVENT_RESOLVED))
    refused = run(*RESOLVE, outcome, "--no-input", "--json")
    assert (refused.code, "CONFIRMATION_NEEDED" in refused.err) == (2, True)
    no = run(*RESOLVE, outcome, stdin="n\n")
    assert (no.code, asked in no.err, "This is final." in no.err) == (130, True, True), no.err
    assert {request.method for request in stub.requests} == {"GET"}
    yes = run(*RESOLVE, outcome, stdin="y\ny\n")  # asked twice: it closes later
    assert [line.split()[0] for line in yes.out.splitlines()] == [
        "slug",
        "status",
        "outcome",
        "payouts",
    ]
    told = json.loads(run(*RESOLVE, outcome, "--yes", "--json").out)
    assert told["payouts"] == {"accounts": 2, "total": "10.000000"}
    bodies = [request.body for request in stub.sent("POST", "/v1/events/vote/resolve")]
    assert bodies == [sent, sent]


@pytest.mark.parametrize(
    ("outcome", "near"),
    [("an", "ann"), ("none", "NONE"), ("YES", ""), ("ann=0.5,bbo=0.5", "bob"), ("99", "")],
)
def test_an_outcome_of_another_event(run: Run, stub: Stub, outcome: str, near: str) -> None:
    """An unknown outcome gives the nearest name, also under --yes; nothing is resolved."""
    ran = run(*RESOLVE, outcome, "--yes")
    assert ran.code == 5
    assert ran.err.startswith("error: MARKET_NOT_FOUND: the event vote has no market ")
    assert ("did you mean " in ran.err, near in ran.err) == (bool(near), True)
    assert not stub.sent("POST", "/v1/events/vote/resolve")


def test_a_mistyped_event(run: Run, stub: Stub) -> None:
    """Each command answers a mistyped event with the nearest name."""
    stub.on("GET", "/v1/events/voet", refusal(404, "EVENT_NOT_FOUND"))
    stub.on("PATCH", "/v1/events/voet", refusal(404, "EVENT_NOT_FOUND"))
    for words in (("show",), ("halt",), ("close", "-y"), ("resolve", "ann", "-y")):
        ran = run("event", words[0], "voet", *words[1:])
        assert ran.code == 5
        assert ran.err.startswith(
            "error: EVENT_NOT_FOUND: there is no event voet; did you mean vote?"
        )


def test_a_market_that_its_event_decides(run: Run, stub: Stub) -> None:
    """The refusal names the command that resolves the event."""
    stub.on("POST", "/v1/markets/ann/resolve", refusal(409, "EVENT_DECIDES"))
    ran = run("market", "resolve", "ann", "YES", "-y")
    assert ran.code == 1
    assert "end the whole event with: predmarket event resolve E OUTCOME" in ran.err


def test_a_group_that_its_event_decides(run: Run, stub: Stub) -> None:
    """The refusal names the command that changes the event's group."""
    message = "a market of an event has the event's group"
    stub.on("PATCH", "/v1/markets/ann", refusal(409, "EVENT_DECIDES", message))
    ran = run("market", "update", "ann", "--group", "")
    assert stub.requests[-1].body == {"group": None}
    assert (ran.code, "predmarket event update E --group G" in ran.err) == (1, True)


def test_closing_says_where_orders_rest(run: Run, stub: Stub) -> None:
    """close names up to ten markets with resting orders before it asks."""
    many = [{**ANN, "slug": f"m{number}"} for number in range(12)]
    none = [{**ANN, "bestBid": None, "bestAsk": None}]
    stub.on(
        "GET",
        "/v1/events/vote",
        Answer(body=EVENT),
        *(Answer(body={**EVENT, "markets": markets}) for markets in (many, none)),
    )
    close = ("event", "close", "vote")
    assert "cancels the resting orders of all users, in ann, bob." in run(*close, stdin="n\n").err
    assert "m8, m9 and 2 more." in run(*close, "--no-input").err
    empty = run(*close, stdin="y\n")
    assert (empty.code, "No order rests in its 3 markets." in empty.err) == (0, True)
    assert run(*close, "--yes").code == 0
    assert [request.method for request in stub.requests] == ["GET", "GET", "GET", "PATCH", "PATCH"]


def test_changes(run: Run, stub: Stub) -> None:
    """open, halt and close send a status; a text or a closing time is sent alone."""
    for command in ("open", "halt", "close"):
        assert run("event", command, "vote", "--yes").code == 0
    run("event", "update", "vote", "--title", "t", "--closes-at", "2030-01-01T00:00:00Z")
    run("event", "add-market", "vote", "dan", "Dan?")
    assert [request.body for request in stub.requests] == [
        {"status": "OPEN"},
        {"status": "HALTED"},
        {"status": "CLOSED"},
        {"title": "t", "closesAt": "2030-01-01T00:00:00.000000Z"},
        {"slug": "dan", "question": "Dan?"},
    ]


@pytest.mark.parametrize(("status", "code"), [(401, "UNAUTHENTICATED"), (403, "FORBIDDEN")])
def test_show_to_a_stranger(run: Run, stub: Stub, status: int, code: str) -> None:
    """An event is public: show works without a login, and with a key that may not read."""
    stub.on("GET", "/v1/user/positions", refusal(status, code, "you are nobody"))
    ran = run("event", "show", "vote")
    assert (ran.code, ran.err) == (0, "without your position: you are nobody\n")
    assert not {"POSITION", "PAYS", "returned"} & set(ran.out.split())
    assert "SUM                          0.8500  0.6000+" in ran.out
    assert json.loads(run("event", "show", "vote", "--json").out) == EVENT
    stub.on("GET", "/v1/user/positions", refusal(500, "INTERNAL"))
    assert run("event", "show", "vote").code == 3


OWN = Own({2: cast("Position", NO_OF_ANN)}, cast("EventHolding", HOLDING))


@pytest.mark.parametrize("width", [40, 41, 52, 80, 120, 200])
def test_every_width(width: int) -> None:
    """Bids, asks and payoffs stay at 40 columns; no line exceeds the terminal's width."""
    long = {**BOB, "slug": "b" * 64, "question": "why " * 100, "label": "B" * 100}
    event = cast("Event", {**EVENT, "markets": [{**ANN, "bestAsk": "0.6500"}, long]})
    _, outcomes = card(event, OWN)
    (pays,) = payoffs(HOLDINGS)
    kept = {"OUTCOME", "BID", "ASK", "PAYS", "IF"}
    for grid in (outcomes, pays):
        text, left_out = draw(grid, width, color=False)
        assert max(map(len, text.splitlines())) <= width
        assert not kept & set(left_out)
        assert not left_out or width < 200


ZERO = ("0.000000", "0.000000")


def holding(none: str | None, *pays: str) -> EventHolding:
    """Return a holding of an event with markets 2, 3 and so on."""
    outcomes = [
        {"marketId": id, "marketSlug": f"m{id}", "payoff": pay} for id, pay in enumerate(pays, 2)
    ]
    made = {"eventId": 1, "eventSlug": "vote", "returned": "10.000000", "none": none}
    return cast("EventHolding", {**made, "payoffs": outcomes})


HOLDINGS = [holding(None, *ZERO), cast("EventHolding", HOLDING)]


def held(id: int, long: str, short: str = "0.00") -> Position:
    """Return a position."""
    made = {**POSITION, "marketId": id, "marketSlug": f"m{id}", "qtyLong": long, "qtyShort": short}
    return cast("Position", made)


@pytest.mark.parametrize("side", [("10.00", "0.00"), ("0.00", "10.00")])
def test_a_whole_set_is_one_line(side: tuple[str, str]) -> None:
    """A complete set of YES or of NO is one line, since it pays the same in every outcome."""
    other = cast("Position", POSITION)
    flat = held(9, "0.00")
    rows = folded([held(2, *side), other, held(3, *side), flat], [holding(None, *ZERO)])
    assert rows[0] == {
        "marketSlug": "vote: whole set",
        "qtyLong": side[0],
        "qtyShort": side[1],
        "realizedPnl": "0.800000",
        "unrealizedPnl": "0.700000",
    }
    assert rows[1:] == [other, flat]


@pytest.mark.parametrize(
    ("positions", "of"),
    [
        ([held(2, "12.00"), held(3, "10.00")], holding(None, "2.000000", "0.000000")),
        ([held(2, "10.00"), held(3, "10.00")], holding("0.000000", "10.000000", "10.000000")),
        ([held(2, "0.00"), held(3, "0.00")], holding("5.000000", "5.000000", "5.000000")),
        ([held(2, "10.00"), held(3, "9.00")], holding(None, *ZERO)),
        ([held(2, "10.00")], holding(None, *ZERO)),
    ],
)
def test_what_is_no_whole_set(positions: list[Position], of: EventHolding) -> None:
    """There is no set line with risk, without positions, or with answers of different times."""
    assert folded(positions, [of]) == positions


def test_a_set_says_that_it_pays_whatever_happens(run: Run, stub: Stub) -> None:
    """The table of payoffs has one line for the set; JSON is the exchange's own."""
    items = [held(2, "10.00"), held(3, "10.00")]
    stub.on("GET", "/v1/user/positions", Answer(body=page(*items)))
    stub.on("GET", "/v1/user/events", Answer(body=page(holding(None, *ZERO))))
    lines = run("account", "positions").out.splitlines()
    assert [line.split()[0] for line in lines if line] == ["MARKET", "vote:", "EVENT", "vote"]
    assert lines[-1] == "vote   10.000000  0.000000  whatever happens"
    assert json.loads(run("account", "positions", "--json").out) == items
    assert len(stub.sent("GET", "/v1/user/events")) == 1


def context(**params: str) -> typer.Context:
    """Return a command line up to the cursor."""
    made = typer.Context(root(), obj=Line())
    made.params = dict(params)
    return made


Completer = Callable[[typer.Context, str], complete.Proposals]


@pytest.mark.parametrize(
    ("completer", "begun", "expected"),
    [
        (complete.events, "v", ["vote"]),
        (complete.events, "x", []),
        (complete.outcomes, "", ["ann", "bob", "NONE", "VOID"]),
        (complete.outcomes, "N", ["NONE"]),
        (complete.outcomes, "ann=0.5,b", ["ann=0.5,bob"]),
        (complete.outcomes, "ann=0.5,", ["ann=0.5,ann", "ann=0.5,bob", "ann=0.5,NONE"]),
        (complete.outcomes, "ann=0.5", []),
        (complete.topics, "ev", ["event:"]),
        (complete.topics, "event:v", ["event:vote"]),
        (complete.topics, "user:me:e", ["user:me:events"]),
    ],
)
def test_completion(
    environment: None, completer: Completer, begun: str, expected: list[str]
) -> None:
    """Completion offers the slugs of events, and the live outcomes of the event on the line."""
    assert [word for word, _ in completer(context(event="vote"), begun)] == expected


def test_completion_shows_labels_as_text(environment: None, stub: Stub) -> None:
    """Labels and questions are shown without markup, and an odd slug is not offered."""
    evil = {**BOB, "slug": "b$(reboot)"}
    hostile = {**BOB, "label": "[red]$(touch x)`touch y`\u202e"}
    stub.on("GET", "/v1/events/vote", Answer(body={**EVENT, "markets": [ANN, evil, hostile]}))
    found = dict(complete.outcomes(context(event="vote"), ""))
    assert found["ann"] == "Ann"
    assert not set("$`\u202e") & set(found["bob"])
    assert "\\[red]" in found["bob"]
    assert list(found) == ["ann", "bob", "NONE", "VOID"]
    stub.on("GET", "/v1/events/vote", Answer(500, raw=b"<html>"))
    assert complete.outcomes(context(event="vote"), "") == []
