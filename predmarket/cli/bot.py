"""Command: bot run."""

import asyncio
import signal
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import Annotated

import typer

from predmarket.cli import complete, context
from predmarket.cli.context import Line
from predmarket.cli.failure import usage
from predmarket.cli.flags import Format

_MOST_MARKETS = 50


class BotKind(StrEnum):
    """Which bot."""

    MARKET_MAKER = "market-maker"
    NOISE = "noise"


def run(
    ctx: typer.Context,
    kind: Annotated[
        BotKind,
        typer.Argument(metavar="market-maker|noise", help="Which bot.", case_sensitive=False),
    ],
    *,
    market: Annotated[
        list[str],
        typer.Option(
            "--market",
            metavar="M",
            help="A market to trade: its id or slug; may be given more than once.",
            autocompletion=complete.markets,
        ),
    ],
    liquidity: Annotated[
        int,
        typer.Option(
            "--liquidity",
            metavar="B",
            min=10,
            max=1_000_000,
            help="A market maker's depth in contracts: it loses at most 0.69 dollars times this "
            "in each market.",
        ),
    ] = 2_000,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="Choose the same at random again.")
    ] = None,
) -> None:
    """Examples:
      predmarket bot run market-maker --market will-it-rain-tomorrow
      predmarket -P noisy bot run noise --market 1 --market 2 --seed 7
      predmarket bot run market-maker --market 1 --liquidity 500 --json

    Let a bot trade with this profile's account until it is stopped. It says what it does on stderr;
    under -o json or jsonl, as one JSON object a line on stdout. Give it an account of its own: it
    cancels all of the account's orders in its markets when it begins and when it ends. Ctrl-C ends
    it with exit code 130, SIGTERM with 0; should it end otherwise, the exchange cancels them.
    """
    line = context.of(ctx)
    if len(market) > _MOST_MARKETS:
        raise usage(f"a bot trades at most {_MOST_MARKETS} markets")
    if line.options.timeout is not None:
        raise usage("a bot goes on until it is stopped: it takes no --timeout")
    if line.options.output == Format.JSON:
        line.options.output = Format.JSONL  # an endless array could not be closed
    asyncio.run(_until_stopped(_bot(line, kind, market, liquidity, seed)))


def _bot(
    line: Line, kind: BotKind, markets: list[str], liquidity: int, seed: int | None
) -> Coroutine[object, object, None]:
    from predmarket.bots.lmsr import bound
    from predmarket.bots.maker import make_markets
    from predmarket.bots.quoting import Style
    from predmarket.bots.trader import trade

    def tell(event: Mapping[str, object]) -> None:
        if line.options.output == Format.JSONL:
            line.output.show(event, [event], (), list)
        else:
            line.output.note(_sentence(event))

    url, key = line.settings.url.value, line.settings.api_key
    api_key = None if key is None else key.value
    if kind is BotKind.NOISE:
        return trade(
            url, markets, api_key=api_key, session=line.session, seed=seed, pace_s=2.0, tell=tell
        )
    style = Style(b=liquidity, size=max(1, liquidity // 80))
    line.output.note(f"loses at most {bound(liquidity):.2f} dollars in each market")
    return make_markets(
        url, markets, api_key=api_key, session=line.session, style=style, seed=seed, tell=tell
    )


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
    what, where = str(said.pop("event")), said.pop("market", None)
    if {"side", "qty", "price"} <= said.keys():
        text = f"{what} {said['side']} {said['qty']} @ {said['price']} (order {said['id']})"
    else:
        text = " ".join([what, *(str(value) for value in said.values() if value != "")])
    return text if where is None else f"{where}: {text}"
