"""Scripted events to draw: an election with nine candidates, one of them struck."""

from predmarket.client import messages as feed
from predmarket.client import response_types
from predmarket.client.messages import Message
from tests.tui.scenes import Scene, spelled
from tests.tui.script import LIVE, NOW, book, event, holding, market, order, position, snapshot

NAMES = (
    "Ada Lovelace", "Ben Okri", "Cleo Marsh", "Dai Vernon", "Eve Arden", "Filippa Ångström",
    "Gus Grissom", "Hana Sato-Whittington of the Upper Valley", "Ivo Pogorelich",
)  # fmt: skip
PRICES = (41, 22, 14, 9, 5, 3, 2, 1, 1)
"""The best bids in cents."""
OUT = 5
"""The candidate who is out."""


def candidates(count: int = len(NAMES)) -> list[response_types.Market]:
    """Return the markets of the election."""
    markets = []
    for n in range(count):
        bid = PRICES[n] if n < len(PRICES) else 1
        found = market(
            n + 1,
            f"mayor-{n + 1}",
            question=f"Does {_name(n)} become mayor?",
            label=_name(n),
            eventId=1,
            eventSlug="mayor",
            bestBid=f"0.{bid:02}00",
            bestAsk=f"0.{bid + 2:02}00",
            lastPrice=f"0.{bid + 1:02}00",
            volume=f"{9_000 // (n + 1)}.00",
        )
        if n == OUT:
            found |= {"status": "RESOLVED", "outcome": "NO", "settlementPrice": "0.0000",
                      "bestBid": None, "bestAsk": None}  # fmt: skip
        markets.append(found)
    return markets


def _name(n: int) -> str:
    return NAMES[n] if n < len(NAMES) else f"Candidate {n + 1}"


def books(markets: list[response_types.Market]) -> list[Message]:
    """Return the books of the open markets."""
    found: list[Message] = []
    for each in markets:
        if each["bestBid"] is None or each["bestAsk"] is None:
            found.append(book({}, {}, market=each["id"]))
            continue
        bid, ask, n = (
            round(float(each["bestBid"]) * 100),
            round(float(each["bestAsk"]) * 100),
            each["id"],
        )
        bids = {f"0.{bid - k:02}00": f"{40 + 35 * k + 7 * n}.00" for k in range(min(bid, 12))}
        asks = {f"0.{ask + k:02}00": f"{25 + 30 * k + 5 * n}.00" for k in range(12)}
        found.append(book(bids, asks, market=n))
    return found


def election(**fields: str) -> Scene:
    """An election with orders, positions in several markets, and returned collateral."""
    markets = candidates()
    named = {each["id"]: each["slug"] for each in markets}
    orders = [
        order(21, "BUY", "0.4000", "25.00", marketId=1, marketSlug=named[1]),
        order(22, "SELL", "0.4500", "50.00", marketId=1, marketSlug=named[1]),
        order(23, "SELL", "0.1600", "40.00", marketId=3, marketSlug=named[3]),
    ]
    held = [
        position("0.00", "20.00", marketId=1, marketSlug=named[1], avgPrice="0.400000"),
        position("0.00", "10.00", marketId=2, marketSlug=named[2], avgPrice="0.300000"),
        position("15.00", "0.00", marketId=4, marketSlug=named[4], avgPrice="0.100000"),
    ]
    pays = {n: "20.000000" for n in range(1, 10) if n != OUT + 1}
    pays |= {1: "0.000000", 2: "10.000000", 4: "35.000000"}
    found = event(
        title="Who becomes mayor of Upper Valley?", marketCount=9, openInterest="1520.00",
        closesAt=spelled(NOW + 5 * 3_600_000_000),
    )  # fmt: skip
    found |= fields  # type: ignore[typeddict-item]  # they are an event's
    balance = {"available": "88.500000", "locked": "10.000000", "total": "98.500000"}
    return Scene(
        [*markets, market(40, "rain", lastPrice="0.6100", volume="120.00")],
        [
            LIVE,
            snapshot(feed.OrdersSnapshot, "user:7:orders", {"items": orders}),
            snapshot(feed.PositionsSnapshot, "user:7:positions", {"items": held}),
            snapshot(feed.BalancesSnapshot, "user:7:balances", balance),
            snapshot(
                feed.EventPositionsSnapshot,
                "user:7:events",
                {"items": [holding(pays, returned="10.000000", none="20.000000")]},
            ),
            books(markets)[0],
        ],
        {
            "GET /v1/events": {"items": [found], "total": 1},
            "GET /v1/events/1": {**found, "markets": markets},
            **{f"GET /v1/orders/{each['id']}": {**each, "queueAhead": "57.00"} for each in orders},
        },
    )
