"""Public market data needs no signature, and only an admin's key shows drafts."""

from tests.support.http_exchange import Exchange, Json
from tests.support.kalshi import PATH, signer


async def _get(exchange: Exchange, path: str, code: int = 200, **query: str) -> Json:
    answer = await exchange.anonymous.get(PATH + path, params=query)
    assert answer.status_code == code, answer.text
    told: Json = answer.json()
    return told


async def _prepare(exchange: Exchange) -> None:
    """Make a market with three orders, a draft, and an event of three markets."""
    await exchange.market("rain-tomorrow", tickSize="0.001", takerFeeRate="0.07")
    await exchange.market("draft", status="DRAFT")
    event = {
        "slug": "cup",
        "title": "Who wins?",
        "markets": [{"slug": f"cup-{n}", "question": f"{n}?", "label": n} for n in "abc"],
    }
    assert (await exchange.admin.client.post("/v1/events", json=event)).status_code == 201
    for side, price, qty in (("BUY", "0.40", "5"), ("BUY", "0.30", "7"), ("SELL", "0.60", "9.5")):
        ann = await exchange.trader(f"{side}{price}".lower())
        body = {
            "marketId": "rain-tomorrow",
            "side": side,
            "type": "LIMIT",
            "price": price,
            "qty": qty,
        }
        assert (await ann.client.post("/v1/orders", json=body)).status_code == 201


async def test_markets_and_books_are_public(exchange: Exchange) -> None:
    """A market and its book are public, and so is the exchange's status.

    Tickers may have any case.
    """
    await _prepare(exchange)
    market = (await _get(exchange, "/markets/Rain-Tomorrow"))["market"]
    shown = {
        "ticker": "RAIN-TOMORROW",
        "event_ticker": "RAIN-TOMORROW",
        "status": "active",
        "yes_bid_dollars": "0.4000",
        "yes_ask_dollars": "0.6000",
        "no_bid_dollars": "0.4000",
        "no_ask_dollars": "0.6000",
        "yes_bid_size_fp": "5.00",
        "yes_ask_size_fp": "9.50",
        "price_level_structure": "deci_cent",
        "result": "",
        "volume_24h_fp": "0.00",
    }
    assert {name: market[name] for name in shown} == shown
    book = await _get(exchange, "/markets/RAIN-TOMORROW/orderbook")
    assert book["orderbook_fp"] == {
        "yes_dollars": [["0.3000", "7.00"], ["0.4000", "5.00"]],
        "no_dollars": [["0.4000", "9.50"]],
    }
    best = await _get(exchange, "/markets/RAIN-TOMORROW/orderbook", depth="1")
    assert best["orderbook_fp"]["yes_dollars"] == [["0.4000", "5.00"]]
    books = await _get(exchange, "/markets/orderbooks", tickers="RAIN-TOMORROW,CUP-A,NONE")
    assert [one["ticker"] for one in books["orderbooks"]] == ["RAIN-TOMORROW", "CUP-A"]
    assert (await _get(exchange, "/exchange/status"))["trading_active"] is True
    assert (await _get(exchange, "/exchange/schedule"))["schedule"]["standard_hours"]


async def test_lists_of_markets_are_public_without_drafts(exchange: Exchange) -> None:
    """Markets are listed with every filter, by cursor to the end; admins' keys show drafts."""
    await _prepare(exchange)
    found: list[str] = []
    cursor = ""
    while True:
        page = await _get(exchange, "/markets", limit="2", status="open", cursor=cursor)
        found += [one["ticker"] for one in page["markets"]]
        cursor = page["cursor"]
        if not cursor:
            break
    assert found == ["CUP-C", "CUP-B", "CUP-A", "RAIN-TOMORROW"]  # and no draft is listed
    of_event = await _get(exchange, "/markets", event_ticker="cup", mve_filter="exclude")
    assert [one["ticker"] for one in of_event["markets"]] == ["CUP-C", "CUP-B", "CUP-A"]
    assert (await _get(exchange, "/markets", status="settled"))["markets"] == []
    by_name = await _get(exchange, "/markets", tickers="CUP-A,cup-b")
    assert len(by_name["markets"]) == 2
    boss = await signer(exchange, exchange.admin, ("read", "trade", "admin"))
    draft = (await boss.get("/markets/DRAFT"))["market"]
    assert draft["status"] == "initialized"


async def test_events_and_series_are_public(exchange: Exchange) -> None:
    """Events are listed with their markets, and series with what they are about."""
    await _prepare(exchange)
    events = await _get(exchange, "/events", with_nested_markets="true")
    assert [(one["event_ticker"], one["mutually_exclusive"]) for one in events["events"]] == [
        ("CUP", True),
        ("RAIN-TOMORROW", False),
    ]
    assert [one["ticker"] for one in events["events"][0]["markets"]] == ["CUP-A", "CUP-B", "CUP-C"]
    cup = await _get(exchange, "/events/CUP")
    assert cup["event"]["collateral_return_type"] == "MECNET"
    assert len(cup["markets"]) == 3
    series = (await _get(exchange, "/series/RAIN-TOMORROW"))["series"]
    assert (series["ticker"], series["fee_multiplier"]) == ("RAIN-TOMORROW", 1.0)
    about: Json = {"category": "Weather", "tags": ["rain"], "source": "met.example"}
    await exchange.admin.client.patch("/v1/markets/rain-tomorrow", json=about)
    series = (await _get(exchange, "/series/RAIN-TOMORROW"))["series"]
    assert (series["category"], series["tags"]) == ("Weather", ["rain"])
    assert series["settlement_sources"] == [{"name": "met.example", "url": "met.example"}]
    assert (await _get(exchange, "/events/RAIN-TOMORROW"))["event"]["category"] == "Weather"
    for asked, expected in (("weather", ["RAIN-TOMORROW"]), ("sports", [])):
        listed = await _get(exchange, "/series", category=asked, tags="RAIN")
        assert [one["ticker"] for one in listed["series"]] == expected


async def test_events_are_found_by_their_series(exchange: Exchange) -> None:
    """A series finds its events.

    It is listed at its oldest event, and an event without a series is its own.
    """
    await exchange.market("rain")
    for slug, series in (("cup-30", "cup"), ("vote", None), ("cup-34", "cup")):
        names = [{"slug": f"{slug}-{one}", "question": f"{one}?"} for one in "ab"]
        event = {"slug": slug, "title": f"Who wins {slug}?", "markets": names, "series": series}
        if series is None:
            del event["series"]
        answer = await exchange.admin.client.post("/v1/events", json=event)
        assert answer.status_code == 201, answer.text
        assert answer.json()["series"] == (series or slug)
    series = (await _get(exchange, "/series"))["series"]
    assert [one["ticker"] for one in series] == ["VOTE", "CUP", "RAIN"]
    assert (await _get(exchange, "/series/cup"))["series"]["title"] == "Who wins cup-30?"
    await _get(exchange, "/series/CUP-34", 404)
    for name, events in (("CUP", ["CUP-34", "CUP-30"]), ("vote", ["VOTE"]), ("RAIN", ["RAIN"])):
        found = (await _get(exchange, "/events", series_ticker=name))["events"]
        assert [one["event_ticker"] for one in found] == events
        assert {one["series_ticker"] for one in found} == {name.upper()}
        markets = (await _get(exchange, "/markets", series_ticker=name))["markets"]
        assert {one["event_ticker"] for one in markets} == set(events)
        assert {one["series_ticker"] for one in markets} == {name.upper()}
    both = await _get(exchange, "/markets", series_ticker="CUP", event_ticker="CUP-30,VOTE")
    assert [one["ticker"] for one in both["markets"]] == ["CUP-30-B", "CUP-30-A"]


async def test_unknown_targets_get_an_error_code(exchange: Exchange) -> None:
    """Unknown tickers and addresses and wrong parameters get a 4xx with a code."""
    for path in (
        "/markets/NONE",
        "/markets/1",
        "/events/NONE",
        "/nothing",
        "/",
        "/markets/NONE/orderbook",
    ):
        told = await _get(exchange, path, 404)
        assert told["error"]["code"] == told["code"] == "not_found", path
    for path, query in (
        ("/markets", {"limit": "x"}),
        ("/markets", {"cursor": "nonsense"}),
        ("/markets", {"status": "odd"}),
        ("/markets", {"min_close_ts": "-1"}),
        ("/markets", {"tickers": ",".join(["A"] * 101)}),
        ("/series/A/markets/NONE/candlesticks", {"period_interval": "5"}),
    ):
        told = await _get(exchange, path, 404 if "NONE" in path else 400, **query)
        assert told["error"]["message"], path
