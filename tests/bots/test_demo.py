"""A user's first contact with `serve --demo`: markets with a history, moving books, a clean end."""

import asyncio
import contextlib
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.support.exchange import ANSWER_S, QUICK, ROOT, ExchangeProcess
from tests.support.forked import PipedCommand

SLUG = "will-it-rain-tomorrow"
EVENTS = ("who-becomes-mayor", "river-level-on-sunday", "who-wins-the-cup")
WITHIN_S = 60.0


class Demo(ExchangeProcess):
    """A demo exchange on SQLite."""

    def get(self, path: str) -> object:
        """Return the JSON of a public route."""
        # no TLS: loading the certificates takes longer than the answer
        answer = httpx.get(f"{self.url}/v1{path}", timeout=60, verify=False)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def markets(self) -> dict[str, dict[str, str]]:
        """Return the markets by their slugs."""
        page = self.get("/markets?limit=100")
        assert isinstance(page, dict)
        return {market["slug"]: market for market in page["items"]}

    def event(self, slug: str) -> list[dict[str, str]]:
        """Return the open markets of an event."""
        found = self.get(f"/events/{slug}")
        assert isinstance(found, dict)
        return [market for market in found["markets"] if market["status"] == "OPEN"]

    def trades(self, slug: str) -> list[dict[str, str]]:
        """Return a market's last trades, newest first."""
        page = self.get(f"/trades/{slug}?limit=100")
        assert isinstance(page, dict)
        items: list[dict[str, str]] = page["items"]
        return items

    def wait(self, what: str, condition: Callable[[], bool]) -> None:
        """Return once the condition holds."""
        deadline = time.monotonic() + WITHIN_S
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {WITHIN_S} s"
            time.sleep(0.05)

    def count(self, what: str) -> int:
        """Return the number of rows of a table in the demo's database."""
        with contextlib.closing(sqlite3.connect(self.folder / "predmarket.db")) as connection:
            found: int = connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0]
            return found

    def has_traded(self, count: int) -> bool:
        """Tell whether the demo's database exists and has that many trades."""
        try:
            return self.count("trades") >= count
        except sqlite3.OperationalError:
            return False

    def run(self, *words: str, **environment: str) -> PipedCommand:
        """Start a command line against the demo."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PREDMARKET_")}
        kept |= {"PREDMARKET_URL": self.url, "PREDMARKET_CONFIG_DIR": str(self.folder / "config")}
        return PipedCommand(words, kept | environment)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A running demo, stopped after the last test."""
    folder = tmp_path_factory.mktemp("demo")
    process = Demo(folder, f"sqlite:///{folder / 'predmarket.db'}", "--demo", program=QUICK)
    try:
        process.start()
        yield process
    finally:
        process.kill()


@pytest.fixture(scope="module")
def key(demo: Demo) -> str:
    """An API key of the seed's user."""
    with httpx.Client(base_url=demo.url, timeout=ANSWER_S) as client:
        login = {"email": "user@example.com", "password": "password123"}
        token = client.post("/v1/auth/login", json=login).json()["accessToken"]
        made = client.post(
            "/v1/auth/api-keys",
            json={"name": "bot", "scopes": ["read", "trade"]},
            headers={"authorization": f"Bearer {token}"},
        )
        key: str = made.json()["key"]
        return key


def test_there_are_markets_of_every_kind(demo: Demo) -> None:
    """The demo has markets of each tick size, with fees, with ends, and one that closes soon."""
    markets = demo.markets()
    assert len(markets) >= 12
    assert {market["tickSize"] for market in markets.values()} == {
        "0.1000", "0.0100", "0.0010", "0.0001"
    }  # fmt: skip
    assert {market["status"] for market in markets.values()} >= {
        "OPEN", "HALTED", "CLOSED", "RESOLVED"
    }  # fmt: skip
    assert {market["makerFeeRate"] for market in markets.values()} > {"0.0000"}
    soon = datetime.now(UTC) + timedelta(minutes=15)
    closing = [datetime.fromisoformat(m["closesAt"]) for m in markets.values() if m["closesAt"]]
    assert any(datetime.now(UTC) < at <= soon for at in closing)


def test_charts_are_not_empty(demo: Demo) -> None:
    """Every market has days of trades at prices on its tick."""
    for slug, market in demo.markets().items():
        candles = demo.get(f"/candles/{slug}?interval=1h")
        assert isinstance(candles, dict)
        starts = [datetime.fromisoformat(candle["start"]) for candle in candles["items"]]
        of_event = market["eventId"] is not None  # its trades spread over many outcomes
        assert len(starts) > (4 if of_event else 20), slug
        assert starts[-1] - starts[0] > timedelta(days=1 if of_event else 3)
        assert starts[-1] <= datetime.now(UTC)
        tick = round(float(market["tickSize"]) * 10_000)
        assert all(round(float(t["price"]) * 10_000) % tick == 0 for t in demo.trades(slug))


def test_the_books_are_quoted_and_move(demo: Demo) -> None:
    """Every book has both sides within seconds, and trades occur."""

    def quoted() -> bool:
        open_ones = [m for m in demo.markets().values() if m["status"] == "OPEN"]
        return all(market["bestBid"] and market["bestAsk"] for market in open_ones)

    def fair(slug: str) -> bool:
        """Tell whether the midpoints of an event's outcomes add up to about 1."""
        markets = demo.event(slug)
        quotes = [(float(m["bestBid"] or 0), float(m["bestAsk"] or 1)) for m in markets]
        return 0.9 < sum(map(sum, quotes)) / 2 < 1.1

    demo.wait("every open market is quoted", quoted)
    assert [len(demo.event(slug)) for slug in EVENTS] == [9, 5, 13]
    for slug in EVENTS:
        demo.wait(f"{slug} is priced as one", partial(fair, slug))
    before = demo.count("trades")
    demo.wait("it trades", lambda: demo.count("trades") > before)


@pytest.mark.parametrize(("ending", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_market_maker_of_ones_own(
    demo: Demo, key: str, ending: signal.Signals, code: int
) -> None:
    """A user's own maker quotes, reports JSON lines, and cancels its quotes at a signal."""
    bot = demo.run(
        "bot", "run", "market-maker", "--market", SLUG, "--json", "--quiet", PREDMARKET_API_KEY=key
    )
    events: list[dict[str, str]] = []
    while [event["event"] for event in events].count("placed") < 6:
        events.append(json.loads(bot.stdout.readline()))
    assert {event["side"] for event in events if event["event"] == "placed"} == {"BUY", "SELL"}
    bot.send_signal(ending)
    out, err = bot.communicate(timeout=WITHIN_S)
    assert (bot.returncode, err) == (code, "")
    assert json.loads(out.splitlines()[-1])["event"] == "withdrawn"
    headers = {"authorization": f"Bearer {key}"}
    orders = httpx.get(f"{demo.url}/v1/orders?limit=100", headers=headers, timeout=ANSWER_S)
    mine = orders.json()["items"]
    assert mine != []
    assert {order["status"] for order in mine} <= {"CANCELED", "FILLED"}


def test_bots_of_events_of_ones_own(demo: Demo, key: str) -> None:
    """A maker reports its maximum loss in an event and quotes it; an arbitrageur watches it.

    Both report the events that they cannot trade.
    """
    words = ("market-maker", "--event", EVENTS[1], "--liquidity", "100")
    maker = demo.run("bot", "run", *words, PREDMARKET_API_KEY=key)
    watching = demo.run("bot", "run", "arbitrageur", "--event", EVENTS[1], PREDMARKET_API_KEY=key)
    assert maker.stderr.readline() == f"{EVENTS[1]}: loses at most 160.943791 dollars\n"
    while "placed" not in maker.stderr.readline():
        pass
    assert watching.stderr.readline() == "connected\n"
    for bot in (maker, watching):
        bot.send_signal(signal.SIGTERM)
        _, err = bot.communicate(timeout=WITHIN_S)
        assert (bot.returncode, err.splitlines()[-1].split()[0]) == (0, "withdrawn")


def test_a_noise_trader_says_what_it_does_to_people(demo: Demo, key: str) -> None:
    """The noise trader reports on stderr, a line each; stdout is empty.

    The same seed places new orders.
    """
    lines = set()
    for _ in range(2):
        words = ("bot", "run", "noise", "--market", SLUG, "--seed", "3")
        bot = demo.run(*words, PREDMARKET_API_KEY=key)
        while not (said := bot.stderr.readline()).startswith(f"{SLUG}: placed "):
            assert said
        lines.add(said.partition("(order ")[2])
        bot.send_signal(signal.SIGINT)
        out, _ = bot.communicate(timeout=WITHIN_S)
        assert (bot.returncode, out) == (130, "")
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("words", "code", "environment"),
    [
        (("noise", "--market", "no-such-market"), 5, {}),
        (("noise", "--market", SLUG), 4, {}),
        (("noise", "--market", SLUG), 3, {"PREDMARKET_URL": "http://127.0.0.1:9"}),
        (("oracle", "--market", SLUG), 2, {}),
        (("market-maker",), 2, {}),
        (("arbitrageur", "--market", SLUG), 2, {}),
        (("arbitrageur",), 2, {}),
        (("market-maker", "--event", "no-such-event"), 5, {}),
    ],
)
def test_a_bot_that_cannot_trade_says_why(
    demo: Demo, words: tuple[str, ...], code: int, environment: dict[str, str]
) -> None:
    """A bot that cannot trade prints one line and exits with the code of any command."""
    bot = demo.run("bot", "run", *words, **environment)
    _, err = bot.communicate(timeout=WITHIN_S)
    assert bot.returncode == code
    assert "Traceback" not in err
    assert err.startswith("error: ")


async def test_the_page_s_bot_trades(demo: Demo, key: str) -> None:
    """The example of docs/bots.md fits on a screen and quotes both sides."""
    example = ROOT / "docs" / "examples" / "bot.py"
    assert len(example.read_text().splitlines()) <= 50
    environment = os.environ | {"PREDMARKET_URL": demo.url, "PREDMARKET_API_KEY": key}
    bot = await asyncio.create_subprocess_exec(
        sys.executable, example, SLUG, env=environment | {"PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert bot.stdout is not None
        async with asyncio.timeout(WITHIN_S):
            said = [(await bot.stdout.readline()).decode().split()[0] for _ in range(2)]
        assert set(said) == {"BUY", "SELL"}
    finally:
        bot.terminate()
        await bot.communicate()  # to the end of its pipe, which closes it


def test_a_past_that_was_broken_off_is_gone_on_with(tmp_path: Path) -> None:
    """A seed interrupted by Ctrl-C or SIGKILL continues; the final history replays."""
    demo = Demo(tmp_path, f"sqlite:///{tmp_path / 'predmarket.db'}", "--demo", program=QUICK)
    try:
        for trades, number in ((200, signal.SIGKILL), (900, signal.SIGINT)):
            demo.launch()
            demo.wait("a part of the past", partial(demo.has_traded, trades))
            demo.stop(number)
            assert demo.count("trades") < 1_700
        demo.start()
        markets = demo.markets()
        assert {market["status"] for market in markets.values()} >= {"HALTED", "CLOSED", "RESOLVED"}
        candles = demo.get(f"/candles/{SLUG}?interval=1h")
        assert isinstance(candles, dict)
        starts = [datetime.fromisoformat(candle["start"]) for candle in candles["items"]]
        assert datetime.now(UTC) - starts[0] > timedelta(days=4, hours=12)
        ends = [*starts[1:], datetime.now(UTC)]
        gaps = [end - start for start, end in zip(starts, ends, strict=True)]
        assert max(gaps) < timedelta(hours=12)
        assert demo.stop() == 0
        assert demo.count("orders WHERE status IN ('OPEN', 'REJECTED')") == 0
        audited = demo.run("audit", "--replay", "--json", "--database-url", demo.database_url)
        out, err = audited.communicate(timeout=WITHIN_S)
        assert audited.returncode == 0, out + err
    finally:
        demo.kill()


def test_it_is_refused_where_others_can_reach_it(tmp_path: Path) -> None:
    """The demo, like the seed, refuses a public address: its accounts have published passwords."""
    url = f"sqlite:///{tmp_path / 'predmarket.db'}"
    process = Demo(tmp_path, url, "--demo", "--host", "0.0.0.0", program=QUICK).launch()
    assert process.wait(WITHIN_S) == 2
    assert "--force" in (tmp_path / "log").read_text()
    assert not (tmp_path / "predmarket.db").exists()


def test_it_stops_and_goes_on_with_what_is_there(demo: Demo) -> None:
    """No order rests while the demo is stopped, and a restart seeds no second history.

    The data passes the audit with replay.
    """
    assert demo.stop() == 0
    audited = demo.run("audit", "--replay", "--json", "--database-url", demo.database_url)
    out, err = audited.communicate(timeout=WITHIN_S)
    assert audited.returncode == 0, out + err
    before = demo.count("trades")
    assert demo.count("orders WHERE status = 'OPEN'") == 0
    demo.start()
    demo.wait("it trades again", lambda: demo.count("trades") > before)
    assert len(demo.markets()) == 13 + 9 + 5 + 16
    assert demo.stop() == 0
    assert demo.count("trades") < before + 300
    log = (demo.folder / "log").read_text()
    assert '"level": "error"' not in log
    assert "Traceback" not in log
