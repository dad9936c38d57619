"""The demo's events, as plain data: one of each kind that events are used for."""

from dataclasses import dataclass

from predmarket.server.process.demo.catalog import DAY, HOUR
from predmarket.units import Micros, Price, Rate


@dataclass(frozen=True, slots=True)
class DemoOutcome:
    """A market of an event. ``price`` is where its history begins, in dollars; ``out_ago`` is how
    long before the start it was struck, None if it was not.
    """

    slug: str
    label: str
    price: float
    out_ago: Micros | None = None


@dataclass(frozen=True, slots=True)
class DemoEvent:
    """An event of the demo. ``question`` is that of each market, for its label. ``restless`` and
    ``closes_in`` are as in a DemoMarket; ``trades`` is how likely a step of the history has a trade
    of a sure outcome; others have fewer. ``keeps`` is how many outcomes the demo leaves in as it
    goes on striking them, None if it strikes none.
    """

    slug: str
    title: str
    description: str
    question: str
    outcomes: tuple[DemoOutcome, ...]
    exhaustive: bool = True
    tick: Price = 10
    taker_rate: Rate = 0
    closes_in: Micros | None = None
    restless: float = 0.2
    trades: float = 0.35
    keeps: int | None = None


MAYOR = DemoEvent(
    "who-becomes-mayor",
    "Who becomes mayor?",
    "Resolves to the candidate who is sworn in. Exactly one of them wins.",
    "Will {} become mayor?",
    (
        DemoOutcome("mayor-adeyemi", "Adeyemi", 0.31),
        DemoOutcome("mayor-bergstrom", "Bergström", 0.24),
        DemoOutcome("mayor-castellano", "Castellano", 0.16),
        DemoOutcome("mayor-dubois", "Dubois", 0.10),
        DemoOutcome("mayor-eriksen", "Eriksen", 0.07),
        DemoOutcome("mayor-farouk", "Farouk", 0.05),
        DemoOutcome("mayor-grant", "Grant", 0.035),
        DemoOutcome("mayor-horvath", "Horváth", 0.02),
        DemoOutcome("mayor-ito", "Ito", 0.015),
    ),
    closes_in=12 * DAY,
)
RIVER = DemoEvent(
    "river-level-on-sunday",
    "How high is the river on Sunday?",
    "Resolves to the band of the gauge's reading at noon. A reading on a limit is in the higher "
    "band.",
    "Will the river stand at {} on Sunday?",
    (
        DemoOutcome("river-below-2-m", "less than 2.0 m", 0.12),
        DemoOutcome("river-2-to-2-5-m", "2.0 to 2.5 m", 0.25),
        DemoOutcome("river-2-5-to-3-m", "2.5 to 3.0 m", 0.33),
        DemoOutcome("river-3-to-3-5-m", "3.0 to 3.5 m", 0.20),
        DemoOutcome("river-3-5-m-or-more", "3.5 m or more", 0.10),
    ),
    taker_rate=100,
    closes_in=4 * DAY,
)
CUP = DemoEvent(
    "who-wins-the-cup",
    "Who wins the cup?",
    "Resolves to the team that wins the final. Teams that are out are struck; should the cup be "
    "called off, none of them wins.",
    "Will {} win the cup?",
    (
        DemoOutcome("cup-ashford", "Ashford", 0.19),
        DemoOutcome("cup-brookhaven", "Brookhaven", 0.15),
        DemoOutcome("cup-coldwater", "Coldwater", 0.12),
        DemoOutcome("cup-dunmore", "Dunmore", 0.10),
        DemoOutcome("cup-easton", "Easton", 0.08),
        DemoOutcome("cup-fairview", "Fairview", 0.065),
        DemoOutcome("cup-glenrock", "Glenrock", 0.055),
        DemoOutcome("cup-highgate", "Highgate", 0.045),
        DemoOutcome("cup-ironbridge", "Ironbridge", 0.04),
        DemoOutcome("cup-juniper-hill", "Juniper Hill", 0.035),
        DemoOutcome("cup-kingsmoor", "Kingsmoor", 0.03),
        DemoOutcome("cup-lakeside", "Lakeside", 0.025),
        DemoOutcome("cup-millbrook", "Millbrook", 0.02),
        DemoOutcome("cup-northport", "Northport", 0.015, out_ago=20 * HOUR),
        DemoOutcome("cup-oakdale", "Oakdale", 0.01, out_ago=31 * HOUR),
        DemoOutcome("cup-port-elgin", "Port Elgin", 0.01, out_ago=44 * HOUR),
    ),
    exhaustive=False,
    closes_in=6 * DAY,
    restless=0.3,
    keeps=4,
)
EVENTS = (MAYOR, RIVER, CUP)
