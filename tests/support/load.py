"""Endless orders over HTTP with their results, for tests that disturb the server meanwhile.

Each order rests at a price of its own side, so no order depends on another.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx

from predmarket.server.core.stores.factory import open_store

MARKET = "will-it-rain-tomorrow"
_CREDENTIALS = {"email": "user@example.com", "password": "password123"}


@dataclass
class Load:
    """Clients that place orders; ``acknowledged`` maps client order ids to acknowledged ids."""

    url: str
    hands: int = 8
    acknowledged: dict[str, int] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    name: str = "load"
    refused: list[tuple[int, Any]] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)
    """Connections that ended without an answer, torn ones not counted."""
    _stop: bool = False
    _count: int = 0

    async def run(self) -> None:
        """Place orders until the stop, one after the other for each client."""
        async with httpx.AsyncClient(base_url=self.url, timeout=60, verify=False) as client:
            login = await client.post("/v1/auth/login", json=_CREDENTIALS)
            client.headers["authorization"] = f"Bearer {login.json()['accessToken']}"
            client.cookies.clear()
            await asyncio.gather(*(self._hand(client) for _ in range(self.hands)))

    def stop(self) -> None:
        """Let each client finish its present order and end."""
        self._stop = True

    async def reached(self, count: int) -> None:
        """Return once that many orders are acknowledged."""
        while len(self.acknowledged) < count:
            await asyncio.sleep(0.005)

    async def _hand(self, client: httpx.AsyncClient) -> None:
        while not self._stop:
            self._count += 1
            key = f"{self.name}-{self._count}"
            body = {
                "marketId": MARKET, "side": "BUY", "type": "LIMIT", "price": "0.01", "qty": "1",
                "clientOrderId": key,
            }  # fmt: skip
            try:
                answer = await client.post("/v1/orders", json=body)
            except httpx.RemoteProtocolError as error:
                self.unknown.add(key)
                if "without sending a response" not in str(error):
                    self.torn.append(str(error))
                else:
                    self.cut.append(str(error))
                await asyncio.sleep(0.01)
                continue
            except httpx.TransportError as error:
                self.unknown.add(key)
                if not isinstance(error, httpx.ConnectError):
                    self.cut.append(repr(error))
                await asyncio.sleep(0.01)
                continue
            if answer.status_code == 201:
                self.acknowledged[key] = answer.json()["id"]
            elif answer.status_code == 503:
                self.unknown.add(key)
                await asyncio.sleep(0.01)
            else:
                self.refused.append((answer.status_code, answer.json()))

    def kept(self, database_url: str) -> bool:
        """Tell whether the database has each acknowledged order once, with the acknowledged id."""
        store = open_store(database_url)
        store.connect()
        try:
            sql = f"SELECT client_order_id, id FROM orders WHERE client_order_id LIKE {store.mark}"
            rows = store.read(sql, (f"{self.name}-%",))
        finally:
            store.close()
        stored: dict[str, int] = dict(rows)
        once = len(rows) == len(stored)
        return once and self.acknowledged.items() <= stored.items()
