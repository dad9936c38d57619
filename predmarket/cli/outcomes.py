"""The outcomes of an event as a command line names them: new markets, and how the event ends."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from predmarket import units
from predmarket.cli.event_tables import NONE, VOID
from predmarket.cli.failure import Failure, usage
from predmarket.cli.numbers import SETTLEMENT, number
from predmarket.client.calls import NewMarket
from predmarket.client.response_types import Event
from predmarket.client.rows_file import Body, RowKind, read_rows
from predmarket.exit_codes import ExitCode
from predmarket.nearest import guess

_MARKET = RowKind("market", ("slug", "question", "label"), {"market": "slug"})
_ENDING = "M|NONE|VOID|M=PRICE,M=PRICE"


class Ending(NamedTuple):
    """How an event ends: with an outcome (a market, NONE, VOID), or with weights."""

    outcome: str | None
    weights: Mapping[str, str] | None

    @property
    def markets(self) -> Sequence[str]:
        """The markets that it names."""
        named = [self.outcome] if self.weights is None else self.weights
        return [one for one in named if one is not None and one not in (NONE, VOID)]


def new_markets(given: Sequence[str], file: str | None) -> list[NewMarket]:
    """Return the markets of ``file``, then those ``given`` as SLUG=QUESTION. Raises Failure."""
    rows = [] if file is None else read_rows(file, _MARKET)
    markets = [_of_row(row, f"{file}: market {n}", file or "") for n, row in enumerate(rows, 1)]
    for text in given:
        slug, equals, question = text.partition("=")
        if not slug or not equals:
            raise usage(f"--market is SLUG=QUESTION, not {text or 'empty'}")
        markets.append(NewMarket(slug, question))
    return markets


def _of_row(row: Body, where: str, file: str) -> NewMarket:
    for name, value in row.items():
        if name not in _MARKET.fields:
            raise _MARKET.refuse(name, file)
        if not isinstance(value, str) and (name, value) != ("label", None):
            raise usage(f"{where}: {name} is a text")
    missing = [name for name in ("slug", "question") if name not in row]
    if missing:
        raise usage(f"{where} has no {missing[0]}")
    label = row.get("label")
    return NewMarket(str(row["slug"]), str(row["question"]), None if label is None else str(label))


def ending(text: str) -> Ending:
    """Return the end that ``text`` names. Raises Failure."""
    if "=" not in text and "," not in text:
        if not text:
            raise usage(f"{_ENDING} is empty")
        return Ending(text, None)
    weights: dict[str, str] = {}
    for part in text.split(","):
        name, equals, price = (one.strip() for one in part.partition("="))
        if not name or not equals:
            raise usage(
                f"weights are M=PRICE,M=PRICE, and {part.strip() or 'nothing'} is no M=PRICE"
            )
        if name in weights:
            raise usage(f"{name} has two weights")
        weights[name] = number(price, SETTLEMENT, f"the price of {name}")
    total = sum(units.parse(price, units.PRICE_DECIMALS) for price in weights.values())
    if total != units.PRICE_ONE:
        raise usage(f"weights add up to 1, and these to {units.format_price(total)}")
    return Ending(None, weights)


def require_markets(event: Event, ending: Ending) -> None:
    """Return if all markets that ``ending`` names are of ``event``. Raises Failure."""
    known = {name for one in event["markets"] for name in (str(one["id"]), one["slug"])}
    for name in ending.markets:
        if name not in known:
            near = guess(name, [*(one["slug"] for one in event["markets"]), NONE, VOID])
            message = f"the event {event['slug']} has no market {name}{near}"
            raise Failure("MARKET_NOT_FOUND", message, ExitCode.NOT_FOUND)


def question(event: Event, ending: Ending) -> str:
    """Return the question to ask before ``event`` ends so."""
    slug = event["slug"]
    if ending.outcome == VOID:
        return f"Void the event {slug} and undo all trades in its {_count(event)}?"
    if ending.outcome == NONE:
        return f"Resolve the event {slug} as NONE, so that none of its {_count(event)} pays?"
    if ending.weights is None:
        return f"Resolve the event {slug}: {ending.outcome} pays 1.00, every other outcome nothing?"
    shares = ", ".join(f"{name} pays {price}" for name, price in ending.weights.items())
    return f"Resolve the event {slug}: {shares}, every other outcome nothing?"


def _count(event: Event) -> str:
    return f"{event['marketCount']} markets"
