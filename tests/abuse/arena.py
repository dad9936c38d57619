"""The target of the attacks: a real exchange in its own process, with a large database.

The users: ``victim`` trades in the market "quiet"; ``mallory`` is an ordinary user with money who
attacks; ``poor`` has no money; ``maker``, ``carol0``, ``dave0`` and so on have thousands of orders;
and there is the admin. Each has an API key, because a key does not expire during a long campaign.
"""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import create_engine, event

from tests.abuse import crowd
from tests.abuse.victim import Report
from tests.abuse.wire import ATTACKER
from tests.support.exchange import QUICK, ROOT, ExchangeProcess

TURNS = 2
"""Number of runs of an attack that uses up its target: each run has a target of its own."""
USERS = (
    "victim", "mallory", "poor", "maker",
    *(f"{who}{turn}" for who in ("carol", "dave") for turn in range(TURNS)),
)  # fmt: skip
MARKETS = (
    "quiet", "tape", "deep", "own",
    *(f"{what}{turn}" for what in ("carols", "daves", "held", "swept") for turn in range(TURNS)),
)  # fmt: skip
PASSWORD = "correct horse"
MEBI = 1024 * 1024
_START_S = 180.0
_MONEY = "10000000"

Json = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """Row counts of the database. ``orders`` rest in a book, ``own`` orders belong to one user."""

    trades: int
    orders: int
    own: int
    holders: int
    turns: int


SHORT = Size(trades=40_000, orders=4_000, own=16_000, holders=4_000, turns=TURNS)
LONG = Size(trades=240_000, orders=50_000, own=50_000, holders=200_000, turns=1)
FEW = Size(trades=200, orders=10, own=10, holders=2, turns=TURNS)
"""For attacks that need no data."""


class Arena:
    """One exchange and its users' credentials. ``keys`` are API keys by user."""

    def __init__(
        self, folder: Path, database_url: str, size: Size, program: str = "predmarket.cli"
    ) -> None:
        self.size = size
        self.keys: dict[str, str] = {}
        self.markets: dict[str, int] = {}
        self._folder = folder
        self._url = database_url
        self._victim: subprocess.Popen[str] | None = None
        # The settings are the defaults that an operator starts with. The proxy on this machine
        # forwards the addresses that an attack comes from.
        limits = {"AUTH_RATE_LIMIT": "", "AUTH_WINDOW_LIMIT": "", "ORDER_RATE_LIMIT": ""}
        settings = {"LOG_LEVEL": "info", "TRUSTED_PROXIES": f"127.0.0.1,{ATTACKER}", **limits}
        self.process = ExchangeProcess(
            folder, database_url, settings=settings, program=program, start_s=_START_S
        )

    # start and stop

    def prepare(self) -> None:
        """Fill the database while no exchange runs on it."""
        maker = ExchangeProcess(
            self._folder, self._url, "--seed", settings={"LOG_LEVEL": "error"}, program=QUICK
        )
        maker.start()
        try:
            with httpx.Client(base_url=maker.url, timeout=30, verify=False) as client:
                orders = self._people(client)
        finally:
            maker.stop()
        self._multiply(orders)

    def start(self) -> None:
        """Start the exchange and the victim process."""
        self.process.start()
        self._victim = subprocess.Popen(
            [sys.executable, "-m", "tests.abuse.victim", str(self.port), self.keys["victim"],
             "quiet", str(self.process.pid)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )  # fmt: skip
        assert self._victim.stdout is not None
        assert self._victim.stdout.readline() == "ready\n"

    def close(self) -> None:
        """Stop the victim and the exchange."""
        self.process.kill()
        if self._victim is not None:
            self._victim.kill()
            self._victim.communicate()
            self._victim = None

    # measurements

    @property
    def port(self) -> int:
        """Return the exchange's port."""
        return self.process.port

    @property
    def healthy(self) -> bool:
        """Tell whether the exchange answers health requests."""
        with suppress(httpx.TransportError):
            return httpx.get(f"{self.process.url}/healthz", timeout=5).status_code == 200
        return False

    def memory(self) -> int:
        """Return the resident memory of the exchange's process in bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def cpu(self) -> float:
        """Return the CPU seconds that the exchange has used."""
        return float(sum(psutil.Process(self.process.pid).cpu_times()[:2]))

    def loop_times(self) -> tuple[int, int]:
        """Return the event loop thread's run time and its wait time for a CPU, in nanoseconds."""
        pid = self.process.pid
        with suppress(OSError), open(f"/proc/{pid}/task/{pid}/schedstat") as stat:
            ran, waited, _ = map(int, stat.read().split())
            return ran, waited
        return 0, 0

    def clients(self) -> set[tuple[str, int]]:
        """Return the client end of each connection that the exchange has open."""
        if not self.process.running:
            return set()
        found = psutil.Process(self.process.pid).net_connections("tcp")
        return {(c.raddr.ip, c.raddr.port) for c in found if c.raddr and c.laddr.port == self.port}

    # the victim

    def begin(self) -> None:
        """Start the victim's trading."""
        self._tell("start")

    def finish(self) -> Report:
        """Stop the victim and return its report."""
        self._tell("stop")
        assert self._victim is not None
        assert self._victim.stdout is not None
        return Report(**json.loads(self._victim.stdout.readline()))

    def _tell(self, word: str) -> None:
        assert self._victim is not None
        assert self._victim.stdin is not None
        self._victim.stdin.write(f"{word}\n")
        self._victim.stdin.flush()

    # content of the database

    def _people(self, client: httpx.Client) -> dict[int, int]:
        """Register the users, create the markets and place one order of each kind that will rest.

        Return the number of copies to make of each order, by its id.
        """
        tokens = {}
        for user in USERS:
            body = {"email": f"{user}@example.com", "password": PASSWORD}
            tokens[user] = _post(client, "/v1/auth/register", body)["accessToken"]
        admin = {"email": "admin@example.com", "password": "admin123"}
        tokens["admin"] = _post(client, "/v1/auth/login", admin)["accessToken"]
        client.cookies.clear()
        for user, token in tokens.items():
            scopes = ["read", "trade", "admin"] if user == "admin" else ["read", "trade"]
            wanted = {"name": "abuse", "scopes": scopes}
            self.keys[user] = _post(client, "/v1/auth/api-keys", wanted, token)["key"]
        for user in USERS:
            if user != "poor":
                gift = {"email": f"{user}@example.com", "amount": _MONEY, "reason": "abuse"}
                _post(client, "/v1/user/transfer", gift, self.keys["admin"])
        for slug in MARKETS:
            asked = {"slug": slug, "question": f"{slug}?"}
            self.markets[slug] = _post(client, "/v1/markets", asked, self.keys["admin"])["id"]
        bands = [{"slug": f"band-{n}", "question": f"{n}?"} for n in range(200)]
        event = {"slug": "bands", "title": "How many?", "markets": bands}
        _post(client, "/v1/events", event, self.keys["admin"])

        def order(user: str, market: str, side: str, price: str, qty: str = "1") -> int:
            wanted = {"marketId": market, "side": side, "type": "LIMIT", "price": price, "qty": qty}
            return int(_post(client, "/v1/orders", wanted, self.keys[user])["id"])

        turns = range(self.size.turns)
        for market in ("tape", *(f"held{turn}" for turn in turns)):
            order("maker", market, "BUY", "0.50")
            order("mallory", market, "SELL", "0.50")
        some, own = self.size.orders, self.size.own
        resting = [("maker", "deep", some), ("mallory", "own", some)]
        for turn in turns:
            resting += [
                (f"carol{turn}", f"carols{turn}", own),
                (f"dave{turn}", f"daves{turn}", own),
            ]
            resting += [("maker", f"swept{turn}", some)]
        return {
            order(user, market, "SELL", "0.55", "0.01"): count for user, market, count in resting
        }

    def _multiply(self, orders: dict[int, int]) -> None:
        engine = create_engine(self._url)
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _quick)
        prices = range(5_500, 6_500, 100)
        with engine.begin() as connection:
            crowd.add_trades(connection, self.markets["tape"], self.size.trades)
            for turn in range(self.size.turns):
                crowd.add_holders(connection, self.markets[f"held{turn}"], self.size.holders)
            for id, count in orders.items():
                crowd.add_orders(connection, id, prices, count)
        engine.dispose()


def _quick(connection: Any, _: object) -> None:  # noqa: ANN401 -- the driver's
    connection.execute("PRAGMA synchronous = OFF")


def _post(client: httpx.Client, path: str, body: Json, token: str = "") -> Json:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    reply = client.post(path, json=body, headers=headers)
    assert reply.is_success, f"{path}: {reply.text}"
    found: Json = reply.json()
    return found
