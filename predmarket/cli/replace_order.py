"""Command: order replace."""

from typing import Annotated

import typer

from predmarket.cli import arguments, context
from predmarket.cli.failure import usage
from predmarket.cli.numbers import PRICE, QTY, optional
from predmarket.cli.place_order import ClientId, PostOnly, ReduceOnly, Stp, client_order_id, send
from predmarket.client.calls import NewOrder


def replace(
    ctx: typer.Context,
    order_id: arguments.OrderId,
    *,
    price: Annotated[
        str | None, typer.Option("--price", metavar="P", help="The new order's limit price.")
    ] = None,
    qty: Annotated[
        str | None,
        typer.Option("--qty", metavar="QTY", help="The new order's quantity (default: the rest)."),
    ] = None,
    post_only: PostOnly = False,
    reduce_only: ReduceOnly = False,
    stp: Stp = None,
    client_id: ClientId = None,
) -> None:
    """Examples:
      predmarket order replace 17 --price 0.58
      predmarket order replace client:mine-1 --qty 20 --post-only

    Cancel an order, and place a new one on the same side of the same market. It has the old
    order's price, remaining quantity and expiry, unless given here, and a new id. It is placed only
    once the old one has been cancelled, so the two never both trade; if the old one has already
    ended, nothing is placed. To change an order and keep its id, use order amend.
    """
    if price is None and qty is None:
        raise usage("give --price, --qty or both")
    line = context.of(ctx)
    price, qty = optional(price, PRICE, "--price"), optional(qty, QTY, "--qty")
    new_id = client_order_id(client_id)
    with line.client() as client:
        old = client.cancel_order(order_id)
    line.output.note(f"order {old['id']} is cancelled, {old['qtyRemaining']} of it were left")
    send(
        line,
        NewOrder(
            market=old["marketId"] if old["marketId"] is not None else "",
            side=old["side"],
            qty=qty or old["qtyRemaining"],
            price=price or old["price"],
            time_in_force=old["timeInForce"],
            expires_at=old["expiresAt"],
            post_only=post_only or None,
            reduce_only=reduce_only or None,
            self_trade_prevention=stp,
            client_order_id=new_id,
            order_group_id=old.get("orderGroupId"),
        ),
    )
