"""Traders who remember every answer: what was acknowledged, and what they cannot know."""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

import httpx

PASSWORD = "correct horse"
_UNKNOWN = (httpx.TransportError, httpx.TimeoutException)


@dataclass
class Trader:
    """One user. ``acknowledged`` is the last answer about each order by its client order id."""

    email: str
    draw: random.Random
    token: str = ""
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, dict[str, Any]] = field(default_factory=dict)
    count: int = 0

    async def sign_up(self, client: httpx.AsyncClient) -> None:
        """Register, with the sign-up credit as money to trade with."""
        body = {"email": self.email, "password": PASSWORD}
        reply = await client.post("/v1/auth/register", json=body)
        assert reply.status_code == 201, reply.text
        self.token = reply.json()["accessToken"]

    async def trade(self, client: httpx.AsyncClient, market: str, stop: asyncio.Event) -> None:
        """Place, cancel and amend until told to stop or the exchange is gone."""
        while not stop.is_set():
            try:
                await self._act(client, market)
            except _UNKNOWN:
                return

    async def _act(self, client: httpx.AsyncClient, market: str) -> None:
        draw = self.draw.random()
        if draw < 0.75 or not self.acknowledged:
            await self._place(client, self._order(market))
        elif draw < 0.97:
            key = self.draw.choice([*self.acknowledged][-20:])
            await self._change(client, self.acknowledged[key])
        else:
            await self._post(client, "/v1/orders/cancel-all", {})

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

    async def _place(self, client: httpx.AsyncClient, order: dict[str, Any]) -> None:
        """Place an order; until the answer is there, nobody knows what became of it."""
        key = order["clientOrderId"]
        self.unknown[key] = order
        reply = await self._post(client, "/v1/orders", order)
        if reply.status_code in (200, 201):
            self.acknowledged[key] = reply.json()
        elif reply.status_code in (404, 409, 422):
            self.refused[key] = reply.json()["error"]["code"]
        else:
            assert reply.status_code == 503, reply.text
            return
        del self.unknown[key]

    async def _change(self, client: httpx.AsyncClient, order: dict[str, Any]) -> None:
        path = f"/v1/orders/{order['id']}"
        if self.draw.random() < 0.7:
            reply = await self._post(client, f"{path}/cancel", {})
        else:
            price = {"price": f"0.{self.draw.randint(45, 55)}"}
            reply = await client.patch(path, json=price, headers=self._headers())
        if reply.status_code == 200:
            self.acknowledged[order["clientOrderId"]] = reply.json()
        else:
            assert reply.status_code in (409, 422, 503), reply.text

    async def _post(
        self, client: httpx.AsyncClient, path: str, body: dict[str, Any]
    ) -> httpx.Response:
        return await client.post(path, json=body, headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def find_out(self, client: httpx.AsyncClient) -> int:
        """Repeat what is unknown under its own id, and return how much of it had happened."""
        happened = 0
        for key, order in list(self.unknown.items()):
            reply = await self._post(client, "/v1/orders", order)
            assert reply.status_code in (200, 201, 409, 422), reply.text
            happened += reply.status_code == 200
            if reply.status_code in (200, 201):
                self.acknowledged[key] = reply.json()
            else:
                self.refused[key] = reply.json()["error"]["code"]
            del self.unknown[key]
        return happened

    async def check(self, client: httpx.AsyncClient, newest: int) -> None:
        """Check that the newest acknowledged orders are there, once, and went on from there."""
        for key, told in [*self.acknowledged.items()][-newest:]:
            reply = await client.get(
                "/v1/orders", params={"clientOrderId": key}, headers=self._headers()
            )
            found = reply.json()["items"]
            assert len(found) == 1, f"{key}: {len(found)} orders"
            order = found[0]
            assert order["id"] == told["id"], key
            assert float(order["qtyFilled"]) >= float(told["qtyFilled"]), key
            assert order["updatedAt"] >= told["updatedAt"], key
            if told["status"] not in ("OPEN", "PARTIALLY_FILLED"):
                assert order["status"] == told["status"], key
