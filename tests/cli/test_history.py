"""candles, ticker and account statement: their requests and their output."""

import json

import pytest

from tests.support.command_line import Run
from tests.support.stub_data import MARKET, TIME, page
from tests.support.stub_exchange import Answer, Stub

CANDLE = {
    "start": TIME, "open": "0.5000", "high": "0.6000", "low": "0.4000", "close": "0.4500",
    "volume": "3.50", "trades": 3,
}  # fmt: skip
LINE = {
    "id": 9, "kind": "FEE", "amount": "-0.175000", "counterpart": "FEES", "marketId": 1,
    "marketSlug": "rain", "tradeId": 5, "transferId": None, "reason": None, "commandSeq": 12,
    "createdAt": TIME, "balanceAfter": "94.825000",
}  # fmt: skip


def test_candles(run: Run, stub: Stub) -> None:
    """The default interval is an hour; times are sent in the exchange's format."""
    stub.on("GET", "/v1/candles/rain", Answer(body=page(CANDLE)))
    ran = run("candles", "rain", "-o", "csv")
    assert (ran.code, stub.requests[0].query) == (0, {"interval": "1h"})
    assert ran.out.splitlines()[0] == "start,open,high,low,close,volume,trades"
    ran = run(
        "candles", "rain", "--interval", "1m", "--from", "2030-01-01T01:00:00+01:00", "--json"
    )
    assert json.loads(ran.out) == [CANDLE]
    assert stub.requests[1].query == {"interval": "1m", "from": "2030-01-01T00:00:00.000000Z"}
    assert run("candles", "rain", "--interval", "2m").code == 2


def test_ticker(run: Run, stub: Stub) -> None:
    """ticker prints a market's figures without its texts."""
    stub.on("GET", "/v1/markets/rain", Answer(body=MARKET))
    shown = json.loads(run("ticker", "rain", "--json").out)
    assert shown["lastPrice"] == "0.6100"
    assert set(shown) < set(MARKET)
    assert "0.6100" in run("ticker", "rain").out


def test_statement(run: Run, stub: Stub) -> None:
    """account statement sends the filters, and fetches all pages on request."""
    stub.on("GET", "/v1/user/ledger", Answer(body=page(LINE, cursor="x")), Answer(body=page(LINE)))
    ran = run("account", "statement", "--kind", "fee", "--market-id", "rain", "--all", "-o", "csv")
    assert (ran.code, len(ran.out.splitlines())) == (0, 3)
    assert stub.requests[0].query == {"kind": "FEE", "market": "rain"}
    assert stub.requests[1].query == {"kind": "FEE", "market": "rain", "cursor": "x"}
    assert ran.out.splitlines()[0].endswith(",createdAt,balanceAfter,eventId,eventSlug")
    heading, line = run("account", "statement").out.splitlines()[:2]
    assert heading.split()[-3:] == ["AMOUNT", "BALANCE", "REASON"]
    assert "-0.175000  94.825000" in line


@pytest.mark.parametrize(
    ("code", "expected"), [("VALIDATION_FAILED", 2), ("OVERLOADED", 3), ("NO_LIQUIDITY", 1)]
)
def test_a_batchs_exit_code(run: Run, stub: Stub, code: str, expected: int) -> None:
    """The exit code of a batch is that of its first refusal."""
    error = {"code": code, "message": "no", "details": {}}
    stub.on("POST", "/v1/orders/batch", Answer(body={"results": [{"error": error}]}))
    assert run("order", "batch", "-", stdin="[{}]").code == expected
