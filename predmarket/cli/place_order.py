"""Command: order place."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, TypeAlias
from uuid import uuid4

import typer

import predmarket.client as api
from predmarket.cli import arguments, context, order_layouts
from predmarket.cli.context import Line
from predmarket.cli.failure import usage
from predmarket.cli.flags import Format
from predmarket.cli.numbers import PRICE, QTY, SLIPPAGE, number, optional
from predmarket.cli.order_wait import Awaited, OrderWait
from predmarket.cli.risk import explained
from predmarket.cli.timestamps import moment
from predmarket.client import ClientError
from predmarket.client.calls import NewOrder
from predmarket.enums import OrderType, SelfTradePrevention, Side, TimeInForce
from predmarket.exit_codes import ExitCode

_MAX_CLIENT_ID = 64
PROMPTLY, OFF = "10s", "off"
"""Deadlines: the usual one, and none."""


Direction: TypeAlias = Annotated[
    Side, typer.Argument(metavar="buy|sell", case_sensitive=False, help="Side.")
]
Quantity: TypeAlias = Annotated[
    str, typer.Argument(metavar="QTY", help="Contracts, up to 2 decimals.")
]
LimitPrice: TypeAlias = Annotated[
    str | None, typer.Option("--price", metavar="P", help="Limit price, between 0 and 1.")
]
AtMarket: TypeAlias = Annotated[
    bool, typer.Option("--market", help="Take the best prices within the slippage.")
]
Tif: TypeAlias = Annotated[
    TimeInForce | None,
    typer.Option("--tif", case_sensitive=False, help="Time in force."),
]
Expires: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--expires", metavar="TIME", help="A time, or a span such as 30m; implies --tif GTD."
    ),
]
PostOnly: TypeAlias = Annotated[
    bool, typer.Option("--post-only", help="Refuse the order if it would trade at once.")
]
ReduceOnly: TypeAlias = Annotated[
    bool, typer.Option("--reduce-only", help="Only reduce the position.")
]
Slippage: TypeAlias = Annotated[
    str | None,
    typer.Option("--slippage", metavar="P", help="How far from the best price --market may go."),
]
Stp: TypeAlias = Annotated[
    SelfTradePrevention | None,
    typer.Option(
        "--stp",
        case_sensitive=False,
        help="Self-trade prevention: what to do on meeting your own order.",
    ),
]
ClientId: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--client-id",
        metavar="ID",
        help="Your own id for the order, 1 to 64 characters, unique for ever.",
    ),
]
Wait: TypeAlias = Annotated[
    Awaited | None,
    typer.Option("--wait", case_sensitive=False, help="Wait until it has filled, or ended."),
]
WaitAtMost: TypeAlias = Annotated[
    int,
    typer.Option("--wait-at-most", metavar="S", min=1, help="Wait no longer (default: 60)."),
]
Deadline: TypeAlias = Annotated[
    str,
    typer.Option(
        "--deadline",
        metavar="TIME",
        help="Refuse the order if it is not taken up until then; off: never (default: 10s).",
    ),
]
Preview: TypeAlias = Annotated[
    bool, typer.Option("--preview", help="Show what would happen; send no order.")
]


def place(
    ctx: typer.Context,
    market: arguments.Market,
    side: Direction,
    qty: Quantity,
    *,
    price: LimitPrice = None,
    at_market: AtMarket = False,
    tif: Tif = None,
    expires: Expires = None,
    post_only: PostOnly = False,
    reduce_only: ReduceOnly = False,
    slippage: Slippage = None,
    stp: Stp = None,
    client_id: ClientId = None,
    group: arguments.GroupOption = None,
    deadline: Deadline = PROMPTLY,
    preview: Preview = False,
    wait: Wait = None,
    wait_at_most: WaitAtMost = 60,
) -> None:
    """Examples:
      predmarket order place will-it-rain-tomorrow buy 10 --price 0.60
      predmarket order place will-it-rain-tomorrow sell 5 --market --slippage 0.05
      predmarket order place 1 buy 10 --price 0.55 --expires 2h --post-only
      predmarket order place 1 buy 10 --market --preview
      predmarket order place 1 buy 10 --price 0.55 --wait filled --wait-at-most 600

    Place an order. Prices are of YES. Selling shares that you do not hold buys NO at 1 - price:
    "sell 5 --price 0.70" without any YES pays 0.30 each for 5 NO. --preview shows what an order
    would buy, its cost, and its maximum loss.

    Its client order id is printed on stderr before it is sent: repeating the command with
    --client-id and that id never places the order twice. An order that a slow network delays
    beyond --deadline is refused, so that none trades long after it was meant to.

    --wait filled waits until the order has filled, --wait done until it has ended in any way. The
    exit code is 1 if it ended unfilled, and 3 if the time runs out; the order goes on then.
    """
    line = context.of(ctx)
    order = NewOrder(
        market=market,
        side=side,
        qty=number(qty, QTY, "QTY"),
        price=optional(price, PRICE, "--price"),
        type=_type(at_market=at_market, price=price),
        time_in_force=tif or (TimeInForce.GTD if expires else None),
        expires_at=moment(line, expires, "--expires"),
        post_only=post_only or None,
        reduce_only=reduce_only or None,
        max_slippage=optional(slippage, SLIPPAGE, "--slippage"),
        self_trade_prevention=stp,
        client_order_id=client_id if preview else client_order_id(client_id),
        order_group_id=group,
    )
    if preview:
        _preview(line, order)
    else:
        send(line, order, deadline, OrderWait(wait, wait_at_most) if wait else None)


def _type(*, at_market: bool, price: str | None) -> OrderType:
    if at_market == (price is not None):
        raise usage("give either --price P or --market")
    return OrderType.MARKET if at_market else OrderType.LIMIT


def _preview(line: Line, order: NewOrder) -> None:
    with line.client() as client:
        preview = client.preview_order(order)
        if line.options.output == Format.TABLE:
            covers = Decimal(preview["coveredQty"]) > 0
            event = client.market(order.market).get("eventSlug") if covers else None
            told = explained(order, preview, event)
            line.output.record(order_layouts.EXPLAINED_PREVIEW, told)
        else:
            line.output.record(order_layouts.PREVIEW, preview)


def client_order_id(given: str | None) -> str:
    """Return the given id, or a new one. Raises Failure."""
    if given is None:
        return uuid4().hex
    if not 1 <= len(given) <= _MAX_CLIENT_ID:
        raise usage("--client-id has 1 to 64 characters")
    return given


def until(line: Line, deadline: str, client: "api.Client") -> str | None:
    """Return a deadline as the exchange reads it, None where it is off. Raises as moment does."""
    given = None if deadline.lower() == OFF else deadline
    return moment(line, given, "--deadline", client=client)


def send(
    line: Line, order: NewOrder, deadline: str = PROMPTLY, waiting: OrderWait | None = None
) -> None:
    """Place an order with a client order id and print it. Raises Failure, ClientError.

    ``deadline`` is the option's value, or OFF.
    """
    with line.client() as client:
        line.output.note(f"client order id: {order.client_order_id}")
        try:
            latest = until(line, deadline, client)
            placed = client.place_order(replace(order, deadline=latest))
        except ClientError as error:
            refusal = line.failure(error)
            if refusal.exit_code is ExitCode.UNAVAILABLE:
                refusal.advise(f"to repeat it safely, add: --client-id {order.client_order_id}")
            raise refusal from None
        line.note_repeat("the order was placed before under this client order id")
        if waiting is not None:
            placed = waiting.until_over(line, client, placed)
    line.output.record(order_layouts.ORDER, placed, brief=True)
    if waiting is not None:
        waiting.require(placed)
