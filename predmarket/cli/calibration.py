"""The command calibration: how right the prices of resolved markets were."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from predmarket.cli import arguments, context, layouts, market_layouts
from predmarket.cli.failure import usage
from predmarket.files import new_file


class Ahead(StrEnum):
    """How long before a market closed its price is taken."""

    HOUR = "1h"
    DAY = "1d"
    WEEK = "7d"


def calibration(
    ctx: typer.Context,
    *,
    before: Annotated[
        Ahead, typer.Option("--before", help="How long before a market closed.")
    ] = Ahead.DAY,
    event: arguments.EventOption = None,
    category: arguments.Category = None,
    tag: arguments.Tags = None,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="F", help="A new file for the picture.")
    ] = None,
) -> None:
    """Examples:
      predmarket calibration
      predmarket calibration --before 1h --event next-mayor
      predmarket calibration --category weather --svg weather.svg

    Was the crowd right? Compare the prices of resolved markets, some time before they closed, with
    what happened: the Brier score, and for each range of prices the share of markets that resolved
    YES. A market's price is its last trade so long before. VOID and prices as outcomes are left
    out; docs/calibration.md says how to read it.
    """
    line = context.of(ctx)
    with line.client() as client:
        shown = client.calibration(before=before, event=event, category=category, tags=tag)
    if svg is not None:
        from predmarket.cli.reliability_diagram import svg as picture

        try:
            with new_file(svg) as draft:
                draft.write_text(picture(shown), encoding="utf-8")
        except OSError as error:
            raise usage(f"{svg}: {error.strerror or error}") from None
        line.output.note(f"the picture is in {svg}")
    head = {name: value for name, value in shown.items() if name != "bins"}
    grids = layouts.ANY.grids(head, brief=False)
    if shown["bins"]:
        grids.append(market_layouts.CALIBRATION.grid(shown["bins"]))
    line.output.show(shown, shown["bins"], market_layouts.CALIBRATION.fields, lambda: grids)
    if shown["bins"] and line.options.output == "table":
        from predmarket.cli.reliability_diagram import text

        line.output.text(f"\n{text(shown['bins'])}\n")
