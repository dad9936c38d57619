"""Attacks by reads that are expensive to answer."""

from urllib.parse import quote

from tests.abuse.assault import Assault, Attack, Run

_CURSOR = "f" + "_" * 10


def asks(path: str, user: str | None = None, lines: int = 8, at_once: int = 1) -> Run:
    """Return an attack by one GET request, repeated on several connections."""

    async def run(assault: Assault) -> None:
        await assault.repeat(assault.request("GET", path, user=user), lines, at_once)

    return run


def _preview(**fields: str) -> Run:
    wanted = {"marketId": "deep", "side": "BUY", "type": "LIMIT", "price": "0.99", "qty": "1000000"}
    body = ",".join(f'"{name}":"{value}"' for name, value in (wanted | fields).items())

    async def run(assault: Assault) -> None:
        data = assault.request("POST", "/v1/orders/preview", f"{{{body}}}".encode(), "mallory")
        await assault.repeat(data, lines=8)

    return run


_YEARS = "from=1970-01-01T00:00:00Z&to=9999-12-31T23:59:59Z"

ATTACKS = [
    Attack(
        "candles",
        "40 at once ask for candles of all trades",
        asks("/v1/candles/tape?interval=1d", lines=40),
        0.4,
    ),
    Attack(
        "candles-user",
        "a user asks for candles of all trades, 40 times at once",
        asks("/v1/candles/tape?interval=1h", "mallory", lines=40),
        0.4,
        short=False,
    ),
    Attack(
        "candles-years",
        "candles from 1970 to 9999",
        asks(f"/v1/candles/tape?interval=1d&{_YEARS}", lines=16),
        short=False,
    ),
    Attack(
        "candles-minutes",
        "candles of a minute each",
        asks("/v1/candles/tape?interval=1m", lines=16),
        short=False,
    ),
    Attack(
        "trades", "pages of 100 trades", asks("/v1/trades/tape?limit=100", lines=16), short=False
    ),
    Attack(
        "trades-cursor",
        "pages of trades behind odd cursors",
        short=False,
        run=asks(f"/v1/trades/tape?limit=100&cursor={_CURSOR}", lines=16),
    ),
    Attack("book", "a deep book with all its levels", asks("/v1/orderbook/deep", lines=16)),
    Attack("event", "an event of 200 markets", asks("/v1/events/bands", lines=16)),
    Attack(
        "search",
        "markets by a text of 500 %",
        short=False,
        run=asks("/v1/markets?q=" + quote("%" * 500), lines=16),
    ),
    Attack(
        "offset",
        "markets at an offset of 2^63",
        short=False,
        run=asks(f"/v1/markets?offset={2**63 - 1}", lines=16),
    ),
    Attack(
        "digits", "a limit of 50 000 digits", asks("/v1/markets?limit=" + "9" * 50_000), short=False
    ),
    Attack(
        "market-digits",
        "a market named by 50 000 digits",
        asks("/v1/markets/" + "9" * 50_000),
        short=False,
    ),
    Attack(
        "orders",
        "a user lists 100 of many orders",
        asks("/v1/orders?limit=100", "carol0", lines=16),
    ),
    Attack(
        "order-ahead",
        "a user asks where the last of many orders stands",
        short=False,
        run=asks("/v1/orders?limit=1&status=OPEN", "carol0", lines=16),
    ),
    Attack(
        "ledger",
        "a user's statement by a filter that finds nothing",
        short=False,
        run=asks("/v1/user/ledger?kind=FEE&limit=100", "carol0", lines=16),
    ),
    Attack("previews", "previews that go through a deep book", _preview(), 0.4, short=False),
    Attack(
        "previews-fok",
        "previews of an order that must fill whole",
        short=False,
        run=_preview(timeInForce="FOK"),
    ),
    Attack("openapi", "the document of the API", asks("/openapi.json", lines=8), short=False),
    Attack("metrics", "the metrics", asks("/metrics", lines=8), short=False),
    Attack("status", "the status", asks("/v1/status", lines=16), short=False),
    Attack("health", "the health", asks("/healthz", lines=16), short=False),
]
