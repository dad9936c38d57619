"""Traders who remember every acknowledgement and every request with an unknown outcome."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import httpx

from tests.crash.ways import UNSETTLED, Gone, Http, Way, opened

PASSWORD = "correct horse"
_OPEN = ("OPEN", "PARTIALLY_FILLED")
_CANCELED_S = 10


@dataclass
class Trader:
    """One user.

    ``acknowledged`` holds the last answer about each order by its client order id. ``tied`` are the
    orders placed on a socket whose end cancels them. ``placed`` counts the acknowledgements by way
    in.
    """

    email: str
    draw: random.Random
    token: str = ""
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, dict[str, Any]] = field(default_factory=dict)
    tied: set[str] = field(default_factory=set)
    placed: Counter[str] = field(default_factory=Counter)
    count: int = 0

    async def sign_up(self, client: httpx.AsyncClient) -> None:
        """Register; the sign-up credit is the money to trade with."""
        body = {"email": self.email, "password": PASSWORD}
        reply = await client.post("/v1/auth/register", json=body)
        assert reply.status_code == 201, reply.text
        self.token = reply.json()["accessToken"]

    async def log_in(self, client: httpx.AsyncClient) -> None:
        """Get a new token: a campaign lasts longer than one."""
        body = {"email": self.email, "password": PASSWORD}
        answer = await client.post("/v1/auth/login", json=body)
        client.cookies.clear()
        self.token = answer.raise_for_status().json()["accessToken"]

    async def trade_over_http(
        self, client: httpx.AsyncClient, markets: Sequence[str], stop: asyncio.Event
    ) -> None:
        """Trade in all current markets until the stop, or until the exchange is gone."""
        await self._trade(Http(client, self.token), markets, stop)

    async def trade_over_socket(
        self, url: str, markets: Sequence[str], stop: asyncio.Event
    ) -> None:
        """Trade as over HTTP, with two concurrent requests on one socket."""
        try:
            async with opened(url, self.token, tied=self.draw.random() < 0.5) as way:
                await asyncio.gather(*(self._trade(way, markets, stop) for _ in range(2)))
        except Gone:
            return

    async def _trade(self, way: Way, markets: Sequence[str], stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                await self._act(way, markets)
            except Gone:
                return

    async def _act(self, way: Way, markets: Sequence[str]) -> None:
        """Place, cancel or amend an order."""
        draw = self.draw.random()
        if draw < 0.75 or not self.acknowledged:
            await self._place(way, self._order(self.draw.choice(markets)))
        elif draw < 0.97:
            key = self.draw.choice([*islice(reversed(self.acknowledged), 20)])
            await self._change(way, self.acknowledged[key])
        else:
            answer = await way.ask("order.cancelAll", {})
            assert answer.code is None or answer.code in UNSETTLED, answer

    def _order(self, market: str) -> dict[str, Any]:
        self.count += 1
        return {
            "marketId": market,
            "side": self.draw.choice(["BUY", "SELL"]),
            "type": "LIMIT",
            "price": f"0.{self.draw.randint(45, 55)}",
            "qty": f"{self.draw.randint(1, 5)}.{self.draw.randint(0, 99):02d}",
            "timeInForce": self.draw.choice(["GTC", "GTC", "GTC", "IOC"]),
            "clientOrderId": f"{self.email}-{self.count}",
        }

    async def _place(self, way: Way, order: dict[str, Any]) -> None:
        """Place an order; until its answer arrives, its outcome is unknown."""
        key = order["clientOrderId"]
        self.unknown[key] = order
        if way.tied:
            self.tied.add(key)
        answer = await way.ask("order.place", order)
        if answer.code is None:
            self.acknowledged[key] = answer.data
            self.placed[way.name] += 1
        elif answer.code in UNSETTLED:
            return
        else:
            self.refused[key] = answer.code
        del self.unknown[key]

    async def _change(self, way: Way, order: dict[str, Any]) -> None:
        which = {"orderId": order["id"]}
        if self.draw.random() < 0.7:
            answer = await way.ask("order.cancel", which)
        else:
            price = {"price": f"0.{self.draw.randint(45, 55)}"}
            answer = await way.ask("order.amend", which | price)
        if answer.code is None:
            self.acknowledged[order["clientOrderId"]] = answer.data

    async def find_out(self, client: httpx.AsyncClient) -> int:
        """Repeat each unknown order under its own id; return how many had been placed before."""
        happened = 0
        way = Http(client, self.token)
        for key, order in list(self.unknown.items()):
            answer = await way.ask("order.place", order)
            assert answer.code not in UNSETTLED, answer
            if answer.code is not None:
                self.refused[key] = answer.code
            else:
                self.acknowledged[key] = answer.data
                happened += not answer.new
                if answer.new:
                    self.tied.discard(key)
            del self.unknown[key]
        return happened

    async def check(self, client: httpx.AsyncClient, newest: int) -> None:
        """Check that the newest acknowledged orders exist once and have only advanced since."""
        newest_keys = [*self.acknowledged][-newest:]
        orders = await self._orders(client, set(newest_keys))
        for key in newest_keys:
            told, (order, *twice) = self.acknowledged[key], orders[key]
            assert twice == [], key
            assert order["id"] == told["id"], key
            assert float(order["qtyFilled"]) >= float(told["qtyFilled"]), key
            assert order["updatedAt"] >= told["updatedAt"], key
            if told["status"] not in _OPEN:
                assert order["status"] == told["status"], key
            if key in self.tied:
                await self._canceled(client, order)

    async def _orders(
        self, client: httpx.AsyncClient, keys: set[str]
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the newest orders by their client order ids, back to the oldest requested one."""
        orders: dict[str, list[dict[str, Any]]] = {}
        cursor: str | None = ""
        while not keys <= orders.keys():
            assert cursor is not None, f"no orders: {keys - orders.keys()}"
            page = await self._get(client, {"limit": 100, **({"cursor": cursor} if cursor else {})})
            for order in page["items"]:
                orders.setdefault(order["clientOrderId"], []).append(order)
            cursor = page["nextCursor"]
        return orders

    async def _canceled(self, client: httpx.AsyncClient, order: dict[str, Any]) -> None:
        """Wait for the cancel of an order whose socket has ended."""
        async with asyncio.timeout(_CANCELED_S):
            while order["status"] in _OPEN:
                page = await self._get(client, {"clientOrderId": order["clientOrderId"]})
                (order,) = page["items"]

    async def _get(self, client: httpx.AsyncClient, which: dict[str, Any]) -> dict[str, Any]:
        """Return a page of the trader's orders."""
        headers = {"Authorization": f"Bearer {self.token}"}
        page: dict[str, Any] = (
            await client.get("/v1/orders", params=which, headers=headers)
        ).json()
        return page
