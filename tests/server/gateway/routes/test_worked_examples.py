"""The worked examples of the market rules, over HTTP, to the micro-dollar."""

import pytest

from tests.support.http_exchange import ON_ONE_DATABASE, Exchange, Json, User
from tests.support.http_orders import cash, order

pytestmark = ON_ONE_DATABASE


async def position(user: User) -> tuple[str, str, str]:
    """Return YES, NO and realizedPnl in the only market."""
    (found,) = (await user.client.get("/v1/user/positions")).json()["items"]
    return found["qtyLong"], found["qtyShort"], found["realizedPnl"]


@pytest.mark.parametrize(
    ("outcome", "a", "b", "c", "paid"),
    [
        ({"outcome": "YES"}, "99.800000", "99.000000", "101.200000", (1, "4.000000")),
        ({"outcome": "NO"}, "99.800000", "103.000000", "97.200000", (1, "4.000000")),
        (
            {"outcome": "SCALAR", "settlementPrice": "0.25"},
            "99.800000",
            "102.000000",
            "98.200000",
            (2, "4.000000"),
        ),
        ({"outcome": "VOID"}, "100.000000", "100.000000", "100.000000", (3, "4.000000")),
    ],
    ids=["YES", "NO", "SCALAR", "VOID"],
)
async def test_examples_1_to_4(
    exchange: Exchange, outcome: Json, a: str, b: str, c: str, paid: tuple[int, str]
) -> None:
    """Examples 1 to 4: three users trade, close and leave an order, and the market resolves."""
    await exchange.market()
    ann, bob, cid = [await exchange.trader(name) for name in ("ann", "bob", "cid")]

    await order(ann, "BUY", 10, "0.60")
    assert await cash(ann) == ("94.000000", "6.000000")
    assert (await order(bob, "SELL", 10, "0.55"))["fills"][0]["price"] == "0.6000"
    assert await cash(ann) == ("94.000000", "0.000000")
    assert await cash(bob) == ("96.000000", "0.000000")
    assert await position(ann) == ("10.00", "0.00", "0.000000")
    assert await position(bob) == ("0.00", "10.00", "0.000000")

    await order(ann, "SELL", 4, "0.70")
    assert await cash(ann) == ("94.000000", "0.000000")
    await order(cid, "BUY", 4, "0.70")
    assert await cash(ann) == ("96.800000", "0.000000")
    assert await cash(cid) == ("97.200000", "0.000000")
    assert await position(ann) == ("6.00", "0.00", "0.400000")
    assert await position(cid) == ("4.00", "0.00", "0.000000")

    await order(bob, "BUY", 10, "0.50")
    assert await cash(bob) == ("96.000000", "0.000000")
    await order(ann, "SELL", 6, "0.50")
    assert await cash(ann) == ("99.800000", "0.000000")
    assert await position(ann) == ("0.00", "0.00", "-0.200000")
    assert await cash(bob) == ("99.000000", "0.000000")
    assert (await position(bob))[:2] == ("0.00", "4.00")
    resting = (await bob.client.get("/v1/orders/5")).json()
    assert (resting["status"], resting["qtyRemaining"]) == ("PARTIALLY_FILLED", "4.00")
    market = (await exchange.anonymous.get("/v1/markets/rain")).json()
    assert market["openInterest"] == "4.00"

    ended = await exchange.admin.client.post("/v1/markets/rain/resolve", json=outcome)
    assert ended.status_code == 200, ended.text
    assert ended.json()["payouts"] == {"accounts": paid[0], "total": paid[1]}
    assert [(await cash(user))[0] for user in (ann, bob, cid)] == [a, b, c]
    assert (await bob.client.get("/v1/orders/5")).json()["reason"] == "MARKET_RESOLVED"
    assert (await exchange.anonymous.get("/v1/markets/rain")).json()["openInterest"] == "0.00"


async def test_example_5(exchange: Exchange) -> None:
    """Example 5: the taker's fee, and the cash locked for it before."""
    await exchange.market("rain", takerFeeRate="0.07")
    ann, bob = await exchange.trader("ann"), await exchange.trader("bob")
    await order(ann, "BUY", 10, "0.60")
    assert await cash(ann) == ("93.825000", "6.175000")
    await ann.client.post("/v1/orders/cancel-all", json={})
    assert await cash(ann) == ("100.000000", "0.000000")
    await order(bob, "SELL", 10, "0.50")
    taken = await order(ann, "BUY", 10, "0.60")
    assert taken["feesPaid"] == taken["fills"][0]["fee"] == "0.175000"
    assert await cash(ann) == ("94.825000", "0.000000")
    assert await cash(bob) == ("95.000000", "0.000000")
