"""The trader's own limits: the orders that they hold back, and their file."""

from pathlib import Path

import pytest

from predmarket.client import messages as feed
from predmarket.enums import Side
from predmarket.tui import keymap
from predmarket.tui.state.brakes import Brakes, TradingLimits, read
from predmarket.tui.state.trading_state import TradingState
from predmarket.tui.trader import Trader
from tests.tui.screens import go_live, scripted
from tests.tui.script import NOW, ScriptedClient, market, order, position, snapshot


@pytest.fixture
def desk() -> TradingState:
    """A desk with ten YES bought at 0.60 each, marked at 0.45, and thirty more in orders."""
    desk = TradingState()
    desk.markets.take([market(bestBid="0.4400", bestAsk="0.4600")])
    held = position("10.00", "0.00", avgPrice="0.600000", markPrice="0.450000",
                    unrealizedPnl="-1.500000")  # fmt: skip
    desk.take(snapshot(feed.PositionsSnapshot, "user:7:positions", {"items": [held]}), NOW)
    works = {"items": [order(1, "BUY", "0.4000", "30.00")]}
    desk.take(snapshot(feed.OrdersSnapshot, "user:7:orders", works), NOW)
    return desk


@pytest.mark.parametrize(
    ("limits", "side", "qty", "price", "why"),
    [
        (TradingLimits(), Side.BUY, 10**9, 9_900, None),
        (TradingLimits(order=10_00), Side.BUY, 10_00, 4_600, None),
        (TradingLimits(order=10_00), Side.BUY, 10_01, 4_600, "the order is larger than 10"),
        (TradingLimits(position=50_00), Side.BUY, 10_00, 4_600, None),  # 10 held, 30 in orders
        (TradingLimits(position=50_00), Side.BUY, 10_01, 4_600, "the position could exceed 50"),
        (TradingLimits(position=50_00), Side.SELL, 60_00, 4_600, None),
        (TradingLimits(position=50_00), Side.SELL, 60_01, 4_600, "the position could exceed 50"),
        (TradingLimits(loss=1_500_001), Side.BUY, 1_00, 4_600, None),
        (
            TradingLimits(loss=1_500_000), Side.BUY, 1_00, 4_600,
            "the open loss is 1.50: only what reduces is sent",
        ),
        (TradingLimits(loss=1_500_000), Side.SELL, 10_00, 4_400, None),
        (TradingLimits(through=2), Side.BUY, 1_00, 4_800, None),
        (
            TradingLimits(through=2), Side.BUY, 1_00, 4_900,
            "0.49 lies 3 ticks through the best price",
        ),
        (
            TradingLimits(through=2), Side.SELL, 1_00, 4_100,
            "0.41 lies 3 ticks through the best price",
        ),
        (TradingLimits(through=2), Side.BUY, 1_00, None, None),
    ],
)  # fmt: skip
def test_limits(
    desk: TradingState,
    limits: TradingLimits,
    side: Side,
    qty: int,
    price: int | None,
    why: str | None,
) -> None:
    """Each limit holds orders that exceed it, and none that reach it exactly."""
    assert Brakes(limits).reason(desk, 1, side, qty, price, NOW) == why


def test_orders_a_second(desk: TradingState) -> None:
    """The limit counts the orders of the last second."""
    brakes = Brakes(TradingLimits(rate=2))
    for _ in range(2):
        assert brakes.reason(desk, 1, Side.BUY, 100, 4_000, NOW) is None
        brakes.sent(NOW)
    assert brakes.reason(desk, 1, Side.BUY, 100, 4_000, NOW) is not None
    assert brakes.reason(desk, 1, Side.BUY, 100, 4_000, NOW + 1_000_000) is None


async def test_what_is_held_is_not_sent(desk: TradingState) -> None:
    """A held order is not sent, and its reason is shown."""
    client = ScriptedClient({})
    trader = Trader(client, clock=lambda: NOW)
    trader.state = desk
    trader.state.selected = 1
    trader.armed = True
    trader.brakes.limits = TradingLimits(order=10_00)
    assert await trader.place_at(Side.BUY, 4_600, 20_00) is None
    assert trader.said[0] == ("held by your limits: BUY 20 @ 0.46: the order is larger than 10")
    assert client.calls == []


def test_limits_of_the_file(tmp_path: Path) -> None:
    """Limits are in people's units; an invalid one is reported and not guessed."""
    (tmp_path / keymap.FILE).write_text(
        "bell = true\n[brakes]\norder = 100\nloss = 12.50\nthrough = 3\n", encoding="utf-8"
    )
    keys = keymap.load(tmp_path)
    assert (keys.limits, keys.bell) == (
        TradingLimits(order=100_00, loss=12_500_000, through=3),
        True,
    )
    assert keys.limits.words == "order 100 loss 12.50 through 3"
    (tmp_path / keymap.FILE).write_text("[brakes]\nordr = 100\n", encoding="utf-8")
    assert keymap.load(tmp_path).wrong == ["keys.toml: brakes: there is no brake ordr"]
    for wrong in ({"order": "-1"}, {"through": "1.5"}, {"rate": True}, {"loss": "nan"}):
        with pytest.raises(ValueError, match=r"."):
            read(wrong)


FILE = """\
sizes = [5, 10]

[brakes]  # mine
order = 100        # contracts
rate = 5
# a note

[keys]
"app.arm" = "f12"
"""


def test_limits_are_written_into_the_file(tmp_path: Path) -> None:
    """Writing keeps other lines and comments, and removes a limit that is none now."""
    file = tmp_path / keymap.FILE
    file.write_text(FILE, encoding="utf-8")
    keymap.save_limits(tmp_path, TradingLimits(order=50_50, loss=12_500_000))
    assert file.read_text(encoding="utf-8") == FILE.replace(
        "order = 100        #", "order = 50.50        #"
    ).replace("rate = 5\n# a note\n", "# a note\nloss = 12.500000\n")
    file.unlink()
    keymap.save_limits(tmp_path, TradingLimits(through=3))
    assert keymap.load(tmp_path).limits == TradingLimits(through=3)


@pytest.mark.parametrize("text", ["brakes = {order = 1}\n", "brakes.order = 1\n", "[brakes\n"])
def test_a_file_that_has_limits_in_another_way_is_left_alone(tmp_path: Path, text: str) -> None:
    """A file that cannot be edited safely is not changed."""
    file = tmp_path / keymap.FILE
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=r"."):
        keymap.save_limits(tmp_path, TradingLimits(order=5_00))
    assert file.read_text(encoding="utf-8") == text


async def test_limits_are_seen_and_changed_on_the_screen(tmp_path: Path) -> None:
    """The form reports invalid limits; valid ones apply at once and are stored."""
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        await desktop.press("l")
        await desktop.sees("Your limits")
        await desktop.type("100")
        await desktop.press("tab")
        await desktop.type("many")
        await desktop.press("enter")
        await desktop.sees("position")
        await desktop.type("500")
        await desktop.press("enter")
        await desktop.sees("your limits: order 100 position 500")
        assert desktop.trader.brakes.limits == TradingLimits(order=100_00, position=500_00)
        await desktop.until(lambda: keymap.load(tmp_path).limits.order == 100_00, "kept")
        assert "order 100 position 500" in desktop.text().splitlines()[0]
