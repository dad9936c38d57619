"""The chart as text: positions, scales, labels, and their stability."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from predmarket.contracts.markets import Interval
from predmarket.tui.state.candles import Candle
from predmarket.tui.state.plot import scale, slots, time_labels
from predmarket.tui.widgets.chart import ChartData, ChartKind, describe, draw

HOUR = 3_600_000_000
START = 1_900_000_800_000_000 // HOUR * HOUR
"""2030-03-17 18:00 UTC."""


def candle(n: int, *prices: int, volume: int = 1_000) -> Candle:
    """Return the candle of hour ``n``, its prices in cents: open, high, low, close."""
    opened, high, low, close = (100 * price for price in prices)
    return Candle(START + n * HOUR, opened, high, low, close, volume)


WALK = (
    candle(0, 50, 53, 50, 52),
    candle(1, 52, 56, 51, 55, volume=4_000),
    candle(2, 55, 55, 54, 54),
    # hour 3: no trade
    candle(4, 54, 60, 54, 58, volume=8_000),
    candle(5, 58, 59, 52, 53, volume=2_000),
)
DATA = ChartData(
    interval=Interval.HOUR, candles=WALK, last=5_300, rising=False, now=START + 5 * HOUR + 9
)


def drawn(data: ChartData, width: int, height: int) -> list[str]:
    """Return the lines without trailing blanks."""
    return [line.text.rstrip() for line in draw(data, width, height)]


def tones(data: ChartData, width: int, height: int) -> list[str]:
    """Return one letter per cell for its tone."""
    lines = draw(data, width, height)
    return ["".join(span.tone[0] * len(span.text) for span in line.spans) for line in lines]


CANDLES = [
    "┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈│┈  0.60",
    "        ┊         ││",
    "┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┃┃  0.58",
    "        ┊         ┃┃",
    "┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈│┈┈┃┃  0.56",
    "        ┊      ╽╻ ┃┃",
    "┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┃┃┈┃┃  0.54",
    "╌╌╌╌╌╌╌╌╌╌╌╌╌╌╷┃╌╌╌┃▼0.53",
    "┈┈┈┈┈┈┈┈┈┈┈┈┈┈╽┃┈┈┈│  0.52",
    "        ┊     ┃│",
    "┈┈┈┈┈┈┈┈┈┈┈┈┈┈┃┈┈┈┈┈  0.50",
    "                  █",
    "              ▂█▂ █▄",
    "        12:00",
]
LINE = [
    "┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈  0.60",
    "        ┊         ⢰",
    "        ┊         ⡏⡆",
    "┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈⢠⡀⢠⠃⡇  0.55",
    "╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌⡎⠈⠉╌⢸▼0.53",
    "        ┊     ⠴⠁",
    "┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈┈  0.50",
    "        12:00",
]


def test_candles() -> None:
    """Candles have bodies and wicks in half cells, with volume, round prices and round times."""
    assert drawn(DATA, 26, 14) == CANDLES
    assert tones(DATA, 26, 14)[7][13:20] == "dggdddl"


def test_without_colour_a_candle_that_fell_is_broader() -> None:
    """Without colour the body of a falling candle is broader; wicks are equal."""
    lines = drawn(replace(DATA, colourless=True), 26, 14)
    assert [line[19] for line in lines[:9]] == [*"┈│▌▌▌▌▌▌│"]
    assert [line[16] for line in lines[5:7]] == [*"▖▌"]
    assert [line[18] for line in lines[:7]] == [*"││┃┃┃┃┃"], "this one rose"


def test_line() -> None:
    """The line joins the closes, and uses the previous price where there was no trade."""
    assert drawn(replace(DATA, kind=ChartKind.LINE), 26, 8) == LINE


def test_words() -> None:
    """The chart in words lists the newest candle first, for screen readers."""
    assert [line.text.rstrip() for line in describe(DATA, 80, 3)] == [
        "Prices by 1h, newest first",
        "23:00 open 0.58 high 0.59 low 0.52 close 0.53 volume 20",
        "22:00 open 0.54 high 0.60 low 0.54 close 0.58 volume 80",
    ]


@pytest.mark.parametrize("size", [(5, 3), (12, 4), (30, 3)])
def test_too_small(size: tuple[int, int]) -> None:
    """A chart without room shows a message that fits."""
    assert len(draw(DATA, *size)) == 1


def test_nothing_traded() -> None:
    """Without a trade there is a message; with only a last price there is a chart."""
    empty = replace(DATA, candles=(), last=None)
    assert "no trades yet" in "".join(drawn(empty, 40, 9))
    assert "0.53" in "".join(drawn(replace(empty, last=5_300), 40, 9))


@given(
    low=st.integers(1, 9_998),
    span=st.integers(0, 9_997),
    tick=st.sampled_from([1, 10, 100, 1_000]),
    rows=st.integers(3, 60),
)
def test_scales_hold_their_prices(low: int, span: int, tick: int, rows: int) -> None:
    """A scale has round ends around the prices, within 0 and 1, and a label on each step."""
    high = min(9_999, low + span)
    found = scale(low, high, tick, rows)
    assert 0 <= found.low <= low <= high <= found.high <= 10_000
    assert found.low % found.step == found.high % found.step == 0
    assert found.place(high, rows) <= found.place(low, rows)
    assert {found.place(found.high, rows), found.place(found.low, rows)} == {0, rows - 1}


@given(last=st.integers(5_210, 5_490))
def test_the_scale_stands_still(last: int) -> None:
    """No label moves while the price moves between two steps."""
    assert scale(5_210, 5_490, 10, 12) == scale(5_210, max(5_490, last), 10, 12)


def test_slots_carry_the_close() -> None:
    """An interval without trades has the previous close; before the first trade there is none."""
    cut = slots(WALK, Interval.HOUR, 8, START + 6 * HOUR)
    assert cut.closes == [None, 5_200, 5_500, 5_400, 5_400, 5_800, 5_300, 5_300]
    assert [slot for slot, each in enumerate(cut.candles) if each is None] == [0, 4, 7]


def test_time_labels_are_round() -> None:
    """Labels show days at the start of a day and hours elsewhere, with enough distance."""
    cut = slots(WALK, Interval.HOUR, 30, START + 8 * HOUR)
    assert time_labels(cut.starts, Interval.HOUR, 6) == [
        (3, "17 Mar"),
        (9, "06:00"),
        (15, "12:00"),
        (21, "18:00"),
        (27, "18 Mar"),
    ]
