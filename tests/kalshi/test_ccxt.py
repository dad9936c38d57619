"""The unmodified prediction client of ccxt walks a market from its key to its settlement.

The import stands in the test: each worker reads this module, one runs it, and the import takes a
second.
"""

from typing import Any

import pytest

from tests.support.http_exchange import Exchange, User
from tests.support.kalshi import PATH, private_key, private_pem, signer


async def _client(exchange: Exchange, user: User) -> Any:  # noqa: ANN401 -- of a library without types
    """Return a client with the options that point it at the exchange."""
    from ccxt.prediction.kalshi import kalshi

    bot = await signer(exchange, user)
    return kalshi(
        {
            "apiKey": bot.key_id,
            "privateKey": private_pem(private_key()),
            "urls": {"api": {"kalshi": exchange.url + PATH}},
            "enableRateLimit": False,
        }
    )


async def test_ccxt_trades(exchange: Exchange) -> None:
    """The client trades against another account up to the settlement."""
    rain = await exchange.market("rain-tomorrow")
    event = {
        "slug": "cup",
        "title": "Who wins?",
        "markets": [{"slug": f"cup-{n}", "question": f"{n}?", "label": n} for n in "abc"],
    }
    assert (await exchange.admin.client.post("/v1/events", json=event)).status_code == 201
    ann, bob = [await _client(exchange, await exchange.trader(name)) for name in ("ann", "bob")]
    try:
        await _trade(ann, bob)
        path = f"/v1/markets/{rain['id']}/resolve"
        answer = await exchange.admin.client.post(path, json={"outcome": "NO"})
        assert answer.status_code == 200
        await _look_back(ann, bob)
    finally:
        await ann.close()
        await bob.close()


async def _trade(ann: Any, bob: Any) -> None:  # noqa: ANN401 -- as above
    from ccxt import BadSymbol, InvalidOrder, OrderNotFillable

    assert (await ann.fetch_status())["status"] == "ok"
    assert (await ann.fetch_balance())["USD"]["free"] == 100.0
    markets = await ann.load_markets()
    assert len(markets) == 4
    events = await ann.fetch_events({"series_ticker": "CUP"})
    assert [len(one["markets"]) for one in events] == [3]
    assert (await ann.fetch_event("CUP"))["id"] == "CUP"

    yes, no = "RAIN-TOMORROW", "RAIN-TOMORROW-NO"
    order = await ann.create_order(yes, "limit", "buy", 10, 0.60, {"client_order_id": "one"})
    assert (order["status"], order["remaining"]) == ("open", 10.0)
    book = await ann.fetch_order_book(yes)
    assert (book["bids"], book["asks"]) == ([[0.6, 10.0]], [])
    assert (await ann.fetch_order_book(no))["asks"] == [[0.4, 10.0]]
    taken = await bob.create_order(no, "limit", "buy", 4, 0.45, {"timeInForce": "IOC"})
    assert (taken["status"], taken["filled"]) == ("closed", 4.0)
    assert (await ann.fetch_ticker(yes))["bid"] == 0.6
    assert await ann.fetch_tickers([yes])
    known = await ann.fetch_order(order["id"])
    assert (known["filled"], known["remaining"], known["side"]) == (4.0, 6.0, "buy")
    edited = await ann.edit_order(order["id"], yes, "limit", "buy", 5, 0.50)
    assert edited["status"] == "open"
    assert len(await ann.fetch_open_orders(yes)) == 1
    assert [one["status"] for one in await ann.cancel_all_orders(yes)] == ["canceled"]
    with pytest.raises(BadSymbol):
        await ann.cancel_order(edited["id"])
    with pytest.raises(OrderNotFillable):
        await ann.create_order(yes, "limit", "buy", 1, 0.01, {"timeInForce": "FOK"})
    with pytest.raises(InvalidOrder):
        await ann.create_order(yes, "limit", "buy", 0.001, 0.50)
    positions = await bob.fetch_positions([yes])
    assert [(one["contracts"], one["side"]) for one in positions] == [(4.0, "short")]


async def _look_back(ann: Any, bob: Any) -> None:  # noqa: ANN401 -- as above
    assert len(await ann.fetch_orders()) == 2
    assert len(await ann.fetch_closed_orders()) == 2
    trades = await ann.fetch_my_trades("RAIN-TOMORROW")
    assert [(one["amount"], one["price"], one["takerOrMaker"]) for one in trades] == [
        (4.0, 0.6, "maker")
    ]
    assert len(await ann.fetch_trades("RAIN-TOMORROW")) == 1
    candles = await ann.fetch_ohlcv("RAIN-TOMORROW", "1m")
    assert [one[1:] for one in candles] == [[0.6, 0.6, 0.6, 0.6, 4.0]]
    (won,) = await bob.fetch_settlements()
    assert (won["won"], won["payout"]) == (True, 4.0)
    assert round(won["pnl"], 6) == 2.4
    (lost,) = await ann.fetch_settlements()
    assert (lost["won"], lost["payout"]) == (False, 0.0)
