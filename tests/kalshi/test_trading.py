"""Orders and portfolios through signed requests that no third-party client covers."""

from typing import Any

from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json
from tests.support.kalshi import PATH, Signer, signer

ORDERS = "/portfolio/events/orders"


def _order(side: str, price: str, count: str | int, **more: object) -> Json:
    return {
        "ticker": "RAIN",
        "side": side,
        "price": price,
        "count": count,
        "time_in_force": "good_till_canceled",
        "self_trade_prevention_type": "taker_at_cross",
        **more,
    }


async def _bots(exchange: Exchange, *names: str) -> list[Signer]:
    return [await signer(exchange, await exchange.trader(name)) for name in names]


async def test_an_order_from_its_entry_to_its_settlement(exchange: Exchange) -> None:
    """A trade shows correct answers from entry to settlement, and the same money as under /v1."""
    rain = await exchange.market("rain", takerFeeRate="0.07")
    ann, bob = await _bots(exchange, "ann", "bob")
    assert (await ann.get("/portfolio/balance"))["balance"] == 10_000
    told = await ann.post(ORDERS, _order("bid", "0.6000", "10.00", client_order_id="a-1"), 201)
    assert (told["fill_count"], told["remaining_count"]) == ("0.00", "10.00")
    again = await ann.post(ORDERS, _order("bid", "0.6000", "10.00", client_order_id="a-1"), 200)
    assert again["order_id"] == told["order_id"]
    other = await ann.post(ORDERS, _order("bid", "0.6000", "11.00", client_order_id="a-1"), 409)
    assert other["error"]["code"] == "order_already_exists"
    sold = await bob.post(ORDERS, _order("ask", "0.55", 4), 201)
    assert (sold["fill_count"], sold["average_fill_price"]) == ("4.00", "0.600000")
    assert sold["average_fee_paid"] == "0.016800"

    id = told["order_id"]
    await _is_shown(ann, bob, id)
    await _is_changed(ann, bob, id)
    body = {"outcome": "NO"}
    answer = await exchange.admin.client.post(f"/v1/markets/{rain['id']}/resolve", json=body)
    assert answer.status_code == 200
    for bot, result in ((ann, ("4.00", "2.4000", 0)), (bob, ("4.00", "1.6000", 400))):
        (one,) = (await bot.get("/portfolio/settlements"))["settlements"]
        held = "yes" if bot is ann else "no"
        got = (one[f"{held}_count_fp"], one[f"{held}_total_cost_dollars"], one["revenue"])
        assert (one["market_result"], got) == ("no", result)
    money = [(await bot.get("/portfolio/balance"))["balance_dollars"] for bot in (ann, bob)]
    assert money == ["97.6000", "102.3328"]


async def _is_shown(ann: Signer, bob: Signer, id: str) -> None:
    """Check what both see of Ann's order, of which Bob has taken 4 of 10."""
    mine = (await ann.get(f"/portfolio/orders/{id}"))["order"]
    shown = {
        "status": "resting",
        "book_side": "bid",
        "outcome_side": "yes",
        "action": "buy",
        "side": "yes",
        "yes_price_dollars": "0.6000",
        "no_price_dollars": "0.4000",
        "initial_count_fp": "10.00",
        "fill_count_fp": "4.00",
        "remaining_count_fp": "6.00",
        "maker_fill_cost_dollars": "2.4000",
        "taker_fill_cost_dollars": "0.0000",
    }
    assert {name: mine[name] for name in shown} == shown
    assert (await bob.get(f"/portfolio/orders/{id}", 404))["code"] == "not_found"
    assert (await ann.get(f"/portfolio/orders/{id}/queue_position"))["queue_position_fp"] == "0.00"
    queues = await ann.get("/portfolio/orders/queue_positions", market_tickers="RAIN")
    assert [one["order_id"] for one in queues["queue_positions"]] == [id]
    value = await ann.get("/portfolio/summary/total_resting_order_value")
    assert value["total_resting_order_value"] == 360
    fill = (await bob.get("/portfolio/fills"))["fills"][0]
    assert (fill["side"], fill["action"], fill["book_side"]) == ("no", "sell", "ask")
    assert (fill["is_taker"], fill["fee_cost"]) == (True, "0.0672")
    assert (await ann.get("/portfolio/fills", order_id=id))["fills"][0]["trade_id"] == (
        fill["trade_id"]
    )
    position = (await bob.get("/portfolio/positions"))["market_positions"][0]
    assert (position["position_fp"], position["position"]) == ("-4.00", -4)
    assert (position["market_exposure_dollars"], position["fees_paid_dollars"]) == (
        "1.6000",
        "0.0672",
    )


async def _is_changed(ann: Signer, bob: Signer, id: str) -> None:
    """Amend, decrease and cancel Ann's order."""
    amended = await ann.post(f"{ORDERS}/{id}/amend", _order("bid", "0.5", "9"))
    assert (amended["remaining_count"], amended["fill_count"]) == ("5.00", "4.00")
    assert (await ann.post(f"{ORDERS}/{id}/amend", _order("ask", "0.5", "9"), 400))["code"] == (
        "invalid_order"
    )
    less = await ann.post(f"{ORDERS}/{id}/decrease", {"reduce_by": "2.00"})
    assert less["remaining_count"] == "3.00"
    less = await ann.post(f"{ORDERS}/{id}/decrease", {"reduce_to": 1})
    assert less["remaining_count"] == "1.00"
    assert (await bob.call("DELETE", f"{ORDERS}/{id}", 404))["code"] == "not_found"
    gone = await ann.call("DELETE", f"{ORDERS}/{id}")
    assert (gone["order_id"], gone["reduced_by"]) == (id, "1.00")
    assert (await ann.call("DELETE", f"{ORDERS}/{id}", 404))["code"] == "not_found"


async def test_batches_and_filters_of_orders(exchange: Exchange) -> None:
    """Each order of a batch gets its own result; lists filter by status, market and event."""
    await exchange.market("rain")
    (ann,) = await _bots(exchange, "ann")
    orders = [_order("bid", "0.10", "1"), _order("bid", "0.123", "1"), {"ticker": "RAIN"}]
    results = (await ann.post(f"{ORDERS}/batched", {"orders": orders}, 201))["orders"]
    assert results[0]["remaining_count"] == "1.00"
    assert [one["error"]["code"] for one in results[1:]] == ["invalid_price", "invalid_order"]
    ended = {"orders": [{"order_id": results[0]["order_id"]}, {"order_id": "0"}]}
    told = (await ann.call("DELETE", f"{ORDERS}/batched", 200, ended))["orders"]
    assert told[0]["reduced_by"] == "1.00"
    assert told[1]["error"]["code"] == "not_found"
    resting = await ann.get("/portfolio/orders", status="resting", ticker="rain")
    assert resting == {"orders": [], "cursor": ""}
    canceled = await ann.get("/portfolio/orders", status="canceled", event_ticker="RAIN")
    assert {one["order_id"] for one in canceled["orders"]} == {results[0]["order_id"]}


@ON_ONE_DATABASE
async def test_impossible_orders_are_refused(exchange: Exchange) -> None:
    """Each impossible order gets an error code, and nothing changes."""
    await exchange.market("rain")
    (ann,) = await _bots(exchange, "ann")
    good = _order("bid", "0.60", "10")
    for wrong, code in (
        ({"ticker": "SNOW"}, "not_found"),
        ({"ticker": "1"}, "not_found"),
        ({"side": "yes"}, "invalid_order"),
        ({"count": "0"}, "invalid_order"),
        ({"count": "1.005"}, "invalid_order"),
        ({"count": "NaN"}, "invalid_order"),
        ({"count": None}, "invalid_order"),
        ({"price": "1.0000"}, "invalid_order"),
        ({"price": "0.605"}, "invalid_price"),
        ({"price": None}, "invalid_order"),
        ({"price": [1]}, "invalid_order"),
        ({"yes_price_dollars": "0.50"}, "invalid_order"),
        ({"time_in_force": "day"}, "invalid_order"),
        ({"self_trade_prevention_type": "both"}, "invalid_order"),
        ({"expiration_time": 1}, "invalid_order"),
        ({"expiration_time": 10**12}, "invalid_order"),
        ({"expiration_time": 2_000_000_000, "time_in_force": "fill_or_kill"}, "invalid_order"),
        ({"post_only": True, "time_in_force": "immediate_or_cancel"}, "invalid_order"),
        ({"reduce_only": True}, "order_rejected"),
        ({"time_in_force": "fill_or_kill"}, "fill_or_kill_insufficient_resting_volume"),
        ({"count": "1000"}, "insufficient_balance"),
        ({"subaccount": 1}, "subaccounts_not_supported"),
        ({"exchange_index": 2}, "invalid_order"),
        ({"cancel_order_on_pause": True}, "invalid_order"),
        ({"buy_max_cost": 1}, "invalid_order"),
        ({"buy_max_cost_dollars": "x"}, "invalid_order"),
        ({"client_order_id": "x" * 65}, "invalid_order"),
    ):
        answer = await ann.http.post(
            PATH + ORDERS, json={**good, **wrong}, headers=ann.headers("POST", PATH + ORDERS)
        )
        assert 400 <= answer.status_code < 500, wrong
        assert answer.json()["error"]["code"] == code, (wrong, answer.text)
    for raw in (b"", b"[]", b"{", b"[" * 100_000, b'{"ticker": "\xff"}'):
        headers = {**ann.headers("POST", PATH + ORDERS), "content-type": "application/json"}
        answer = await ann.http.post(PATH + ORDERS, content=raw, headers=headers)
        assert answer.status_code in (400, 413), raw[:10]
    for path in ("/portfolio/orders", "/portfolio/orders/batched", "/portfolio/orders/1/amend"):
        told = await ann.post(path, good, 410)
        assert told["error"]["code"] == "endpoint_deprecated"
    assert (await ann.get("/portfolio/orders"))["orders"] == []
    assert (await ann.get("/portfolio/balance"))["balance"] == 10_000
    for method, path in (
        ("GET", "/portfolio/balance"),
        ("POST", ORDERS),
        ("DELETE", f"{ORDERS}/1"),
    ):
        answer = await exchange.anonymous.request(method, PATH + path)
        assert answer.status_code == 401, path
    readonly = await signer(exchange, exchange.admin, ("read",))
    told = await readonly.post(ORDERS, good, 403)
    assert told["error"]["code"] == "insufficient_permissions"


@ON_ONE_DATABASE
async def test_the_older_words_for_a_direction(exchange: Exchange) -> None:
    """Buying NO at q is an ask at 1 - q, selling NO a bid; prices are in cents or in dollars."""
    await exchange.market("rain")
    (ann,) = await _bots(exchange, "ann")
    for words, side, price in (
        ({"action": "buy", "side": "yes", "yes_price": 30}, "bid", "0.3000"),
        ({"action": "sell", "side": "yes", "yes_price_dollars": "0.70"}, "ask", "0.7000"),
        ({"action": "buy", "side": "no", "no_price": 30}, "ask", "0.7000"),
        ({"action": "sell", "side": "no", "no_price_dollars": "0.7"}, "bid", "0.3000"),
    ):
        told = await ann.post(ORDERS, {"ticker": "rain", "count_fp": "1.00", **words}, 201)
        order = (await ann.get(f"/portfolio/orders/{told['order_id']}"))["order"]
        assert (order["book_side"], order["yes_price_dollars"]) == (side, price), words


@ON_ONE_DATABASE
async def test_lists_page_to_their_end(exchange: Exchange) -> None:
    """Lists of orders, fills and trades page to their end, while orders arrive in between."""
    await exchange.market("rain")
    await exchange.market("snow")
    ann, bob = await _bots(exchange, "ann", "bob")
    for number in range(7):
        name = "RAIN" if number % 2 else "SNOW"
        await ann.post(ORDERS, {**_order("bid", "0.50", "1"), "ticker": name}, 201)
        await bob.post(ORDERS, {**_order("ask", "0.50", "1"), "ticker": name}, 201)
    queries: tuple[tuple[dict[str, Any], int], ...] = (({}, 7), ({"ticker": "RAIN"}, 3))
    for path, name, id in (
        ("/portfolio/orders", "orders", "order_id"),
        ("/portfolio/fills", "fills", "trade_id"),
        ("/markets/trades", "trades", "trade_id"),
    ):
        for query, wanted in queries:
            found: list[str] = []
            cursor = ""
            while True:
                page = await ann.get(path, limit=2, cursor=cursor, **query)
                found += [one[id] for one in page[name]]
                cursor = page["cursor"]
                if not cursor:
                    break
                await ann.post(ORDERS, _order("bid", "0.01", "1"), 201)
            assert len(found) == len(set(found)), (path, query)
            if name != "orders":
                assert len(found) == wanted, (path, query, found)
            else:
                assert len([one for one in found if int(one) <= 14]) == wanted, (query, found)
