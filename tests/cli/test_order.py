"""order place and related commands: their requests, and why a repeat is safe."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from predmarket.cli import paging
from predmarket.cli.arguments import ListedStatus
from predmarket.cli.timestamps import wire
from predmarket.enums import OrderStatus
from tests.cli.answers import PREVIEW
from tests.support.command_line import Run
from tests.support.stub_data import MARKET, ORDER, page
from tests.support.stub_exchange import Answer, Stub, refusal

PLACE = ("order", "place", "rain")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("buy 10 --price 0.60", {"side": "BUY", "type": "LIMIT", "qty": "10", "price": "0.60"}),
        ("SELL 1.5 --market", {"side": "SELL", "type": "MARKET", "qty": "1.5"}),
        (
            "sell 1 --market --slippage 0.05 --tif fok --reduce-only",
            {
                "side": "SELL",
                "type": "MARKET",
                "qty": "1",
                "maxSlippage": "0.05",
                "timeInForce": "FOK",
                "reduceOnly": True,
            },
        ),
        (
            "buy 1 --price .6 --expires 2030-01-01T01:00:00.5+01:00 --post-only --stp cancel_both",
            {
                "side": "BUY",
                "type": "LIMIT",
                "qty": "1",
                "price": "0.6",
                "timeInForce": "GTD",
                "expiresAt": "2030-01-01T00:00:00.500000Z",
                "postOnly": True,
                "selfTradePrevention": "CANCEL_BOTH",
            },
        ),
    ],
)
def test_what_is_sent(run: Run, stub: Stub, words: str, expected: dict[str, object]) -> None:
    """Flags that are not given are not sent; numbers stay as typed, with a 0 before the point."""
    stub.on("POST", "/v1/orders", Answer(201, ORDER))
    assert run(*PLACE, *words.split(), "--client-id", "c", "--deadline", "off").code == 0
    assert {"marketId": "rain", "clientOrderId": "c", **expected} == stub.requests[0].body


def test_an_order_has_a_deadline(run: Run, stub: Stub) -> None:
    """An order's deadline is ten seconds of the exchange's time unless the user gives one."""
    there = datetime.now(UTC) - timedelta(hours=1)
    stub.on("GET", "/v1/status", Answer(body={"time": wire(there)}))
    stub.on("POST", "/v1/orders", Answer(201, ORDER))
    for flags, seconds in ((), 10), (("--deadline", "2m"), 120):
        assert run(*PLACE, "buy", "1", "--price", "0.6", *flags).code == 0
        body = stub.sent("POST", "/v1/orders")[-1].body
        assert isinstance(body, dict)
        left = datetime.fromisoformat(body["deadline"]) - there - timedelta(seconds=seconds)
        assert abs(left) < timedelta(seconds=5)
    assert run(*PLACE, "buy", "1", "--price", "0.6", "--deadline", "soon").code == 2
    assert len(stub.sent("POST", "/v1/orders")) == 2


def test_the_client_order_id_is_said_before_it_is_sent(run: Run, stub: Stub) -> None:
    """The client order id is printed before the request, and made when none is given.

    --quiet hides it; the order and an error contain it.
    """
    stub.on("POST", "/v1/orders", Answer(201, ORDER))
    ran = run(*PLACE, "buy", "1", "--price", "0.6")
    said = re.fullmatch(r"client order id: ([0-9a-f]{32})\n", ran.err)
    assert said
    body = stub.requests[0].body
    assert isinstance(body, dict)
    assert body["clientOrderId"] == said[1]
    ran = run(*PLACE, "buy", "1", "--price", "0.6", "--client-id", "mine")
    assert ran.err == "client order id: mine\n"
    ran = run(*PLACE, "buy", "1", "--price", "0.6", "--quiet")
    assert ran.err == ""


def test_a_lost_answer_is_asked_for_again(run: Run, stub: Stub) -> None:
    """A lost reply is followed by a retry with the same client order id, so one order results."""
    stub.on("POST", "/v1/orders", Answer(hang_up=True), Answer(201, ORDER))
    assert run(*PLACE, "buy", "1", "--price", "0.6").code == 0
    assert stub.requests[0].body == stub.requests[1].body


def test_an_unknown_outcome_says_how_to_repeat(
    run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the retries end, the message has what a safe repeat needs."""
    monkeypatch.setattr("predmarket.client.retry.Retry.pause_s", lambda *_: None)
    stub.on("POST", "/v1/orders", refusal(503, "OUTCOME_UNKNOWN"))
    ran = run(*PLACE, "buy", "1", "--price", "0.6", "--client-id", "mine")
    assert ran.code == 3
    assert "--client-id mine" in ran.err.splitlines()[-1]


def test_a_refusal_under_json_ends_stderr_with_the_error(run: Run, stub: Stub) -> None:
    """The error is the last line of stderr; the client order id comes before it."""
    stub.on("POST", "/v1/orders", refusal(422, "INSUFFICIENT_FUNDS"))
    ran = run(*PLACE, "buy", "1", "--price", "0.6", "--json")
    assert (ran.code, ran.out) == (1, "")
    said, error = ran.err.splitlines()
    assert said.startswith("client order id: ")
    assert json.loads(error)["error"]["code"] == "INSUFFICIENT_FUNDS"


@pytest.mark.parametrize("given", ["", "x" * 65])
def test_a_client_order_id_of_the_wrong_length(run: Run, stub: Stub, given: str) -> None:
    """A client order id has 1 to 64 characters, checked before any output or request."""
    assert run(*PLACE, "buy", "1", "--price", "0.6", "--client-id", given).code == 2
    assert not stub.requests


def test_a_preview_sends_no_order(run: Run, stub: Stub) -> None:
    """A preview sends no order and prints no client order id; JSON is the exchange's answer."""
    stub.on("POST", "/v1/orders/preview", Answer(body=PREVIEW))
    ran = run(*PLACE, "buy", "10", "--price", "0.6", "--preview", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out) == PREVIEW
    assert len(stub.requests) == 1


NOT_HELD = "since one cannot sell YES that one does not hold"


@pytest.mark.parametrize(
    ("side", "covered", "event", "told"),
    [
        (
            "buy",
            "0.00",
            None,
            {"closes": "-", "opens": "10.00 YES", "cost": "8.455464", "most": "8.455464"},
        ),
        (
            "buy",
            "3.00",
            None,
            {"closes": "3.00 NO", "opens": "7.00 YES", "cost": "5.455464", "most": "6.685464"},
        ),
        (
            "sell",
            "0.00",
            None,
            {"closes": "-", "opens": f"10.00 NO, {NOT_HELD}", "cost": "7.735464"},
        ),
        (
            "sell",
            "10.00",
            None,
            {"closes": "10.00 YES", "opens": "-", "cost": "3.735464", "most": "6.095464"},
        ),
        (
            "sell",
            "10.00",
            "vote",
            {
                "closes": "10.00 YES, shares of this outcome that you hold in the event vote:"
                " it locks nothing",
                "opens": "-",
                "cost": "3.735464",
            },
        ),
        (
            "buy",
            "3.00",
            "vote",
            {
                "closes": "3.00 NO, a share of every other outcome that you hold in the event"
                " vote: it locks nothing"
            },
        ),
    ],
)
def test_a_preview_says_what_it_costs(
    run: Run, stub: Stub, side: str, covered: str, event: str | None, told: dict[str, str]
) -> None:
    """A preview shows the shares given and bought, the cash spent, and the maximum loss.

    In an event the shares may be held as NO of other markets.
    """
    stub.on("POST", "/v1/orders/preview", Answer(body={**PREVIEW, "coveredQty": covered}))
    stub.on("GET", "/v1/markets/rain", Answer(body={**MARKET, "eventSlug": event}))
    ran = run(*PLACE, side, "10", "--price", "0.6", "--preview")
    assert (ran.code, ran.err) == (0, "")
    lines = dict(re.split(r"  +", line, maxsplit=1) for line in ran.out.splitlines())
    said = {
        "closes": lines["closes"],
        "opens": lines["opens"],
        "cost": lines["cost"],
        "most": lines["most lost"],
    }
    assert said == said | told
    assert len(stub.sent("POST", "/v1/orders/preview")) == 1


def test_cancel_one(run: Run, stub: Stub) -> None:
    """With one id, cancel prints the order itself."""
    stub.on("POST", "/v1/orders/17/cancel", Answer(body=ORDER))
    ran = run("order", "cancel", "17", "--json")
    assert (ran.code, json.loads(ran.out)) == (0, ORDER)


def test_cancel_several_tries_each(run: Run, stub: Stub) -> None:
    """cancel tries every id and prints what it cancelled; the first failure sets the code."""
    stub.on("POST", "/v1/orders/17/cancel", Answer(body=ORDER))
    stub.on("POST", "/v1/orders/18/cancel", refusal(409, "ORDER_NOT_OPEN", "is filled"))
    stub.on("POST", "/v1/orders/19/cancel", Answer(body={**ORDER, "id": 19}))
    ran = run("order", "cancel", "17", "18", "19", "--json")
    error = json.loads(ran.err)["error"]
    assert ran.code == 1
    assert [item["id"] for item in json.loads(ran.out)] == [17, 19]
    assert (error["code"], error["details"]) == (
        "ORDER_NOT_OPEN",
        {"18": "ORDER_NOT_OPEN: is filled"},
    )


def test_cancel_stops_where_the_exchange_is_gone(run: Run, stub: Stub) -> None:
    """A lost exchange ends the command, which still prints the orders cancelled before."""
    stub.on("POST", "/v1/orders/17/cancel", Answer(body=ORDER))
    stub.on("POST", "/v1/orders/18/cancel", Answer(hang_up=True))
    ran = run("order", "cancel", "17", "18", "19", "--json")
    assert (ran.code, json.loads(ran.out)) == (3, [ORDER])
    assert len(stub.requests) == 2


def test_cancel_all(run: Run, stub: Stub) -> None:
    """cancel-all takes one market and side, or everything."""
    stub.on("POST", "/v1/orders/cancel-all", Answer(body={"canceled": [3, 2]}))
    ran = run("order", "cancel-all", "--market-id", "7", "--side", "buy", "--json")
    assert json.loads(ran.out) == {"canceled": [3, 2]}
    assert run("order", "cancel-all").out == "canceled  3, 2\n"
    assert [item.body for item in stub.requests] == [{"marketId": 7, "side": "BUY"}, {}]


def test_amend(run: Run, stub: Stub) -> None:
    """amend sends only the given fields."""
    stub.on("PATCH", "/v1/orders/17", Answer(body=ORDER))
    assert run("order", "amend", "17", "--qty", "5").code == 0
    assert run("order", "amend", "17", "--price", "0.58").code == 0
    assert [item.body for item in stub.requests] == [{"qty": "5"}, {"price": "0.58"}]


def test_list_filters(run: Run, stub: Stub) -> None:
    """Each flag is a parameter of the API."""
    stub.on("GET", "/v1/orders", Answer(body={"items": [], "nextCursor": None}))
    words = "--market rain --status partially_filled --client-id c --limit 5 --cursor x"
    assert run("order", "list", *words.split()).code == 0
    assert stub.requests[0].query == {
        "market": "rain",
        "status": "PARTIALLY_FILLED",
        "clientOrderId": "c",
        "limit": "5",
        "cursor": "x",
    }


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", {"status": "LIVE"}),
        ("--status open --status Filled", {"status": "OPEN,FILLED"}),
        ("--status live", {"status": "LIVE"}),
        ("--all-status", {}),
        ("--client-id c", {"clientOrderId": "c"}),
    ],
)
def test_live_orders_are_listed(run: Run, stub: Stub, words: str, expected: dict[str, str]) -> None:
    """order list shows live orders by default; a client order id finds an order in any status."""
    stub.on("GET", "/v1/orders", Answer(body=page(ORDER)))
    assert run("order", "list", *words.split()).code == 0
    assert stub.requests[0].query == expected


def test_no_live_orders(run: Run, stub: Stub) -> None:
    """An empty list points to the other orders on stderr; stdout stays empty."""
    stub.on("GET", "/v1/orders", Answer(body=page()))
    ran = run("order", "list", "--json")
    assert (ran.code, ran.out) == (0, "[]\n")
    assert "--all-status" in ran.err
    assert run("order", "list", "--quiet").err == ""
    assert run("order", "list", "--all-status").err == ""
    assert run("order", "list", "--all-status", "--status", "open").code == 2


def test_statuses_are_the_exchanges() -> None:
    """--status accepts each status of an order, and LIVE."""
    assert [*ListedStatus] == ["LIVE", *OrderStatus]


LISTS = {
    "order list --all-status": "/v1/orders",
    "trades rain": "/v1/trades/rain",
    "account fills": "/v1/user/fills",
    "account statement": "/v1/user/ledger",
}


@pytest.mark.parametrize("command", LISTS)
def test_a_list_of_a_span(run: Run, stub: Stub, command: str) -> None:
    """Every page's request has the span."""
    answers = [Answer(body={"items": [], "nextCursor": cursor}) for cursor in ("a", None)]
    stub.on("GET", LISTS[command], *answers)
    words = [*command.split(), "--json", "--since", "2030-01-04T00:00:00Z"]
    ran = run(*words, "--until", "2030-01-07T01:00:00+01:00")
    assert (ran.code, ran.out) == (0, "[]\n")
    span = {"since": "2030-01-04T00:00:00.000000Z", "until": "2030-01-07T00:00:00.000000Z"}
    first, second = (request.query for request in stub.requests)
    assert span.items() <= first.items()
    assert second == {**first, "cursor": "a"}
    ran = run(*words, "--until", "2030-01-04T00:00:00Z")
    assert (ran.code, "--since must be before --until" in ran.err) == (2, True)


def test_empty_pages_are_not_passed_over_without_end(
    run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After several empty pages the command says how to continue; with --all it continues."""
    monkeypatch.setattr(paging, "MOST_PAGES", 3)
    pages = [Answer(body={"items": [], "nextCursor": cursor}) for cursor in "abcd"]
    last = Answer(body={"items": [ORDER], "nextCursor": None})
    words = ("order", "list", "--json", "--status", "REJECTED")
    stub.on("GET", "/v1/orders", *pages, last)
    ran = run(*words)
    assert (json.loads(ran.out), len(stub.requests)) == ([], 3)
    assert ran.err == "nothing found on 3 pages\nmore: --cursor c\n"
    stub.on("GET", "/v1/orders", *pages, last)
    assert len(json.loads(run(*words, "--all").out)) == 1


def test_cancelling_nothing_prints_nothing(run: Run, stub: Stub) -> None:
    """Without a cancelled order there is no heading; JSON has an empty array."""
    stub.on("POST", "/v1/orders/17/cancel", refusal(409, "ORDER_NOT_OPEN"))
    stub.on("POST", "/v1/orders/18/cancel", refusal(409, "ORDER_NOT_OPEN"))
    ran = run("order", "cancel", "17", "18")
    assert (ran.code, ran.out) == (1, "")
    assert run("order", "cancel", "17", "18", "--json").out == "[]\n"
