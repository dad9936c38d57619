"""order batch: input files of each format, repeatable ids, and a reason for each refusal."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import Run
from tests.support.stub_data import ORDER, page
from tests.support.stub_exchange import Answer, Request, Stub, refusal

OFF = {"code": "PRICE_OFF_TICK", "message": "off", "details": {"tick": "0.01"}}
CSV = "market,side,qty,price,client-id,Post Only\nrain,buy,5,0.60,,yes\n7,SELL,2,0.70,mine,\n"


@pytest.fixture(autouse=True)
def _unsent(stub: Stub) -> None:
    stub.on("GET", "/v1/orders", Answer(body=page()))


def take_all(stub: Stub) -> None:
    """Let the stub accept every order."""

    def answer(request: Request) -> Answer:
        return Answer(body={"results": [{"order": ORDER} for _ in sent(request)]})

    stub.on("POST", "/v1/orders/batch", answer)


def sent(request: Request) -> list[dict[str, object]]:
    """Return the orders of a request."""
    assert isinstance(request.body, dict)
    orders: list[dict[str, object]] = request.body["orders"]
    return orders


@pytest.mark.parametrize(
    "text",
    [
        '[{"qty": 0.10, "price": "0.5"}, {"qty": 2, "side": "buy"}]',
        '{"orders": [{"qty": 0.10, "price": "0.5"}, {"qty": 2, "side": "buy"}]}',
        '{"qty": 0.10, "price": "0.5"}\n\n{"qty": 2, "side": "buy"}\n',
        '\ufeff{"qty": 0.10, "price": "0.5"}\r\n{"qty": 2, "side": "buy"}',
    ],
)
def test_json(run: Run, stub: Stub, tmp_path: Path, text: str) -> None:
    """An array, an object and lines are accepted; decimals stay as written."""
    stub.on(
        "POST", "/v1/orders/batch", Answer(body={"results": [{"order": ORDER}, {"error": OFF}]})
    )
    file = tmp_path / "orders.json"
    file.write_text(text)
    ran = run("order", "batch", str(file))
    assert run("order", "batch", "-", stdin=text).out == ran.out
    assert ran.code == 1
    second = ran.out.splitlines()[2]
    assert second.startswith("2")
    assert second.endswith("PRICE_OFF_TICK: off; tick: 0.01")
    bodies = sent(stub.sent("POST", "/v1/orders/batch")[0])
    assert all(body.pop("deadline") for body in bodies)
    ids = [str(body.pop("clientOrderId")) for body in bodies]
    assert [one.rpartition("-")[2] for one in ids] == ["1", "2"]
    assert bodies == [
        {"type": "LIMIT", "qty": "0.10", "price": "0.5"},
        {"type": "LIMIT", "qty": 2, "side": "BUY"},
    ]


def test_csv(run: Run, stub: Stub) -> None:
    """Columns may have the API's or the command line's names; an empty cell is not sent."""
    take_all(stub)
    ran = run("order", "batch", "-", "-o", "jsonl", "--deadline", "off", stdin=CSV)
    assert (ran.code, len(ran.out.splitlines())) == (0, 2)
    assert json.loads(ran.out.splitlines()[1]) == {"number": 2, "order": ORDER}
    first, second = sent(stub.sent("POST", "/v1/orders/batch")[0])
    assert str(first.pop("clientOrderId")).startswith("batch-")
    common = {"type": "LIMIT", "marketId": "rain", "side": "BUY", "qty": "5", "price": "0.60"}
    assert first == {**common, "postOnly": True}
    assert (second["marketId"], second["clientOrderId"]) == (7, "mine")


def test_a_repeat_has_the_same_ids(run: Run, stub: Stub) -> None:
    """Ids derive from the content and are printed first; --batch-id makes new ones."""
    take_all(stub)
    first = run("order", "batch", "-", stdin=CSV)
    assert "client order ids: batch-" in first.err
    assert "sent before" not in first.err
    stub.on("GET", "/v1/orders", Answer(body=page(ORDER)))
    assert "sent before" in run("order", "batch", "-", stdin=CSV).err
    run("order", "batch", "-", "--batch-id", "monday", stdin=CSV)
    assert run("order", "batch", "-", "--batch-id", "x" * 51, stdin=CSV).code == 2
    quiet = run("order", "batch", "-", "--quiet", stdin=CSV)
    assert quiet.err == ""
    ids = [sent(one)[0]["clientOrderId"] for one in stub.sent("POST", "/v1/orders/batch")]
    assert ids[0] == ids[1] == ids[3]
    assert ids[2] == "monday-1"


def test_more_than_the_exchange_takes_at_once(run: Run, stub: Stub) -> None:
    """Requests hold 100 orders, in order; after a failure the command reports its progress."""
    take_all(stub)
    text = "".join(json.dumps({"qty": n}) + "\n" for n in range(1, 251))
    ran = run("order", "batch", "-", "--json", stdin=text)
    assert len(json.loads(ran.out)["results"]) == 250
    requests = stub.sent("POST", "/v1/orders/batch")
    assert [len(sent(request)) for request in requests] == [100, 100, 50]
    assert str(sent(requests[2])[49]["clientOrderId"]).endswith("-250")
    results = {"results": [{"order": ORDER}] * 100}
    stub.on("POST", "/v1/orders/batch", Answer(body=results), refusal(403, "FORBIDDEN"))
    broken = run("order", "batch", "-", stdin=text)
    assert (broken.code, len(broken.out.splitlines())) == (4, 101)
    assert "after 100 of 250 orders" in broken.err


def test_a_malformed_order_keeps_no_other_back(run: Run, stub: Stub) -> None:
    """The command leaves a malformed order out, reports it, and sends the rest."""
    problem = {"path": "orders[1].price", "message": "must be below 1"}
    stub.on(
        "POST",
        "/v1/orders/batch",
        refusal(400, "VALIDATION_FAILED", "not valid", [problem]),
        Answer(body={"results": [{"order": ORDER}, {"order": ORDER}]}),
    )
    ran = run("order", "batch", "-", stdin='[{"qty": 1}, {"qty": 2}, {"qty": 3}]')
    assert ran.code == 2
    assert ran.out.splitlines()[2].endswith("VALIDATION_FAILED: not valid; price: must be below 1")
    again = sent(stub.sent("POST", "/v1/orders/batch")[1])
    assert [order["qty"] for order in again] == [1, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no order"),
        ("[]", "no order"),
        ("{", "line 1"),
        ("[1]", "array of orders"),
        ("3", "'3' is no field"),
        ("market,sied,qty\n1,buy,2\n", "'sied' is no field of an order; did you mean side?"),
        ("market,marketId\n1,1\n", "two columns marketId"),
        ("qty\n1,2\n", "more cells"),
        ("qty,postOnly\n1,maybe\n", "true or false, not maybe"),
        ("[" * 3_000, "nested too deeply"),
    ],
)
def test_a_file_that_holds_no_orders(run: Run, stub: Stub, text: str, said: str) -> None:
    """A file without orders gives exit code 2 and a reason before any request."""
    ran = run("order", "batch", "-", stdin=text)
    assert (ran.code, said in ran.err) == (2, True), ran.err
    assert not stub.requests
