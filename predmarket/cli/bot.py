"""Command: bot run."""

import asyncio
import signal
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from enum import StrEnum
from functools import partial
from typing import Annotated, TypeAlias

import typer

from predmarket.cli import complete, context
from predmarket.cli.context import Line
from predmarket.cli.failure import usage
from predmarket.cli.flags import Format

_MOST_MARKETS = 50
_MOST_EVENTS = 10


class BotKind(StrEnum):
    """Which bot."""

    MARKET_MAKER = "market-maker"
    NOISE = "noise"
    ARBITRAGEUR = "arbitrageur"


Kind: TypeAlias = Annotated[
    BotKind,
    typer.Argument(
        metavar="market-maker|noise|arbitrageur", help="Which bot.", case_sensitive=False
    ),
]
Markets: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--market",
        metavar="M",
        help="A market to trade: its id or slug; may be given more than once.",
        autocompletion=complete.markets,
    ),
]
Events: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--event",
        metavar="E",
        help="An event to trade with all its markets: its id or slug; may be given more than once.",
        autocompletion=complete.events,
    ),
]
Liquidity: TypeAlias = Annotated[
    int,
    typer.Option(
        "--liquidity",
        metavar="B",
        min=10,
        max=1_000_000,
        help="A market maker's depth in contracts: it loses at most 0.69 dollars times this in "
        "each market, and in an event of N outcomes ln N dollars times this in all.",
    ),
]
Sets: TypeAlias = Annotated[
    int,
    typer.Option(
        "--sets",
        metavar="N",
        min=1,
        max=100_000,
        help="The most sets of an event's outcomes that an arbitrageur trades at a time.",
    ),
]
Seed: TypeAlias = Annotated[
    int | None, typer.Option("--seed", metavar="N", help="Choose the same at random again.")
]


def run(
    ctx: typer.Context,
    kind: Kind,
    *,
    market: Markets = None,
    event: Events = None,
    liquidity: Liquidity = 2_000,
    sets: Sets = 50,
    seed: Seed = None,
) -> None:
    """Examples:
      predmarket bot run market-maker --market will-it-rain-tomorrow
      predmarket bot run market-maker --event who-wins --liquidity 500 --json
      predmarket -P noisy bot run noise --market 1 --market 2 --seed 7
      predmarket bot run arbitrageur --event who-wins

    Let a bot trade with this profile's account until it is stopped. It says what it does on stderr;
    under -o json or jsonl, as one JSON object a line on stdout. Give it an account of its own: it
    cancels all of the account's orders in its markets when it begins and when it ends. Ctrl-C ends
    it with exit code 130, SIGTERM with 0; should it end otherwise, the exchange cancels them.
    """
    line = context.of(ctx)
    markets, events = market or [], event or []
    _require_what_it_trades(kind, markets, events)
    if line.options.timeout is not None:
        raise usage("a bot goes on until it is stopped: it takes no --timeout")
    if line.options.output == Format.JSON:
        line.options.output = Format.JSONL  # an endless array could not be closed
    if kind is BotKind.NOISE:
        bot = _noise(line, markets, events, seed)
    elif kind is BotKind.ARBITRAGEUR:
        bot = _arbitrageur(line, events, seed, sets)
    else:
        bot = _market_maker(line, markets, events, seed, liquidity)
    asyncio.run(_until_stopped(bot))


def _require_what_it_trades(kind: BotKind, markets: list[str], events: list[str]) -> None:
    if kind is BotKind.ARBITRAGEUR and markets:
        raise usage("an arbitrageur trades the markets of events: it takes no --market")
    if not markets and not events:
        either = "" if kind is BotKind.ARBITRAGEUR else "--market or "
        raise usage(f"a bot needs something to trade: give {either}--event")
    if len(markets) > _MOST_MARKETS or len(events) > _MOST_EVENTS:
        raise usage(f"a bot trades at most {_MOST_MARKETS} markets and {_MOST_EVENTS} events")


def _market_maker(
    line: Line, markets: list[str], events: list[str], seed: int | None, liquidity: int
) -> Coroutine[object, object, None]:
    from predmarket.bots.maker import make_markets
    from predmarket.bots.valuation import Style

    return make_markets(
        line.settings.url.value,
        markets,
        events=events,
        api_key=_api_key(line),
        session=line.session,
        style=Style(b=liquidity, size=max(1, liquidity // 80)),
        seed=seed,
        tell=partial(_tell, line),
    )


def _noise(
    line: Line, markets: list[str], events: list[str], seed: int | None
) -> Coroutine[object, object, None]:
    from predmarket.bots.trader import trade

    return trade(
        line.settings.url.value,
        markets,
        events=events,
        api_key=_api_key(line),
        session=line.session,
        seed=seed,
        pace_s=2.0,
        tell=partial(_tell, line),
    )


def _arbitrageur(
    line: Line, events: list[str], seed: int | None, sets: int
) -> Coroutine[object, object, None]:
    from predmarket.bots.arbitrageur import arbitrage
    from predmarket.units import QTY_ONE

    return arbitrage(
        line.settings.url.value,
        events,
        api_key=_api_key(line),
        session=line.session,
        seed=seed,
        at_most=sets * QTY_ONE,
        tell=partial(_tell, line),
    )


def _api_key(line: Line) -> str | None:
    key = line.settings.api_key
    return None if key is None else key.value


def _tell(line: Line, event: Mapping[str, object]) -> None:
    if line.options.output == Format.JSONL:
        line.output.show(event, [event], (), list)
    else:
        line.output.note(_sentence(event))


async def _until_stopped(bot: Coroutine[object, object, None]) -> None:
    """Run a bot until it fails or SIGTERM ends it. SIGINT cancels this, and asyncio raises
    KeyboardInterrupt once the bot has withdrawn.
    """
    task = asyncio.ensure_future(bot)
    asked = False

    def stop() -> None:
        nonlocal asked
        asked = True
        task.cancel()

    with suppress(NotImplementedError):  # not on Windows
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not asked:
            raise


def _sentence(event: Mapping[str, object]) -> str:
    """Return an event as a line for people."""
    said = dict(event)
    what, where = str(said.pop("event")), said.pop("market", None) or said.pop("eventSlug", None)
    if {"side", "qty", "price"} <= said.keys():
        text = f"{what} {said['side']} {said['qty']} @ {said['price']} (order {said['id']})"
    elif what == "bound":
        text = f"loses at most {said['loss']} dollars"
    elif "result" in said:
        text = " ".join([what, *(f"{name} {value}" for name, value in said.items())])
    else:
        text = " ".join([what, *(str(value) for value in said.values() if value != "")])
    return text if where is None else f"{where}: {text}"
