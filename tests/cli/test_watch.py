"""--watch and stream: lines in a pipe, a redrawn screen on a terminal, and their end."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from predmarket.cli.views import BookView
from predmarket.client import Feed, messages
from predmarket.client.calls import Call
from predmarket.client.response_types import BookLevels
from tests.cli.answers import FILL
from tests.cli.watching import WatchedExchange, piped, terminal
from tests.support.command_line import Run
from tests.support.scripted_exchange import Connection
from tests.support.stub_data import BALANCE, MARKET, ORDER, TRADE, page

BOOK = ("book", "rain", "--watch")
NAMES = {"orderbook:rain": "orderbook:1", "trades:rain": "trades:1", "ticker:rain": "ticker:1"}
ENTERED, LEFT = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"


@pytest.fixture
async def exchange(
    environment: None, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[WatchedExchange]:
    """A scripted exchange at PREDMARKET_URL."""
    async with WatchedExchange() as server:
        monkeypatch.setenv("PREDMARKET_URL", server.url)
        yield server


async def connected(exchange: WatchedExchange) -> Connection:
    """Take the next connection and confirm its topics."""
    socket = await exchange.accepted()
    await socket.confirm(NAMES)
    return socket


async def test_a_book_in_a_pipe(exchange: WatchedExchange) -> None:
    """Each change prints the whole book, in the format of ``book``."""
    async with piped(*BOOK, "--depth", "1") as command:
        socket = await connected(exchange)
        await socket.book(3, [("0.6000", "1.00"), ("0.5000", "9.00")])
        first = {"marketId": 1, "bids": [["0.6000", "1.00"]], "asks": [], "seq": 3}
        assert await command.line() == first
        await socket.book(4, [("0.6000", "0.00")], last=3)
        second = {"marketId": 1, "bids": [["0.5000", "9.00"]], "asks": [], "seq": 4}
        assert await command.line() == second
        command.interrupt()
        assert await command.ended() == (130, "")


async def test_a_book_that_runs_ahead() -> None:
    """Of queued messages that the held book already includes, only the first prints it."""
    view = BookView("rain", None)
    feed = Feed(topics=view.topics)
    levels: BookLevels = {"marketId": 1, "bids": [["0.6000", "1.00"]], "asks": []}
    feed.book("rain").load(levels, 4)
    heard = [
        messages.BookSnapshot(
            topic="orderbook:1", seq=seq, last_seq=None, ts=5, raw=b"", data=levels
        )
        for seq in (3, 4)
    ]
    rows = [await view.hear(message, feed, never) for message in heard]
    assert [len(told) for told in rows] == [1, 0]


async def never(call: Call[Any]) -> Any:  # noqa: ANN401  each call has its answer
    """Never answer a call."""
    raise AssertionError(f"{call.path} was asked")


async def test_a_lost_connection(exchange: WatchedExchange) -> None:
    """stderr reports the loss and the return once each; nothing is printed twice."""
    async with piped("trades", "rain", "--watch") as command:
        socket = await connected(exchange)
        await say_trades(socket, 5, 4)
        assert [(await command.line())["id"] for _ in range(2)] == [4, 5]
        exchange.refuse(503)
        socket.cut()
        assert (await command.said()).startswith("connection lost: ")
        socket = await connected(exchange)
        assert await command.said() == "connected again"
        await say_trades(socket, 6, 5, 4)
        assert (await command.line())["id"] == 6


async def say_trades(socket: Connection, *ids: int) -> None:
    """Send a snapshot of trades, the newest first."""
    items = [{**TRADE, "id": number} for number in ids]
    data = {"marketId": 1, "items": items}
    await socket.say("trades.snapshot", data, topic="trades:1", seq=ids[0])


async def test_quiet(exchange: WatchedExchange) -> None:
    """--quiet keeps stderr empty."""
    async with piped(*BOOK, "--quiet") as command:
        (await connected(exchange)).cut()
        await (await connected(exchange)).book(1)
        await command.line()
        command.interrupt()
        assert await command.ended() == (130, "")


async def test_a_page_to_begin_with(exchange: WatchedExchange) -> None:
    """--limit is the number of initial trades; CSV has one heading."""
    async with piped("trades", "rain", "--watch", "--limit", "1", "-o", "csv") as command:
        socket = await connected(exchange)
        await say_trades(socket, 6, 5, 4)
        assert (await command.text()).startswith("id,buyOrderId,")
        assert (await command.text()).startswith("6,17,16,")
        trade = {**TRADE, "id": 7}
        await socket.say("trade", trade, topic="trades:1", seq=7, lastSeq=6)
        assert (await command.text()).startswith("7,17,16,")


async def test_an_empty_book_as_csv(exchange: WatchedExchange) -> None:
    """An empty book as CSV is one row without a level."""
    async with piped(*BOOK, "-o", "csv") as command:
        socket = await connected(exchange)
        await socket.book(3, [("0.6000", "1.00")])
        assert await command.text() == "seq,side,price,qty"
        assert await command.text() == "3,BID,0.6000,1.00"
        await socket.book(4, [("0.6000", "0.00")], last=3)
        assert await command.text() == "4,,,"


async def test_a_ticker(exchange: WatchedExchange) -> None:
    """One shape combines prices and status, which come from two topics."""
    exchange.answers["/v1/markets/rain"] = MARKET
    async with piped("ticker", "rain", "--watch") as command:
        socket = await connected(exchange)
        await socket.say("markets.snapshot", {"items": []}, topic="markets", seq=1)
        shown = {
            "id": 1,
            "slug": "rain",
            "status": "OPEN",
            "bestBid": "0.6000",
            "bestAsk": None,
            "lastPrice": "0.6100",
            "volume": "125.00",
            "openInterest": "40.00",
        }
        assert await command.line() == shown
        ticker = {name: shown[name] for name in [*shown][3:]} | {"marketId": 1}
        await socket.say("ticker.snapshot", ticker, topic="ticker:1", seq=1)
        told = {**ticker, "bestAsk": "0.7000"}
        await socket.say("ticker", told, topic="ticker:1", seq=2, lastSeq=1)
        assert await command.line() == {**shown, "bestAsk": "0.7000"}
        market = {**MARKET, "description": ""}
        changes: list[dict[str, object]] = [{"id": 2, "status": "CLOSED"}, {"status": "HALTED"}]
        for number, change in enumerate(changes, 2):
            await socket.say(
                "market", market | change, topic="markets", seq=number, lastSeq=number - 1
            )
        assert await command.line() == {**shown, "bestAsk": "0.7000", "status": "HALTED"}


def order(number: int, **fields: object) -> dict[str, Any]:
    """Return an order in the format of the feed."""
    return {name: value for name, value in ORDER.items() if name != "fills"} | {
        "id": number,
        **fields,
    }


async def test_orders(exchange: WatchedExchange) -> None:
    """The list comes first, oldest before newest; each later change that passes follows once."""
    fills: dict[str, object] = {"fills": []}
    exchange.answers["/v1/orders"] = page(order(8) | fills, order(7) | fills)
    words = ("--market-id", "rain", "--status", "partially_filled", "--watch")
    async with piped("order", "list", *words) as command:
        socket = await exchange.accepted()
        await socket.confirm({"user:me:orders": "user:2:orders"})
        topic = "user:2:orders"
        await socket.say("orders.snapshot", {"items": []}, topic=topic, seq=3)
        assert [await command.line(), await command.line()] == [order(7), order(8)]
        later = {"updatedAt": "2030-01-02T03:04:09.000000Z"}
        changes = [
            order(7, updatedAt="2030-01-02T03:04:04.000000Z", qtyFilled="3.00"),  # an older state
            order(7),  # a known state
            order(8, status="FILLED", **later),
            order(9, marketSlug="snow", marketId=2),
            order(7, qtyFilled="5.00", **later),
        ]
        for number, change in enumerate(changes, 4):
            await socket.say("order", change, topic=topic, seq=number, lastSeq=number - 1)
        assert await command.line() == changes[-1]


async def test_live_orders(exchange: WatchedExchange) -> None:
    """Live orders are shown until they end; ends missed during a cut are reported afterwards."""
    fills: dict[str, object] = {"fills": []}
    exchange.answers["/v1/orders"] = page(order(8) | fills, order(7) | fills)
    names, topic = {"user:me:orders": "user:2:orders"}, "user:2:orders"
    later = {"status": "FILLED", "updatedAt": "2030-01-02T03:04:09.000000Z"}
    async with piped("order", "list", "--watch") as command:
        socket = await exchange.accepted()
        await socket.confirm(names)
        await socket.say("orders.snapshot", {"items": [order(7), order(8)]}, topic=topic, seq=3)
        assert [await command.line(), await command.line()] == [order(7), order(8)]
        for number, change in enumerate([order(8, **later), order(9, **later)], 4):
            await socket.say("order", change, topic=topic, seq=number, lastSeq=number - 1)
        assert await command.line() == order(8, **later)  # order 9 was never in the list
        exchange.answers["/v1/orders"] = page(order(10) | fills)
        exchange.answers["/v1/orders/7"] = order(7, **later) | fills
        await socket.say("orders.snapshot", {"items": [order(10)]}, topic=topic, seq=9)
        assert [await command.line(), await command.line()] == [order(7, **later), order(10)]


async def test_a_stream(exchange: WatchedExchange) -> None:
    """stream prints the exchange's messages, unknown ones too, without control characters."""
    async with piped("stream", "orderbook:rain", "trades:rain") as command:
        socket = await exchange.accepted()
        assert await socket.confirm(NAMES) == ["orderbook:rain", "trades:rain"]
        await socket.book(3)
        text = '{"type":"news","ts":5,"topic":"orderbook:1","data":"\x9b31m"}'
        await socket.write(text)
        assert (await command.line())["type"] == "orderbook.snapshot"
        line = await command.text()
        assert json.loads(line) == json.loads(text)
        assert "\x9b" not in line


@pytest.mark.parametrize("words", ["book rain --watch", "stream orderbook:rain"])
async def test_a_reader_that_goes(exchange: WatchedExchange, words: str) -> None:
    """The command ends silently when its reader is gone, even without output to write."""
    async with piped(*words.split()) as command:
        socket = await connected(exchange)
        await socket.book(3)
        await command.line()
        command.stop_reading()
        assert await command.ended() == (0, "")


async def test_an_interrupt_while_nobody_reads(exchange: WatchedExchange) -> None:
    """Ctrl-C works while the pipe is full."""
    async with piped("stream", "orderbook:rain") as command:
        socket = await connected(exchange)
        levels = [(f"0.{number:04}", "1.00") for number in range(1, 10_000)]
        await socket.book(1, levels)
        async with asyncio.timeout(60):
            await command.stdout.readexactly(1)
        for number in range(2, 12):
            await socket.book(number, levels, last=number - 1)
        command.interrupt()
        assert (await command.ended())[0] == 130


@pytest.mark.parametrize(("code", "exit_code"), [("FORBIDDEN", 4), ("MARKET_NOT_FOUND", 5)])
async def test_a_refused_topic(exchange: WatchedExchange, code: str, exit_code: int) -> None:
    """A refused topic has the exit code of the same REST refusal, and JSON errors on request."""
    async with piped("stream", "user:me:orders", "--json") as command:
        socket = await exchange.accepted()
        await socket.refuse(await socket.heard("subscribe"), code)
        ended, err = await command.ended()
        assert (ended, json.loads(err)["error"]["code"]) == (exit_code, code)


async def test_no_exchange(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an exchange the command fails at once, because waiting would look like silence."""
    monkeypatch.setenv("PREDMARKET_URL", "http://127.0.0.1:1")
    async with piped(*BOOK) as command:
        code, err = await command.ended()
        assert (code, err.startswith("error: cannot reach ws://127.0.0.1:1")) == (3, True)


@pytest.mark.parametrize(
    "words", ["trades rain --all", "order list --cursor c", "stream -o csv markets"]
)
def test_what_does_not_go_together(run: Run, words: str) -> None:
    """Contradictory options are refused before any request."""
    watch = () if words.startswith("stream") else ("--watch",)
    assert run(*words.split(), *watch).code == 2


async def test_a_screen(exchange: WatchedExchange) -> None:
    """The screen is redrawn in place; at the end the cursor is back and the last state stays."""
    async with terminal(*BOOK) as screen:
        socket = await connected(exchange)
        await screen.shows(ENTERED)
        await socket.book(3, [("0.6000", "1.00")])
        drawn = await screen.shows("1.00  0.6000")
        assert "rain  live" in screen.seen
        await socket.book(4, [("0.5000", "9.00")], last=3)
        drawn = await screen.shows("9.00  0.5000", drawn)
        socket.cut()
        drawn = await screen.shows("rain  lost: ", drawn)
        await (await connected(exchange)).book(5, [("0.4000", "7.00")])
        drawn = await screen.shows("7.00  0.4000", drawn)
        await screen.interrupt()
        assert await screen.ended() == 130
        left = await screen.shows(LEFT, drawn)
        assert await screen.shows("7.00  0.4000\r\n", left) == len(screen.seen)


async def test_a_screen_that_ends_otherwise(exchange: WatchedExchange) -> None:
    """A signal or an error restores the terminal; the error is printed below the last state."""
    async with terminal(*BOOK) as screen:
        await connected(exchange)
        await screen.shows("rain  live")
        screen.process.send_signal(signal.SIGTERM)
        assert await screen.ended() == 143
        await screen.shows(LEFT)
    async with terminal(*BOOK) as screen:
        socket = await exchange.accepted()
        await screen.shows(ENTERED)
        await socket.refuse(await socket.heard("subscribe"), "MARKET_NOT_FOUND", "no such market")
        assert await screen.ended() == 5
        left = await screen.shows(LEFT + "error: MARKET_NOT_FOUND: there is no market rain")
        assert "\x1b" not in screen.seen[left:]


async def test_a_small_screen(exchange: WatchedExchange) -> None:
    """The screen shows as much as fits, best prices first, and more when it grows."""
    async with terminal(*BOOK, rows=8) as screen:
        socket = await connected(exchange)
        await socket.book(3, [(f"0.6{number}00", "1.00") for number in range(9)])
        drawn = await screen.shows("0.6700")
        assert "0.6600" not in screen.seen
        screen.resize(80, 24)
        await screen.shows("0.6000", drawn)


async def test_lines_on_a_terminal(exchange: WatchedExchange) -> None:
    """With --json a terminal gets lines, too."""
    async with terminal(*BOOK, "--json") as screen:
        socket = await connected(exchange)
        await socket.book(3)
        await screen.shows('{"marketId":1,"bids":[],"asks":[],"seq":3}')
        assert "\x1b" not in screen.seen


async def test_an_interrupted_question(exchange: WatchedExchange) -> None:
    """Ctrl-C at a question is a no, and the next output begins a new line."""
    async with terminal("market", "resolve", "rain", "YES") as screen:
        await screen.shows("[y/N] ")
        await screen.interrupt()
        assert await screen.ended() == 130
        await screen.shows("\r\n")


async def test_a_table_of_eighty_columns(exchange: WatchedExchange) -> None:
    """Numbers are whole, long names fold, and a time is on one line."""
    exchange.answers["/v1/user/fills"] = page(
        {**FILL, "marketSlug": "long-" * 12, "qty": "700000.55", "tradeId": 123456}
    )
    async with terminal("account", "fills", "--no-color") as screen:
        assert await screen.ended() == 0
        await screen.shows("2030-01-02 03:04:05Z")
        await screen.shows("700000.55")
        rows = screen.seen.splitlines()
        assert max(len(row) for row in rows) <= 80
        assert "".join(row[29:45].strip() for row in rows[1:]) == "long-" * 12


async def test_a_table_too_wide_for_its_terminal(exchange: WatchedExchange) -> None:
    """The last columns are left out with a note, because half a number is another number."""
    exchange.answers["/v1/user/balance"] = {**BALANCE, "total": "900000102.800000"}
    exchange.answers["/v1/user/events"] = page()
    async with terminal("account", "balance", "--no-color", columns=24) as screen:
        assert await screen.ended() == 0
        await screen.shows("too narrow for: TOTAL")
        rows = screen.seen.splitlines()
        assert [row.split() for row in rows[:2]] == [
            ["AVAILABLE", "LOCKED"],
            [BALANCE["available"], BALANCE["locked"]],
        ]


async def test_a_terminal_without_a_size(exchange: WatchedExchange) -> None:
    """A terminal of unknown size counts as 80 by 24."""
    async with terminal(*BOOK, columns=0, rows=0) as screen:
        socket = await connected(exchange)
        await socket.book(3, [("0.6000", "1.00")])
        await screen.shows("0.6000")
        await screen.shows("SUM")
