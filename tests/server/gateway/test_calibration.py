"""Calibration: scores as scikit-learn computes them, and the choice of prices and markets."""

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from predmarket.contracts.calibration import Ahead
from predmarket.server.core.bus import Overloaded
from predmarket.server.gateway import calibration as scores
from predmarket.server.gateway.calibration import Forecast, Forecasts, bins, brier_score
from predmarket.server.gateway.routes import calibration
from predmarket.server.read_model.queries.admin_log import closed_at
from predmarket.server.read_model.records import MarketRecord
from tests.server.gateway.calibration_reference import Reference, references
from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json
from tests.support.http_orders import got, order
from tests.support.http_users import refused

HOUR = 3_600_000_000
CLOSE = "2100-01-01T00:00:00Z"


@pytest.mark.parametrize("reference", references())
def test_scores_equal_those_of_scikit_learn(reference: Reference) -> None:
    """Scores equal scikit-learn's brier_score_loss and its calibration_curve with ten bins.

    They agree to six decimals.
    """
    forecasts = [*map(Forecast, reference.prices, reference.outcomes)]
    found = bins(forecasts)
    assert brier_score(forecasts) == f"{reference.brier_score:.6f}"
    assert [float(one.share) for one in found] == pytest.approx(reference.prob_true, abs=6e-7)
    assert [float(one.price) for one in found] == pytest.approx(reference.prob_pred, abs=6e-7)
    assert sum(one.markets for one in found) == len(forecasts)


def test_without_a_forecast_there_is_no_score() -> None:
    """Without forecasts there is no score and no bin."""
    assert (brier_score([]), bins([])) == (None, [])


class Past:
    """An exchange with two traders and a clock that the test sets."""

    def __init__(self, exchange: Exchange, patch: pytest.MonkeyPatch) -> None:
        self.exchange = exchange
        self._patch = patch
        self._now: list[int] = []

    async def begin(self) -> None:
        """Register the traders, and stop the clock."""
        self.ann, self.bob = [await self.exchange.trader(name) for name in ("ann", "bob")]
        core = self.exchange.node.core
        self._start = core.now() + HOUR
        self._now.append(self._start)
        self._patch.setattr(core.pipeline.clock, "now", partial(self._now.__getitem__, -1))

    def at(self, hours: float) -> None:
        """Set the clock."""
        self._now.append(self._start + int(hours * HOUR))

    async def trade(self, market: str, price: str) -> None:
        """Trade one share."""
        await order(self.ann, "BUY", 1, price, market)
        await order(self.bob, "SELL", 1, price, market)

    async def resolve(self, market: str, outcome: str, **of: object) -> None:
        """Resolve a market."""
        body = {"outcome": outcome, **of}
        path = f"/v1/markets/{market}/resolve"
        assert (await self.exchange.admin.client.post(path, json=body)).status_code == 200

    async def shown(self, query: str = "") -> Json:
        """Return the calibration as an anonymous client sees it."""
        answer = await self.exchange.anonymous.get(f"/v1/calibration?{query}")
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found


async def test_the_last_trade_before_the_close_counts(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last trade before the close counts.

    The close is the earlier of the closing act and the resolution.
    """
    past, admin = Past(exchange, monkeypatch), exchange.admin.client
    for slug in ("rain", "snow", "hail", "fog", "draft"):
        await exchange.market(slug, category="cold" if slug in ("snow", "hail") else "wet")
    await past.begin()
    past.at(0)
    for slug in ("rain", "hail", "fog"):
        await past.trade(slug, "0.30")
    past.at(30)
    for slug in ("rain", "snow"):
        await past.trade(slug, "0.60")
    past.at(36)
    await admin.patch("/v1/markets/rain", json={"status": "CLOSED"})
    past.at(90)
    await past.resolve("rain", "YES")
    await past.resolve("snow", "NO")
    await past.resolve("hail", "VOID")
    await past.resolve("fog", "SCALAR", settlementPrice="0.4")
    day = await past.shown()
    assert (day["before"], day["markets"], day["unpriced"], day["more"]) == ("1d", 2, 0, False)
    assert day["brierScore"] == "0.425000"  # rain at 0.30 a day before its close, snow at 0.60
    assert day["baseRate"] == "0.500000"
    assert [(one["above"], one["to"], one["price"], one["share"]) for one in day["bins"]] == [
        ("0.2000", "0.3000", "0.300000", "1.000000"),
        ("0.5000", "0.6000", "0.600000", "0.000000"),
    ]
    hour = await past.shown("before=1h&category=WET")
    assert (hour["markets"], hour["brierScore"]) == (1, "0.160000")
    week = await past.shown("before=7d")
    assert (week["markets"], week["unpriced"], week["brierScore"]) == (0, 2, None)


@ON_ONE_DATABASE
async def test_markets_of_an_event(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each market of an event counts, a struck one too, and the event's acts close it.

    Only the newest markets are scored.
    """
    admin = exchange.admin.client
    past = Past(exchange, monkeypatch)
    markets = [{"slug": f"vote-{one}", "question": "?"} for one in "abc"]
    body = {"slug": "vote", "title": "Who?", "markets": markets, "closesAt": CLOSE}
    assert (await admin.post("/v1/events", json=body)).status_code == 201
    await exchange.market("rain")
    await past.begin()
    past.at(0)
    for market, price in (("vote-a", "0.50"), ("vote-b", "0.20"), ("vote-c", "0.10")):
        await past.trade(market, price)
    past.at(10)
    await past.resolve("vote-c", "NO")
    await admin.patch("/v1/events/vote", json={"status": "CLOSED"})
    past.at(11)
    await admin.patch("/v1/events/vote", json={"status": "OPEN"})
    await past.trade("vote-a", "0.90")
    past.at(13)
    assert (await admin.post("/v1/events/vote/resolve", json={"outcome": "vote-a"})).is_success
    await past.resolve("rain", "YES")
    shown = await past.shown("before=1h&event=vote")
    assert (shown["markets"], shown["unpriced"], shown["baseRate"]) == (3, 0, "0.333333")
    assert shown["brierScore"] == "0.020000"  # (0.01 + 0.04 + 0.01) / 3
    monkeypatch.setattr(calibration, "MAX_MARKETS", 2)
    newest = await past.shown("before=1h&event=vote")
    assert (newest["markets"], newest["more"], newest["brierScore"]) == (2, True, "0.025000")
    assert (await past.shown("before=1h"))["unpriced"] == 1
    for query, code in (("before=2h", "VALIDATION_FAILED"), ("event=none", "EVENT_NOT_FOUND")):
        assert refused(await exchange.anonymous.get(f"/v1/calibration?{query}"))[1] == code
    assert (await got(exchange.admin, "/v1/calibration?event=1&before=1h"))["markets"] == 2


@ON_ONE_DATABASE
async def test_a_price_is_read_once(exchange: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """A final market's price is cached, so a flood of requests reads nothing.

    The cache is bounded.
    """
    past = Past(exchange, monkeypatch)
    for slug in ("rain", "snow"):
        await exchange.market(slug)
    await past.begin()
    past.at(0)
    await past.trade("rain", "0.30")
    past.at(30)
    for slug in ("rain", "snow"):
        await past.resolve(slug, "YES")
    read = list[list[int]]()

    async def counted(connection: AsyncConnection, some: Sequence[MarketRecord]) -> dict[int, int]:
        read.append([one.id for one in some])
        return await closed_at(connection, some)

    monkeypatch.setattr(scores, "closed_at", counted)
    first = await past.shown()
    many = await asyncio.gather(*(past.shown() for _ in range(5)))
    assert many == [first] * 5
    assert read == [[2, 1]]
    monkeypatch.setattr(scores, "REMEMBERED", 1)
    for _ in range(2):
        assert (await past.shown("before=1h"))["markets"] == 1
    assert [sorted(some) for some in read[1:]] in ([[1, 2], [1, 2]], [[1, 2], [2]])


@ON_ONE_DATABASE
async def test_a_wait_for_other_requests_is_bounded(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that waits too long for the one that reads is refused."""
    monkeypatch.setattr(scores, "WAIT_SECONDS", 0.01)
    forecasts = Forecasts(exchange.node.db)
    began, go = asyncio.Event(), asyncio.Event()

    async def slow(connection: AsyncConnection, some: Sequence[MarketRecord]) -> dict[int, int]:
        began.set()
        await go.wait()
        return {one.id: 0 for one in some}

    monkeypatch.setattr(scores, "closed_at", slow)
    await exchange.market("rain")
    markets = [*exchange.node.view]
    first = asyncio.create_task(forecasts.calibration(markets, Ahead.DAY, more=False))
    await began.wait()
    with pytest.raises(Overloaded):
        await forecasts.calibration(markets, Ahead.DAY, more=False)
    with pytest.raises(Overloaded):
        await first
