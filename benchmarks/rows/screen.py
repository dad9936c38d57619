"""What the trading screen costs: a frame of the ladder beside a grid of widgets, and the whole
program in a terminal.

The frame: 10 sizes of a book change, then the ladder (or the grid) takes them up and the frame is
laid out, drawn and written as bytes, 30 times a second. What the two have in common, an
application that wakes and has nothing to draw, is taken off neither.
The program: `predmarket tui` in tmux on an exchange of its own, whose open book changes 30 times a
second, in share of one core.
"""

import asyncio
import gc
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import psutil
from textual.app import App, ComposeResult
from textual.containers import Grid
from textual.widgets import Static

from benchmarks import load, sockets
from benchmarks.daemon import MARKET, Daemon, daemon
from benchmarks.sockets import Client
from benchmarks.table import RUNS, Line
from predmarket.tui.state.ladder import LadderData
from predmarket.tui.themes import DARK, THEMES
from predmarket.tui.widgets.ladder import Ladder
from predmarket.tui.widgets.ladder_columns import columns
from predmarket.units import QTY_ONE, Price, Qty

RATE = 30.0
CELLS = 10
FRAMES = 150
SIZE = (80, 40)
PRICES: list[Price] = [100 * n for n in range(32, 68)]
"""The 36 prices that fit the window, and the grid, whole."""
COLUMNS = len(columns(SIZE[0], 100))
SECONDS = 10.0
"""How long the program is watched."""
_KEYS_S = 20.0


class Drawn(App[None]):
    """An application under test that draws as in a terminal: down to the bytes, written nowhere."""

    @property
    def is_headless(self) -> bool:
        return False


class LadderApp(Drawn):
    """The ladder alone."""

    CSS = "Ladder { width: 100%; height: 100%; }"

    def __init__(self) -> None:
        super().__init__()
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = DARK
        self.book = dict.fromkeys(PRICES, 100 * QTY_ONE)
        self.ladder = Ladder(LadderData(live=True))
        self._share()

    def compose(self) -> ComposeResult:
        yield self.ladder

    def show(self, changes: dict[Price, Qty]) -> None:
        """Take up changed sizes."""
        self.book |= changes
        self._share()
        self.ladder.tick()

    def _share(self) -> None:
        data, middle = self.ladder.data, PRICES[len(PRICES) // 2]
        data.bids = {price: qty for price, qty in self.book.items() if price < middle}
        data.asks = {price: qty for price, qty in self.book.items() if price >= middle}


class GridApp(Drawn):
    """The ladder's columns and prices as a Static each, updated as Static is."""

    CSS = f"Grid {{ grid-size: {COLUMNS}; grid-rows: 1; }} Static {{ height: 1; }}"

    def compose(self) -> ComposeResult:
        with Grid():
            for price in reversed(PRICES):
                middle = COLUMNS // 2
                for column in range(COLUMNS):
                    text = f"0.{price // 100:02}" if column == middle else "100"
                    side = {middle - 1: "bid", middle + 1: "ask"}.get(column)
                    yield Static(text, id=None if side is None else f"{side}-{price}")

    def show(self, changes: dict[Price, Qty]) -> None:
        """Take up changed sizes."""
        middle = PRICES[len(PRICES) // 2]
        for price, qty in changes.items():
            side = "bid" if price < middle else "ask"
            self.query_one(f"#{side}-{price}", Static).update(str(qty // QTY_ONE))


def measure() -> Iterator[Line]:
    """Yield a frame's cost beside the grid's and, with tmux, the program's share of a core."""
    ours, grids = [], []
    for _ in range(RUNS):
        ours.append(asyncio.run(_frame_ms(LadderApp)))
        grids.append(asyncio.run(_frame_ms(GridApp)))
    yield Line(
        "screen", "ladder, a frame", statistics.median(ours), "ms", "grid of Static",
        statistics.median(grids), "≤ 0.1 ×",
        f"{RATE:.0f} frames/s × {CELLS} sizes, {len(PRICES)} prices, CPU of the process, "
        f"median of {RUNS} × {FRAMES} frames, none dropped",
    )  # fmt: skip
    if shutil.which("tmux") is None:
        return
    with daemon(None) as exchange:
        shares, changes = zip(*(load.run(_in_tmux(exchange)) for _ in range(RUNS)), strict=True)
    yield Line(
        "screen", "the program in tmux, 120 × 40", 100 * statistics.median(shares), "% of a core",
        goal="< 10 %",
        conditions=f"{min(changes)} of {RATE * SECONDS:.0f} changes acknowledged in each of "
        f"{RUNS} × {SECONDS:.0f} s, open loop, SQLite, 0 refused",
    )  # fmt: skip


async def _frame_ms(kind: Callable[[], LadderApp] | Callable[[], GridApp]) -> float:
    """Return the CPU milliseconds a frame costs until its bytes are there to be written."""
    app, chance = kind(), random.Random(1)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause()
        gc.collect()  # neither pays for what the one before left behind
        gc.freeze()
        spent = time.process_time()
        due = time.perf_counter()
        for _ in range(FRAMES):
            prices = chance.sample(PRICES, CELLS)
            app.show({price: chance.randint(1, 999) * QTY_ONE for price in prices})
            due += 1 / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
        return (time.process_time() - spent) / FRAMES * 1_000


async def _in_tmux(exchange: Daemon) -> tuple[float, int]:
    """Return the program's share of a core while the book changes, and how often it did."""
    refused = 0
    acknowledged = 0

    def answered(_client: Client, message: bytes) -> None:
        nonlocal refused, acknowledged
        acknowledged += message.startswith(b'{"type":"order.ack"')
        refused += message.startswith(b'{"type":"error"')

    trader = await sockets.connect(exchange.process.port, answered, token=exchange.tokens[0])
    async with _program(exchange) as program:
        before, began = _cpu_s(program), time.perf_counter()
        for sent in range(int(RATE * SECONDS)):
            trader.send(_order(sent))
            await asyncio.sleep(max(0.0, began + (sent + 1) / RATE - time.perf_counter()))
        share = (_cpu_s(program) - before) / (time.perf_counter() - began)
    trader.transport.abort()
    if refused:
        raise RuntimeError(f"{refused} orders were refused")
    return share, acknowledged


@asynccontextmanager
async def _program(exchange: Daemon) -> AsyncIterator[psutil.Process]:
    """Start the program in a tmux of its own, logged in and live; yield its process."""
    with tempfile.TemporaryDirectory() as folder:
        tmux = partial(_tmux, Path(folder) / "tmux")
        settings = {
            "PREDMARKET_URL": exchange.process.url,
            "PREDMARKET_CONFIG_DIR": folder,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
        }
        given = [f"{name}={value}" for name, value in settings.items()]
        tmux(
            "new-session", "-d", "-x", "120", "-y", "40",
            "env", *given, sys.executable, "-m", "predmarket.cli", "tui",
        )  # fmt: skip
        try:
            await _shows(tmux, "E-mail")
            tmux("send-keys", "-l", "trader1@example.com\tcorrect horse\r")
            await _shows(tmux, "● live")
            yield psutil.Process(int(tmux("display-message", "-p", "#{pane_pid}")))
        finally:
            tmux("kill-server")


async def _shows(tmux: Callable[..., str], text: str) -> None:
    """Wait until the terminal shows ``text``."""
    deadline = time.monotonic() + _KEYS_S
    while text not in (shown := tmux("capture-pane", "-p")):
        if time.monotonic() > deadline:
            raise RuntimeError(f"the screen does not show {text!r}:\n{shown}")
        await asyncio.sleep(0.1)


def _tmux(socket: Path, *words: str) -> str:
    """Run a tmux command on the server at ``socket``, whose settings are tmux's own."""
    command = ["tmux", "-S", str(socket), "-f", "/dev/null", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _order(number: int) -> bytes:
    """Return an order that rests within the window, at a price of its own side."""
    side, first = (b"BUY", 41) if number % 2 else (b"SELL", 51)
    return (
        b'{"type":"order.place","data":{"marketId":"%b","side":"%b","type":"LIMIT",'
        b'"price":"0.%02d","qty":"%d"}}'
        % (MARKET.encode(), side, first + number % 9, number % 7 + 1)
    )
