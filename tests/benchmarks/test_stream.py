"""The stream of commands has the properties that MEASURES states, on every machine."""

import contextlib
import hashlib

import pytest
from lightmatchingengine.lightmatchingengine import LightMatchingEngine, Side

from benchmarks.stream import Command, commands


@pytest.fixture(scope="module")
def stream() -> list[Command]:
    """The first 20 000 commands."""
    return commands(20_000)


def test_it_is_the_same_everywhere(stream: list[Command]) -> None:
    """The digest of the stream never changes, so that results of different days can be compared."""
    digest = hashlib.sha256(repr(stream).encode()).hexdigest()
    assert digest[:16] == "0ec343af5f4e99e8"


def test_its_shares_and_ranges(stream: list[Command]) -> None:
    """60 % are orders; prices are around 48 and 52; quantities and users stay in their ranges."""
    places = [command for command in stream if command[0] == "place"]
    buys = [price for _, _, _, is_buy, price, _ in places if is_buy]
    sells = [price for _, _, _, is_buy, price, _ in places if not is_buy]
    assert len(places) / len(stream) == pytest.approx(0.6, abs=0.01)
    assert sum(buys) / len(buys) == pytest.approx(48, abs=0.2)
    assert sum(sells) / len(sells) == pytest.approx(52, abs=0.2)
    assert {qty for *_, qty in places} == set(range(1, 100))
    assert {user for _, _, user, *_ in places} == set(range(1, 501))


def test_cancels_name_their_owner_and_nobody_trades_with_himself(
    stream: list[Command],
) -> None:
    """An independent engine finds no foreign cancel and no self-trade in the stream."""
    engine = LightMatchingEngine()
    owner: dict[int, int] = {}
    owner_ever: dict[int, int] = {}
    hits = cancels = 0
    for command in stream:
        if command[0] == "cancel":
            _, order_id, user = command
            with contextlib.suppress(AssertionError):  # see yardsticks.py
                hits += engine.cancel_order(order_id, "YESNO") is not None
            cancels += 1
            assert owner.pop(order_id) == user
            continue
        _, order_id, user, is_buy, price, qty = command
        side = Side.BUY if is_buy else Side.SELL
        order, trades = engine.add_order("YESNO", price, qty, side)
        assert order.order_id == order_id
        owner[order_id] = owner_ever[order_id] = user
        makers = {trade.order_id for trade in trades} - {order_id}
        assert user not in {owner_ever[maker] for maker in makers}
    assert 0.4 < hits / cancels < 0.7
