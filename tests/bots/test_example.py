"""The bot of docs/bots.md: its quotes at both ends of the prices and on every tick."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from predmarket.units import PRICE_ONE

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "bot.py"


@pytest.fixture(scope="module")
def bot() -> ModuleType:
    """The example, imported."""
    spec = importlib.util.spec_from_file_location("example_bot", EXAMPLE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("tick", [1000, 100, 10, 1])
def test_it_quotes_prices_alone(bot: ModuleType, tick: int) -> None:
    """Quotes are on the tick, within 0 and 1, buy below sell; near an end there is one side."""
    for bid in {
        tick,
        3 * tick,
        4 * tick,
        PRICE_ONE // 2,
        PRICE_ONE - 3 * tick,
        PRICE_ONE - 2 * tick,
    }:
        quoted = bot.quotes(bid, bid + tick, tick)
        assert quoted
        for side, price in quoted:
            assert tick <= price <= PRICE_ONE - tick
            assert price % tick == 0
            assert (price < bid + tick) if side == "BUY" else (price > bid)
