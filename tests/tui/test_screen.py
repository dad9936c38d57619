"""The screen with a script: its layout at each size, and its behaviour when the feed fails."""

from pathlib import Path

import pytest
from textual.widget import Widget

from predmarket.client import messages as feed
from predmarket.client.messages import Gap
from predmarket.tui.bindings import named
from predmarket.tui.screens.help import HelpDialog
from predmarket.tui.screens.trading import TradingScreen
from predmarket.tui.themes import DARK, LIGHT
from predmarket.tui.trader import SIZES
from predmarket.tui.widgets.chart import Chart, ChartKind
from predmarket.tui.widgets.footer import Foot
from predmarket.tui.widgets.ladder_columns import ColumnKind as Column
from predmarket.tui.widgets.ladder_columns import columns
from tests.tui.screens import go_live, scripted
from tests.tui.script import (
    LIVE,
    LOST,
    ScriptedClient,
    book,
    candle,
    change,
    delta,
    market,
    snapshot,
    trade,
)


@pytest.mark.parametrize("size", [(80, 24), (100, 30), (120, 40), (160, 50), (200, 60)])
async def test_everything_has_its_place(tmp_path: Path, size: tuple[int, int]) -> None:
    """Widgets stay within the terminal without overlap.

    Each box is wide enough to be read, and the ends are not cut off.
    """
    async with scripted(tmp_path, size=size) as (desktop, script, _):
        await go_live(desktop, script)
        screen = desktop.app.screen
        shown = [each for each in screen.query("Header, Foot, TabLine, #left, .box") if _seen(each)]
        for each in shown:
            assert screen.region.contains_region(each.region), each
            assert each.size.width >= 16, each
            for other in shown:
                apart = not each.region.overlaps(other.region)
                nested = each in other.ancestors_with_self or other in each.ancestors_with_self
                assert apart or nested, (each, other)
        lines = desktop.text().splitlines()
        assert lines[0].endswith(" SAFE ")
        assert "0.60" in desktop.text()
        assert "too small" not in desktop.text()
        assert [len(line) for line in lines] == [size[0]] * size[1]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_order_form_leaves_the_ladder_in_sight(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    """The form leaves bids, prices and asks visible, and is itself complete."""
    async with scripted(tmp_path, size=size) as (desktop, script, _):
        await go_live(desktop, script)
        ladder = desktop.ladder
        await desktop.press("o")
        await desktop.sees("Reduce only")
        form = desktop.app.screen.query_one(".dialog")
        asks = next(c for c in columns(ladder.size.width, 100) if c.kind is Column.ASK)
        await desktop.until(lambda: form.region.x > ladder.region.x + asks.x + asks.width, "beside")
        assert desktop.app.screen.region.contains_region(form.region)
        assert desktop.app.screen.query_one("#send").region
        assert " 0.60 │" in desktop.text()


def _seen(widget: Widget) -> bool:
    return bool(widget.region) and all(
        each.display for each in widget.ancestors_with_self if isinstance(each, Widget)
    )


async def test_a_lost_connection_stops_entry(tmp_path: Path) -> None:
    """Without a connection the ladder is grey, and a key gives a message; later entry resumes."""
    async with scripted(tmp_path) as (desktop, script, client):
        await go_live(desktop, script)
        await desktop.press("f8", "down")
        script.play(LOST)
        await desktop.until(lambda: not desktop.ladder.data.live, "grey")
        await desktop.press("b")
        await desktop.until(lambda: "no live data" in desktop.text(), "said")
        assert "lost" in desktop.text().splitlines()[0]
        assert not [call for call in client.calls if call.method == "POST"]
        script.play(LIVE)
        await desktop.until(lambda: desktop.ladder.data.live, "again")


async def test_a_gap_stops_entry_until_the_snapshot(tmp_path: Path) -> None:
    """A gap stops entry in the form, too, which reads the trader's state."""
    nothing = dict.fromkeys(("avgPrice", "worstPrice", "queueAhead"))
    preview = nothing | dict.fromkeys(("fillQty", "restQty", "coveredQty", "locked"), "0.00")
    answers = {"POST /v1/orders/preview": preview}
    async with scripted(tmp_path, answers=answers) as (desktop, script, client):
        await go_live(desktop, script)
        await desktop.press("f8")
        script.play(Gap("orderbook:1", 1, 5))
        await desktop.until(lambda: "stale" in desktop.text().splitlines()[0])
        await desktop.press("o", "enter")
        await desktop.until(lambda: "data is stale" in desktop.text(), "refused")
        assert "/v1/orders" not in [call.path for call in client.calls]
        await desktop.press("escape")
        script.play(book({"0.5000": "1.00"}, {}, 9))
        await desktop.until(lambda: desktop.ladder.data.live, "whole again")


async def test_a_halted_market_takes_no_orders(tmp_path: Path) -> None:
    """A halted market shows HALTED in the header and in each refusal."""
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        script.play(
            feed.MarketsSnapshot(
                topic="markets", seq=1, last_seq=None, ts=0, raw=b"",
                data={"items": [market(status="HALTED")]},
            )
        )  # fmt: skip
        await desktop.until(lambda: "HALTED" in desktop.text().splitlines()[0])
        await desktop.press("f8", "down", "b")
        await desktop.until(lambda: "market halted, not sent" in desktop.text())


async def test_an_idle_screen_draws_nothing(tmp_path: Path) -> None:
    """Frames without news write no line to the terminal."""
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        drawn = [each for each in desktop.app.screen.query("Lined") if hasattr(each, "drawn")]
        for _ in range(3):
            desktop.app.frame()
            await desktop.pilot.pause()
        before = [each.drawn for each in drawn]
        for _ in range(10):
            desktop.app.frame()
            await desktop.pilot.pause()
        assert [each.drawn for each in drawn] == before


async def test_a_trade_redraws_few_lines(tmp_path: Path) -> None:
    """A delta of one level redraws a few of the ladder's lines."""
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        await desktop.pilot.pause()
        before = desktop.ladder.drawn
        script.play(delta({"0.5900": "81.00"}, {}, 2))
        await desktop.until(lambda: desktop.trader.state.book.bids[5900] == 8100)
        await desktop.until(lambda: desktop.ladder.drawn > before)
        assert desktop.ladder.drawn - before <= 4


async def test_chart_keys(tmp_path: Path) -> None:
    """i loads the next interval's candles; k draws a line."""
    async with scripted(tmp_path) as (desktop, script, client):
        await go_live(desktop, script)
        await desktop.press("i", "k")
        await desktop.until(lambda: client.calls[-1].params.get("interval") == "1h", "asked")
        assert desktop.app.screen.query_one(Chart).data.kind is ChartKind.LINE


async def test_themes_and_copy(tmp_path: Path) -> None:
    """F6 switches between dark and light; F7 copies the shown command."""
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        assert desktop.app.theme == DARK
        await desktop.press("f6")
        assert desktop.app.theme == LIGHT
        desktop.app.theme = "nord"  # a theme without our colours
        await desktop.pilot.pause()
        variables = desktop.app.theme_variables
        assert variables["gain"] == variables["success"] != variables["loss"]
        await desktop.press("f8", "f9")
        await desktop.until(lambda: desktop.trader.echo, "echo")
        await desktop.press("f7")
        assert desktop.app.clipboard == "predmarket order cancel-all"


async def test_a_failed_kill_switch_says_so(tmp_path: Path) -> None:
    """A failed kill switch gives a prominent message, since orders may still rest."""
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        await desktop.press("f9")
        await desktop.until(lambda: "CANCEL ALL FAILED" in desktop.text())


async def test_keys_of_ones_own(tmp_path: Path) -> None:
    """The configuration file moves a key, and the screen reports errors in it."""
    (tmp_path / "keys.toml").write_text(
        '[keys]\n"app.arm" = "f12"\n"app.nothing" = "f11"\n"ladder.buy" = 7\n"ladder.sell" = "o"\n'
    )
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        await desktop.press("f12")
        assert desktop.trader.armed
        said = [note.text for note in desktop.trader.state.journal.notes]
        assert "keys.toml: no binding is named app.nothing" in said
        assert 'keys.toml: ladder.buy must be a key such as "f12" or "b"' in said
        assert "keys.toml: ladder.sell: the key o is taken by trading.order" in said


@pytest.mark.parametrize(
    ("line", "sizes", "said"),
    [
        ('sizes = [5, 12.5, "0.01"]', (500, 1250, 1), ""),
        ("sizes = [5]", SIZES, "must be a list of two to five quantities"),
        ("sizes = [5, true]", SIZES, "must be quantities, such as 10 or 0.50"),
        ("sizes = [5, 0.001]", SIZES, "2 decimals"),
        ("sizes = [5, -1]", SIZES, "above 0"),
        ("sizes = [5, nan]", SIZES, ""),
        ("sizes = 5", SIZES, "must be a list of two to five quantities"),
    ],
)
async def test_sizes_of_ones_own(
    tmp_path: Path, line: str, sizes: tuple[int, ...], said: str
) -> None:
    """The file sets the sizes of 1 to 5; an invalid one is reported and changes nothing."""
    (tmp_path / "keys.toml").write_text(f'{line}\n[keys]\n"app.arm" = "f12"\n')
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        assert desktop.trader.sizes == sizes
        notes = " ".join(note.text for note in desktop.trader.state.journal.notes)
        assert ("keys.toml: sizes: " in notes) == (sizes == SIZES)
        assert said in notes
        await desktop.press("2")
        desktop.app.frame()
        assert desktop.ladder.data.sizes[desktop.ladder.data.size] == sizes[1]


async def test_help_has_every_key(tmp_path: Path) -> None:
    """Help lists the keys of the present view first, with each binding's id."""
    async with scripted(tmp_path, size=(120, 60)) as (desktop, script, _):
        await go_live(desktop, script)
        active = desktop.app.screen.active_bindings.values()
        wanted = {each.binding.id for each in active if each.binding.id}
        await desktop.press("f1")
        await desktop.until(lambda: isinstance(desktop.app.screen, HelpDialog))
        dialog = desktop.app.screen
        assert isinstance(dialog, HelpDialog)
        here, _, elsewhere = "\n".join(dialog.lines(68)).partition("On other screens")
        assert {name for name in wanted if str(name) not in here} == set()
        assert len(wanted) > 30
        others = named().keys() - wanted
        assert {name for name in others if name not in elsewhere} == set()
        assert {"table.cancel", "order.send", "admin.resolve"} < others
        narrow = "\n".join(dialog.lines(70))  # at 80 columns long lines wrap
        assert "its preview comes" in narrow
        assert "…" not in narrow


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_plain_mode_is_words(tmp_path: Path, size: tuple[int, int]) -> None:
    """Plain mode shows one part at a time, without boxes, bars or dots."""
    async with scripted(tmp_path, size=size, plain=True) as (desktop, script, _):
        await go_live(desktop, script)
        script.play(
            feed.TradesSnapshot(
                topic="trades:1", seq=1, last_seq=None, ts=0, raw=b"",
                data={"marketId": 1, "items": [trade(1, "0.6000", "5.00")]},
            )
        )  # fmt: skip
        await desktop.until(lambda: desktop.trader.state.tape, "traded")
        await desktop.pilot.pause()
        seen = ""
        for key, part in (
            ("", "best bid 0.60"),
            ("p", "Prices by"),
            ("p", "buy 5"),
            ("p", "bids"),
            ("f2", "> rain"),
        ):
            await desktop.press(*filter(None, [key]))
            await desktop.sees(part)
            seen += desktop.text()
        assert {char for char in seen if "\u2500" <= char <= "\u28ff"} == set()


async def test_no_color(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR words and signs carry all that colours do."""
    monkeypatch.setenv("NO_COLOR", "1")
    answers: dict[str, object] = {
        "GET /v1/markets": {"items": [market(lastPrice="0.6000")], "total": 1},
        "GET /v1/candles/1": {"items": [candle("0.6000")]},
    }
    async with scripted(tmp_path, size=(200, 60), answers=answers) as (desktop, script, _):
        await go_live(desktop, script)
        assert desktop.app.no_color
        top = desktop.text().splitlines()[0]
        assert "● live" in top
        assert "SAFE" in top
        script.play(
            snapshot(
                feed.TickerSnapshot, "ticker:1",
                {"marketId": 1, "lastPrice": "0.5700", "bestBid": "0.5600", "bestAsk": "0.5900",
                 "volume": "1.00", "openInterest": "1.00"},
            )
        )  # fmt: skip
        await desktop.sees("0.56 0.59 0.57▼ -0.03")


async def test_a_toast_covers_neither_the_header_nor_the_foot(tmp_path: Path) -> None:
    """Three long toasts on the smallest terminal leave the last action and the keys visible."""
    async with scripted(tmp_path, size=(80, 24)) as (desktop, script, _):
        await go_live(desktop, script)
        for n in range(3):
            desktop.app.notify(f"message {n} " + "goes on and on " * 6, title="Trying again")
        await desktop.sees("message 2")
        lines = desktop.text().splitlines()
        assert "● live" in lines[0]
        assert lines[-2].startswith(" SAFE: nothing is sent")
        assert "F9 CANCEL ALL" in lines[-1]


async def test_a_fill_stands_out(tmp_path: Path) -> None:
    """A fill is highlighted for a second in the line of messages."""
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        fill = {
            "tradeId": 1, "orderId": 9, "marketId": 1, "marketSlug": "rain", "side": "BUY",
            "price": "0.6000", "qty": "5.00", "fee": "0.000000", "liquidity": "MAKER",
            "createdAt": "2030-03-17T17:46:40.000000Z",
        }  # fmt: skip
        script.play(
            snapshot(feed.FillsSnapshot, "user:7:fills", {"items": []}),
            change(feed.FillMade, "user:7:fills", fill, 2),
        )
        await desktop.sees("bought 5 rain at 0.60")
        assert desktop.app.screen.query_one(Foot).flash


async def test_log_out(tmp_path: Path) -> None:
    """A logout ends the session and clears its data."""
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        await desktop.app.action_log_out()
        await desktop.until(lambda: not isinstance(desktop.app.screen, TradingScreen))
        assert desktop.trader.user is None
        assert isinstance(desktop.trader.client, ScriptedClient)
