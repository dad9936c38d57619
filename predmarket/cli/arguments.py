"""Arguments and options that several commands share."""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, TypeAlias

import typer

from predmarket.cli import complete, context
from predmarket.cli.failure import usage
from predmarket.enums import LIVE_STATUSES, OrderStatus, Side


def one_of(**options: object) -> None:
    """Raise Failure if no option is given."""
    if all(value is None for value in options.values()):
        *most, last = (f"--{name.replace('_', '-')}" for name in options)
        raise usage(f"give {', '.join(most)} or {last}")


def tags(given: Sequence[str] | None) -> Sequence[str] | None:
    """Return the given tags; an empty one alone stands for none."""
    return () if given == [""] else given


class ListedStatus(StrEnum):
    """An order's status, or LIVE for the statuses of orders that may still trade."""

    LIVE = "LIVE"
    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"

    @property
    def statuses(self) -> Sequence[OrderStatus]:
        """The statuses that it means."""
        return LIVE_STATUSES if self is ListedStatus.LIVE else (OrderStatus(self),)


def _named(ctx: typer.Context, market: str | None) -> str | None:
    """Record the market, so that the error for a mistyped one can name the nearest."""
    context.of(ctx).market = market
    return market


def _event_named(ctx: typer.Context, event: str) -> str:
    """Record the event likewise."""
    context.of(ctx).event = event
    return event


_ORDER = re.compile(r"0*[1-9]\d{0,17}|client:[^/]{1,64}", re.ASCII)


def order_ref(text: str) -> str:
    """Return ``text`` if it names an order. Raises Failure."""
    if not _ORDER.fullmatch(text):
        raise usage(f"ID is a whole number from 1, or client: and a client order id, not {text}")
    return text


def order_refs(texts: Sequence[str]) -> Sequence[str]:
    """Return ``texts`` if each names an order. Raises Failure."""
    return [order_ref(text) for text in texts]


Market: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="M",
        help="The market: its id or slug.",
        autocompletion=complete.markets,
        callback=_named,
    ),
]
EventOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--event",
        metavar="E",
        help="Only this event: its id or slug.",
        autocompletion=complete.events,
    ),
]
MarketOption: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--market",
        metavar="M",
        help="Only this market: its id or slug.",
        autocompletion=complete.markets,
        callback=_named,
    ),
]
Event: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="E",
        help="The event: its id or slug.",
        autocompletion=complete.events,
        callback=_event_named,
    ),
]
NewSlug: TypeAlias = Annotated[
    str, typer.Argument(metavar="SLUG", help="Its name: a-z, 0-9 and dashes, not all digits.")
]
Question: TypeAlias = Annotated[str, typer.Argument(metavar="QUESTION", help="What it asks.")]
Description: TypeAlias = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="How it resolves.")
]
TickSize: TypeAlias = Annotated[
    str | None,
    typer.Option("--tick", metavar="PRICE", help="0.1, 0.01 (default), 0.001 or 0.0001."),
]
MakerFee: TypeAlias = Annotated[
    str | None, typer.Option("--maker-fee", metavar="RATE", help="0 (default) to 0.25.")
]
TakerFee: TypeAlias = Annotated[
    str | None, typer.Option("--taker-fee", metavar="RATE", help="0 (default) to 0.25.")
]
ClosesAt: TypeAlias = Annotated[
    str | None,
    typer.Option("--closes-at", metavar="TIME", help="A time, or a span such as 12h."),
]
Draft: TypeAlias = Annotated[bool, typer.Option("--draft", help="Visible to admins only.")]
Category: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--category",
        metavar="TEXT",
        help="The category.",
        autocompletion=complete.categories,
    ),
]
Tags: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="TAG",
        help="A tag; may be given more than once.",
        autocompletion=complete.tags,
    ),
]
Source: TypeAlias = Annotated[
    str | None,
    typer.Option("--source", metavar="TEXT", help="Where the answer will be found: an address."),
]
OfGroup: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="GROUP",
        help="Only those of a group.",
        autocompletion=complete.user_groups,
    ),
]
ForGroup: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="GROUP",
        help="Hidden from all but this group and admins.",
        autocompletion=complete.user_groups,
    ),
]
NewGroup: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--group",
        metavar="GROUP",
        help='As for create; "" shows it to everybody.',
        autocompletion=complete.user_groups,
    ),
]
OrderId: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The order's id, or client: and your own id for it.",
        callback=order_ref,
        autocompletion=complete.own_orders,
    ),
]
OrderIds: TypeAlias = Annotated[
    list[str],
    typer.Argument(
        metavar="ID...",
        help="Ids of orders, or client: and your own ids.",
        callback=order_refs,
        autocompletion=complete.own_orders,
    ),
]
GroupOption: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--group",
        metavar="ID",
        min=1,
        help="The order group.",
        autocompletion=complete.order_groups,
    ),
]
SideOption: TypeAlias = Annotated[
    Side | None,
    typer.Option("--side", case_sensitive=False, help="Only this side."),
]
OrderStatuses: TypeAlias = Annotated[
    list[ListedStatus] | None,
    typer.Option(
        "--status",
        case_sensitive=False,
        help="Only orders of this status; may be given more than once (default: LIVE).",
    ),
]
EveryStatus: TypeAlias = Annotated[
    bool, typer.Option("--all-status", help="Orders of every status, ended ones too.")
]
Since: TypeAlias = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Only from this time, or this long ago, on."),
]
Until: TypeAlias = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Only before this time, or this long ago."),
]
Limit: TypeAlias = Annotated[
    int | None,
    typer.Option("--limit", min=1, max=100, help="Items a page (default: 50)."),
]
Ids: TypeAlias = Annotated[bool, typer.Option("--ids", help="Print only the ids, one a line.")]
Cursor: TypeAlias = Annotated[
    str | None,
    typer.Option("--cursor", metavar="CURSOR", help="Continue where an earlier list ended."),
]
Everything: TypeAlias = Annotated[
    bool,
    typer.Option("--all", help="All pages, not only the first."),
]
Watch: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--watch", help="Keep running: redraw on a terminal, else print a line of JSON each change."
    ),
]
DataDir: TypeAlias = Annotated[
    str | None,
    typer.Option("--data-dir", metavar="DIR", help="Folder of the embedded database."),
]
ReplayJournal: TypeAlias = Annotated[
    bool, typer.Option("--replay", help="Also replay the journal and compare the state.")
]
DatabaseUrl: TypeAlias = Annotated[
    str | None,
    typer.Option("--database-url", metavar="URL", help="The database, postgresql+psycopg://…"),
]
