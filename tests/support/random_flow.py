"""A random flow of orders on an exchange in a test, and a naive reading of its recording."""

import random
from collections.abc import Iterable, Sequence
from contextlib import suppress

from predmarket.client import ApiError, NewOrder
from predmarket.enums import OrderType
from predmarket.recorded_orders import Action, Row
from predmarket.testing import Exchange
from tests.support.queue_model import Book, Queued

NAMES = ("ann", "bob", "cat", "dan")


def trade(exchange: Exchange, draw: random.Random, turns: int, markets: Sequence[str]) -> None:
    """Place, amend and cancel random orders, some of them refused; advance a stepped clock."""
    live: list[tuple[str, int]] = []
    for _ in range(turns):
        name = draw.choice(NAMES)
        with suppress(ApiError):
            order = exchange.client(name).place_order(_order(draw, draw.choice(markets)))
            live.append((name, order["id"]))
        if live and draw.random() < 0.4:
            name, id = draw.choice(live)
            price = draw.choice((None, f"0.{draw.randint(45, 55)}"))
            with suppress(ApiError):
                exchange.client(name).amend_order(id, price=price, qty=draw.randint(1, 20))
        if live and draw.random() < 0.3:
            name, id = live.pop(draw.randrange(len(live)))
            with suppress(ApiError):
                exchange.client(name).cancel_order(id)
        if exchange.admin.status()["clock"] == "stepped":
            exchange.clock.advance("7s")


def _order(draw: random.Random, market: str) -> NewOrder:
    side, qty = draw.choice(("BUY", "SELL")), draw.randint(1, 20)
    if draw.random() < 0.15:
        return NewOrder(market=market, side=side, qty=qty, type="MARKET", max_slippage="0.03")
    return NewOrder(
        market=market,
        side=side,
        qty=qty,
        price=f"0.{draw.randint(45, 55)}",
        time_in_force=draw.choice(("GTC", "GTC", "GTC", "IOC", "FOK")),
        post_only=draw.random() < 0.2,
    )


def feed(book: Book, row: Row) -> None:
    """Apply a recorded row of the book's market; the book computes its own trades."""
    if row.action is Action.CANCEL:
        if row.reason == "USER":  # the rules imply the other rows
            book.cancel(row.order)
    elif row.action is Action.AMEND:
        book.amend(row.order, cents(row.price), contracts(row.qty))
    elif row.action is not Action.TRADE:
        is_market = row.type is OrderType.MARKET
        price = 0 if is_market else cents(row.price)
        order = Queued(row.order, row.account, str(row.side), price, contracts(row.qty))
        order.post_only = bool(row.post_only)
        tif = str(row.time_in_force)
        book.place(order, tif=tif, slippage=cents(row.max_slippage) if is_market else None)


def recorded_fills(rows: Iterable[Row]) -> list[tuple[str, str, int, int]]:
    """Return the trades of a recording in the naive book's format."""
    return [
        (row.order, row.maker_order or "", cents(row.price), contracts(row.qty))
        for row in rows
        if row.action is Action.TRADE
    ]


def cents(price: int | None) -> int:
    """Return a price in cents."""
    return (price or 0) // 100


def contracts(qty: int | None) -> int:
    """Return a quantity in contracts."""
    return (qty or 0) // 100
