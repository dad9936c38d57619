"""Arguments and options that several commands share, each spelled once."""

from typing import Annotated, TypeAlias

import typer

from predmarket.cli import complete
from predmarket.terms import OrderStatus, Side

Market: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="M", help="The market: its id or slug.", autocompletion=complete.markets
    ),
]
MarketOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--market",
        metavar="M",
        help="Only this market: its id or slug.",
        autocompletion=complete.markets,
    ),
]
OrderId: TypeAlias = Annotated[
    int,
    typer.Argument(metavar="ID", min=1, help="The order's id.", autocompletion=complete.own_orders),
]
SideOption: TypeAlias = Annotated[
    Side | None,
    typer.Option("--side", case_sensitive=False, help="Only this side."),
]
OrderStatusOption: TypeAlias = Annotated[
    OrderStatus | None,
    typer.Option("--status", case_sensitive=False, help="Only orders that stand so."),
]
Limit: TypeAlias = Annotated[
    int | None,
    typer.Option("--limit", min=1, max=100, help="How many a page (default: 50)."),
]
Cursor: TypeAlias = Annotated[
    str | None,
    typer.Option("--cursor", metavar="CURSOR", help="Continue where an earlier list ended."),
]
Everything: TypeAlias = Annotated[
    bool,
    typer.Option("--all", help="All pages, not only one."),
]
Watch: TypeAlias = Annotated[
    bool,
    typer.Option("--watch", help="Go on: redrawn on a terminal, else a line of JSON each change."),
]
DataDir: TypeAlias = Annotated[
    str | None,
    typer.Option("--data-dir", metavar="DIR", help="Folder of the embedded database."),
]
DatabaseUrl: TypeAlias = Annotated[
    str | None,
    typer.Option("--database-url", metavar="URL", help="The database, postgresql+psycopg://…"),
]
