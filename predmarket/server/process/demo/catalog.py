"""The demo's markets and house accounts, as plain data.

The markets differ in everything that may confuse a person or a program: tick sizes, fees, closing
times, outcomes, and lengths of names.
"""

from dataclasses import dataclass
from enum import Enum

from predmarket.server.process import seed
from predmarket.server.read_model.queries.standings import HOUSE_DOMAIN
from predmarket.units import MONEY_ONE, Micros, Money, Price, Rate

MINUTE: Micros = 60 * 1_000_000
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR

PAST: Micros = 5 * DAY
"""How far the demo's history reaches back."""


class Fate(Enum):
    """A market's outcome by the time the exchange opens."""

    TRADED = "traded"
    HALTED = "halted"
    """Halted half an hour ago."""
    CLOSED = "closed"
    """Closed on time; nobody has resolved it yet."""
    RESOLVED = "resolved"
    """Resolved YES two hours ago."""


@dataclass(frozen=True, slots=True)
class DemoMarket:
    """A market of the demo. ``price`` is where its history begins, in dollars; ``restless`` is how
    far the log-odds move in a day; ``trades`` how likely a step of the history has a trade.

    ``closes_in`` counts from the start of the exchange and may lie before it.
    """

    slug: str
    question: str
    description: str
    price: float
    tick: Price = 100
    maker_rate: Rate = 0
    taker_rate: Rate = 0
    closes_in: Micros | None = None
    restless: float = 0.25
    trades: float = 0.55
    fate: Fate = Fate.TRADED


MARKETS = (
    DemoMarket(seed.SLUG, seed.QUESTION, seed.DESCRIPTION, 0.58, trades=0.8),
    DemoMarket(
        "central-bank-cuts-rates",
        "Will the central bank cut its rate at the next meeting?",
        "Resolves YES if the published target rate is lower after the meeting than before it.",
        0.68,
        taker_rate=700,
        closes_in=9 * DAY,
        trades=0.7,
    ),
    DemoMarket(
        "inflation-below-three-percent",
        "Will inflation be below 3 % this year?",
        "Resolves YES if the first published year-on-year figure for December is below 3.0 %.",
        0.44,
        tick=10,
        maker_rate=20,
        taker_rate=200,
        closes_in=60 * DAY,
    ),
    DemoMarket(
        "home-team-wins-the-final",
        "Will the home team win the final?",
        "Resolves YES on a win after regular time, extra time or penalties.",
        0.52,
        taker_rate=300,
        closes_in=2 * DAY,
        restless=0.4,
        trades=0.75,
    ),
    DemoMarket(
        "crewed-moon-landing-before-2030",
        "Will people land on the Moon before 2030?",
        "Resolves YES if a crewed vehicle has landed by the end of 2029 (UTC).",
        0.08,
        tick=10,
        restless=0.15,
        trades=0.4,
    ),
    DemoMarket(
        "magnitude-eight-earthquake",
        "Will there be an earthquake of magnitude 8.0 or more this month?",
        "Resolves YES on the first published moment magnitude, wherever on Earth.",
        0.035,
        tick=1,
        taker_rate=100,
        closes_in=20 * DAY,
        restless=0.2,
        trades=0.35,
    ),
    DemoMarket(
        "hottest-year-on-record",
        "Will this be the hottest year on record?",
        "A market with ticks of ten cents: few prices, long queues.",
        0.7,
        tick=1_000,
        trades=0.3,
    ),
    DemoMarket(
        "turnout-above-sixty-percent",
        "Will turnout be above 60 %?",
        "Resolves YES if more than 60.0 % of those entitled have voted.",
        0.57,
        maker_rate=100,
        taker_rate=500,
        closes_in=30 * DAY,
        trades=0.6,
    ),
    DemoMarket(
        "every-station-on-the-coastal-line-reopens-before-the-holidays-yes",
        "Will every station on the coastal line, including those that are being rebuilt after last "
        "winter's storms, be open to passengers again, on both platforms and without replacement "
        "buses, before the first day of the summer holidays?",
        "A market whose name is as long as names get: does it fit where you show it?\n\n"
        "Resolves YES if the operator's timetable lists every station.",
        0.36,
        closes_in=45 * DAY,
        trades=0.4,
    ),
    DemoMarket(
        "next-train-is-on-time",
        "Will the next train be on time?",
        "Closes a quarter of an hour after the demo was first started: watch what happens then.",
        0.81,
        closes_in=15 * MINUTE,
        restless=0.5,
        trades=0.7,
    ),
    DemoMarket(
        "rocket-launches-this-week",
        "Will the rocket launch this week?",
        "Halted: its orders keep their place, and nothing trades until it opens again.",
        0.47,
        closes_in=3 * DAY,
        trades=0.5,
        fate=Fate.HALTED,
    ),
    DemoMarket(
        "marathon-under-two-hours",
        "Will the marathon be won in under two hours?",
        "Closed on time, and not resolved yet: an admin's task.",
        0.22,
        closes_in=-1 * HOUR,
        trades=0.5,
        fate=Fate.CLOSED,
    ),
    DemoMarket(
        "snow-in-the-capital",
        "Will it have snowed in the capital by yesterday?",
        "Resolved YES.",
        0.63,
        restless=0.6,
        trades=0.5,
        fate=Fate.RESOLVED,
    ),
)


@dataclass(frozen=True, slots=True)
class HouseAccount:
    """An account of a house bot. ``bot`` names the strategy."""

    bot: str
    email: str
    full_name: str
    deposit: Money


MAKER = HouseAccount("maker", f"maker@{HOUSE_DOMAIN}", "House market maker", 50_000 * MONEY_ONE)
TRADERS = tuple(
    HouseAccount(bot, f"{bot}@{HOUSE_DOMAIN}", name, 20_000 * MONEY_ONE)
    for bot, name in (
        ("noise-1", "House noise trader 1"),
        ("noise-2", "House noise trader 2"),
        ("noise-3", "House noise trader 3"),
        ("trend", "House trend trader"),
    )
)
"""Those who traded in the past."""
OF_EVENTS = tuple(
    HouseAccount(bot, f"{bot}@{HOUSE_DOMAIN}", name, 20_000 * MONEY_ONE)
    for bot, name in (
        ("event-maker", "House market maker of events"),
        ("believer", "House believer"),
        ("arbitrageur", "House arbitrageur"),
    )
)
HOUSE = (MAKER, *TRADERS, *OF_EVENTS)
