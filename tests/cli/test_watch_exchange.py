"""--watch on the real exchange agrees with REST, also across a cut connection."""

import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.cli.watching import Piped, piped
from tests.support.cutter import Cutter, cutter
from tests.support.http_exchange import (
    ON_ONE_DATABASE,
    Exchange,
    User,
    database_url,
    exchange,
    settings,
)
from tests.support.http_orders import got, limit, placed

__all__ = ["cutter", "database_url", "exchange", "settings"]

pytestmark = ON_ONE_DATABASE


@pytest.fixture
async def ann(
    exchange: Exchange, cutter: Cutter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> User:
    """A trader whose key the commands use over the connection that is cut."""
    for name in [*os.environ]:
        if name.startswith("PREDMARKET_"):
            monkeypatch.delenv(name)
    user = await exchange.trader("ann")
    body = {"name": "watch", "scopes": ["read"]}
    made = await user.client.post("/v1/auth/api-keys", json=body)
    monkeypatch.setenv("PREDMARKET_API_KEY", made.json()["key"])
    monkeypatch.setenv("PREDMARKET_URL", cutter.url)
    monkeypatch.setenv("PREDMARKET_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    return user


async def until(command: Piped, **wanted: object) -> Any:  # noqa: ANN401  whatever the JSON is
    """Return the next line that satisfies the condition."""
    while True:
        line = await command.line()
        if wanted.items() <= line.items():
            return line


async def test_book_trades_and_orders(exchange: Exchange, ann: User, cutter: Cutter) -> None:
    """The output has every trade once and the present book and order, also after a cut."""
    await exchange.market()
    ben = await exchange.trader("ben")
    order = await placed(ann, limit("BUY", "0.40", 5))
    await placed(ben, limit("SELL", "0.40", 1))
    async with AsyncExitStack() as stack:
        book, trades, orders = [
            await stack.enter_async_context(piped(*words, "--watch"))
            for words in (("book", "rain"), ("trades", "rain"), ("order", "list"))
        ]
        assert (await book.line())["bids"] == [["0.4000", "4.00"]]
        told = [await trades.line()]
        assert (await orders.line())["qtyFilled"] == "1.00"

        await placed(ben, limit("SELL", "0.40", 1))
        assert (await book.line())["bids"] == [["0.4000", "3.00"]]
        told.append(await trades.line())
        assert (await until(orders, qtyFilled="2.00"))["status"] == "PARTIALLY_FILLED"

        cutter.cut()
        for _ in range(2):
            await placed(ben, limit("SELL", "0.40", 1))
        for command in (book, trades, orders):
            assert (await command.said()).startswith("connection lost: ")
            assert await command.said() == "connected again"
        told += [await trades.line() for _ in range(2)]
        shown = await until(book, bids=[["0.4000", "1.00"]])
        assert shown == await got(exchange.admin, "/v1/orderbook/rain")
        assert told == [*reversed((await got(exchange.admin, "/v1/trades/rain"))["items"])]
        last = await until(orders, qtyFilled="4.00")
        now = await got(ann, f"/v1/orders/{order['id']}")
        assert last.items() <= now.items()

        for command in (book, trades, orders):
            command.interrupt()
            assert await command.ended() == (130, "")
