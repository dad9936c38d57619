"""The output on stdout, byte for byte, in each of the four formats."""

import json
from typing import cast

import pytest

from predmarket.characters import clean
from predmarket.cli.book_layouts import ladder
from predmarket.cli.grid import Grid
from predmarket.cli.table_renderer import draw
from predmarket.client.response_types import Book
from tests.support.command_line import Run
from tests.support.cost import is_linear
from tests.support.stub_data import BALANCE, BOOK, MARKET, ORDER, POSITION, TIME, TRADE, USER, page
from tests.support.stub_exchange import Answer, Stub

SNOW = {
    **MARKET,
    "id": 12,
    "slug": "snow",
    "question": 'Snow, or "none"?\x1b[31m',
    "bestBid": None,
    "lastPrice": None,
    "closesAt": TIME,
}

MARKETS_TABLE = """\
ID  MARKET  STATUS     BID  ASK    LAST  VOLUME  CLOSES                QUESTION
 1  rain    OPEN    0.6000    -  0.6100  125.00  -                     Will it rain tomorrow?
12  snow    OPEN         -    -       -  125.00  2030-01-02 03:04:05Z  Snow, or "none"?\ufffd[31m
"""

MARKETS_CSV = (
    "id,slug,question,description,status,outcome,settlementPrice,tickSize,makerFeeRate,"
    "takerFeeRate,closesAt,createdAt,creator,lastPrice,bestBid,bestAsk,volume,openInterest,"
    "eventId,eventSlug,label,category,tags,source,proposal,group\n"
    "1,rain,Will it rain tomorrow?,,OPEN,,,0.0100,0.0000,0.0700,,2030-01-02T03:04:05.000006Z,"
    '"{""id"":1,""fullName"":null}",0.6100,0.6000,,125.00,40.00,,,,,,,,\n'
    '12,snow,"Snow, or ""none""?\ufffd[31m",,OPEN,,,0.0100,0.0000,0.0700,'
    "2030-01-02T03:04:05.000006Z,2030-01-02T03:04:05.000006Z,"
    '"{""id"":1,""fullName"":null}",,,,125.00,40.00,,,,,,,,\n'
)

ORDER_TABLE = (
    "ID  MARKET  SIDE  TYPE    PRICE    QTY  FILLED       AVG  TIF  STATUS            REASON"
    "  CREATED               CLIENT ID\n"
    "17  rain    BUY   LIMIT  0.6000  10.00    4.00  0.590000  GTC  PARTIALLY_FILLED  -"
    "       2030-01-02 03:04:05Z  mine-1\n"
)
FILLS_TABLE = """
TRADE   PRICE   QTY       FEE  AS
    5  0.5900  4.00  0.000000  TAKER
"""

BOOK_TABLE = """\
   SUM     BID   PRICE     ASK     SUM
                0.6300  310.00  395.00
                0.6200   85.00   85.00
 60.00   60.00  0.6000
280.50  220.50  0.5900
"""

BOOK_CSV = """\
side,price,qty
BID,0.6000,60.00
BID,0.5900,220.50
ASK,0.6200,85.00
ASK,0.6300,310.00
"""

TRADES_CSV = """\
id,buyOrderId,sellOrderId,marketId,price,qty,takerSide,createdAt
5,17,16,1,0.5900,4.00,BUY,2030-01-02T03:04:05.000006Z
"""

MARKET_CARD = """\
id                1
slug              rain
question          Will it rain tomorrow?
description       -
status            OPEN
outcome           -
settlement price  -
tick size         0.0100
maker fee rate    0.0000
taker fee rate    0.0700
closes at         -
created at        2030-01-02 03:04:05Z
creator           id 1, full name -
last price        0.6100
best bid          0.6000
best ask          -
volume            125.00
open interest     40.00
"""

TRADES_TABLE = """\
ID  TIME                  TAKER   PRICE   QTY
 5  2030-01-02 03:04:05Z  BUY    0.5900  4.00
"""

BALANCE_TABLE = """\
AVAILABLE    LOCKED       TOTAL
96.800000  6.000000  102.800000
"""

POSITIONS_TABLE = """\
MARKET    YES    NO       AVG    NO AVG  MARK  NO MARK  REALIZED  UNREALIZED
rain    70.00  0.00  0.600000  0.400000     -        -  0.400000    0.350000
"""


def pretty(data: object) -> str:
    """Return ``data`` as -o json prints it."""
    return json.dumps(data, indent=2) + "\n"


def compact(*rows: object) -> str:
    """Return ``rows`` as -o jsonl prints them."""
    return "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)


@pytest.fixture(autouse=True)
def _answers(stub: Stub) -> None:
    stub.on("GET", "/v1/markets", Answer(body={"items": [MARKET, SNOW], "total": 2}))
    stub.on("GET", "/v1/markets/rain", Answer(body=MARKET))
    stub.on("POST", "/v1/orders", Answer(201, ORDER))
    stub.on("GET", "/v1/orders", Answer(body=page(ORDER)))
    stub.on("GET", "/v1/orderbook/rain", Answer(body=BOOK))
    stub.on("GET", "/v1/trades/rain", Answer(body=page(TRADE)))
    stub.on("GET", "/v1/user/balance", Answer(body=BALANCE))
    stub.on("GET", "/v1/user/positions", Answer(body=page(POSITION)))
    stub.on("GET", "/v1/user/events", Answer(body=page()))


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("market list", MARKETS_TABLE),
        ("market list -o json", pretty([MARKET, SNOW])),
        ("market list -o jsonl", compact(MARKET, SNOW)),
        ("market list -o csv", MARKETS_CSV),
        ("market show rain", MARKET_CARD),
        ("market show rain --json", pretty(MARKET)),
        ("market show rain -o jsonl", compact(MARKET)),
        ("order place rain buy 10 --price 0.6", ORDER_TABLE + FILLS_TABLE),
        ("order place rain buy 10 --price 0.6 --json", pretty(ORDER)),
        ("order list", ORDER_TABLE),
        ("book rain", BOOK_TABLE),
        ("book rain --json", pretty(BOOK)),
        ("book rain -o jsonl", compact(BOOK)),
        ("book rain -o csv", BOOK_CSV),
        ("trades rain", TRADES_TABLE),
        ("trades rain -o csv", TRADES_CSV),
        ("account balance", BALANCE_TABLE),
        ("account balance -o csv", "available,locked,total\n96.800000,6.000000,102.800000\n"),
        ("account positions", POSITIONS_TABLE),
    ],
)
def test_golden(run: Run, words: str, expected: str) -> None:
    """The same answer gives the same bytes in each format."""
    ran = run(*words.split())
    assert (0, expected) == (ran.code, ran.out)


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("json", "[]\n"),
        ("jsonl", ""),
        ("csv", "id,buyOrderId,sellOrderId,marketId,price,qty,takerSide,createdAt\n"),
        ("table", "ID  TIME  TAKER  PRICE  QTY\n"),
    ],
)
def test_an_empty_list(run: Run, stub: Stub, output: str, expected: str) -> None:
    """An empty list is an empty array, or a heading without rows."""
    stub.on("GET", "/v1/trades/rain", Answer(body=page()))
    assert expected == run("trades", "rain", "-o", output).out


def test_a_page_says_on_stderr_that_there_is_more(run: Run, stub: Stub) -> None:
    """stdout stays the data alone; --quiet keeps stderr empty too."""
    stub.on("GET", "/v1/trades/rain", Answer(body=page(TRADE, cursor="c 1")))
    ran = run("trades", "rain", "--json", "--limit", "1")
    assert pretty([TRADE]) == ran.out
    assert ran.err == "more: --cursor c 1\n"
    assert run("trades", "rain", "--quiet").err == ""


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv"])
def test_all_follows_the_cursors(run: Run, stub: Stub, output: str) -> None:
    """--all fetches pages until there is no cursor."""
    second = {**TRADE, "id": 4}
    stub.on(
        "GET", "/v1/trades/rain", Answer(body=page(TRADE, cursor="c")), Answer(body=page(second))
    )
    ran = run("trades", "rain", "--all", "-o", output)
    assert ran.code == 0
    assert [item.query for item in stub.requests] == [{}, {"cursor": "c"}]
    if output == "json":
        assert pretty([TRADE, second]) == ran.out
    elif output == "jsonl":
        assert compact(TRADE, second) == ran.out
    else:
        assert len(ran.out.splitlines()) == 3


def test_long_text_is_neither_folded_nor_cut(run: Run, stub: Stub) -> None:
    """Off a terminal a row is one line, however long."""
    question = "why " * 125
    stub.on("GET", "/v1/markets", Answer(body=page({**MARKET, "question": question})))
    ran = run("market", "list")
    assert len(ran.out.splitlines()) == 2
    assert question.strip() in ran.out


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv"])
def test_text_cannot_steer_the_terminal(run: Run, stub: Stub, output: str) -> None:
    """Control characters and direction overrides are removed or escaped, in data and in errors."""
    bad = "a\x1b]0;x\x07b\x9b31m\u202ec\r\nd"
    stub.on("GET", "/v1/markets", Answer(body=page({**MARKET, "question": bad})))
    error = {"error": {"code": "NOT_FOUND", "message": bad, "details": {bad: bad}}}
    stub.on("GET", "/v1/markets/x", Answer(404, error))
    text = run("market", "list", "-o", output).out + run("market", "show", "x", "-o", output).err
    assert not set("\x1b\x07\x9b\u202e") & set(text)


def test_a_lone_surrogate_is_printed_somehow(run: Run, stub: Stub) -> None:
    """Half of a surrogate pair, which JSON can hold and UTF-8 cannot, is printed escaped."""
    stub.on("GET", "/v1/markets", Answer(raw=b'{"items": [{"slug": "\\ud800"}], "total": 1}'))
    assert json.loads(run("market", "list", "--json").out) == [{"slug": "\ud800"}]
    assert run("market", "list").code == 0


def test_color_is_asked_for_or_not_there(
    run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--color takes precedence over NO_COLOR, and a pipe has no colour by default."""
    assert "\x1b" not in run("market", "list").out
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[32mOPEN" in run("market", "list", "--color").out
    assert "\x1b" not in run("market", "list", "--no-color").out


def test_a_narrow_terminal_does_without_the_least_columns() -> None:
    """A narrow table drops its least important columns before it breaks words."""
    grid = Grid(["ID", "NAME", "NOTE"], [True, False, False], [["1", "ann", "long" * 5]], ["NOTE"])
    assert (grid.within(80, 2)[0].headings, grid.within(80, 2)[1]) == (["ID", "NAME", "NOTE"], [])
    fitting, left_out = grid.within(20, 2)
    assert (fitting.headings, fitting.rows, left_out) == (["ID", "NAME"], [["1", "ann"]], ["NOTE"])
    assert grid.within(3, 2)[0].headings == ["ID"]


def test_a_narrow_terminal_does_without_the_least() -> None:
    """A long text folds and so displaces no other column; a number does not fold."""
    headings = ("QUESTION", "VOLUME", "ID")
    grid = Grid(headings, (False, True, True), [["long " * 40, "700000.55", "1"]], ("VOLUME",))
    assert grid.within(40, 2)[0].headings == [*headings]
    assert grid.within(30, 2)[0].headings == ["QUESTION", "ID"]


@pytest.mark.parametrize("width", [*range(1, 90, 4)])
def test_no_width_breaks_a_number(width: int) -> None:
    """Columns that do not fit are left out from the right, with a note; the first stays."""
    rows = [["123456", "a-long-name-" * 4, "10.00", "700000.55", "900000102.800000"]]
    headings = ["ID", "MARKET", "QTY", "VOLUME", "TOTAL"]
    grid = Grid(headings, [True, False, True, True, True], rows)
    text, left_out = draw(grid, width, color=False)
    shown = headings[: len(headings) - len(left_out)]
    assert left_out == headings[: len(shown) - 1 : -1]
    words = text.split()
    for heading, value in zip(headings, rows[0], strict=True):
        assert (value in words) == (heading in shown) or heading == "MARKET"
    assert len(shown) == 1 or max(map(len, text.splitlines())) <= width


def test_a_narrow_book_keeps_its_prices() -> None:
    """A narrow book drops the running sums first."""
    grid = ladder(cast("Book", BOOK))
    assert grid.within(24, 2)[0].headings == ["BID", "PRICE", "ASK"]


def test_text_from_others_costs_linear_time() -> None:
    """Text of spaces, with or without a newline, costs linear time; a newline is one space."""
    assert is_linear(lambda size: clean(" " * size + "x"), 4_000)
    assert is_linear(lambda size: clean("x" + " \n" * size + "x"), 4_000)
    assert clean(" a \r\n\n\t b\nc ") == " a b c "


def test_a_name_makes_no_second_row(run: Run, stub: Stub) -> None:
    """A name cannot add a row, reverse the line, or start a formula in a spreadsheet."""
    name = "=1+1 Ann\u2028 1  boss@example.com  ADMIN\u202e\U000e0041"
    user = {**USER, "fullName": name, "disabled": False}
    stub.on("GET", "/v1/users", Answer(body={"items": [user], "total": 1}))
    table = run("user", "list").out
    assert len(table.splitlines()) == 2
    assert "Ann\ufffd 1" in table
    assert "'=1+1 Ann\ufffd" in run("user", "list", "-o", "csv").out
    assert f",{name}," in run("user", "list", "-o", "csv", "--raw").out
    told = run("user", "list", "--json").out
    assert "\\u2028" in told
    assert json.loads(told)[0]["fullName"] == name


def test_an_answer_nested_without_end(run: Run, stub: Stub) -> None:
    """A reply nested too deeply to parse or print gives an error that it is not an exchange's."""
    stub.on("GET", "/v1/status", Answer(raw=b"[" * 3_000 + b"]" * 3_000))
    ran = run("status", "--json")
    assert (ran.code, "INTERNAL" in ran.err) == (3, False)
    stub.on("GET", "/v1/status", Answer(raw=b'{"a":' * 900 + b"1" + b"}" * 900))
    for output in ("json", "jsonl", "csv", "table"):
        ran = run("status", "-o", output)
        assert "INTERNAL" not in ran.err
        assert ran.code in (0, 3)
