"""Commands: order cancel, cancel-all, cancel-after, amend, list, show. (place: place_order.py.)"""

from collections.abc import Sequence
from typing import Annotated

import typer

from predmarket.cli import arguments, context, layouts, order_layouts
from predmarket.cli.arguments import ListedStatus
from predmarket.cli.context import Line
from predmarket.cli.failure import Failure, usage
from predmarket.cli.flags import Format
from predmarket.cli.numbers import PRICE, QTY, optional
from predmarket.cli.paging import one_page, show_list, span_of
from predmarket.client import ApiError, ClientError, Unreachable, calls
from predmarket.client.response_types import Order


def cancel(
    ctx: typer.Context,
    ids: arguments.OrderIds,
) -> None:
    """Examples:
      predmarket order cancel 17
      predmarket order cancel 17 18 client:mine-1
      predmarket order list --ids --market rain | xargs predmarket order cancel

    Cancel orders, each independently of the others. With -o json one id prints the order, and
    several ids print an array of the cancelled orders.
    """
    line = context.of(ctx)
    canceled: list[Order] = []
    failures: list[tuple[str, ClientError]] = []
    with line.client() as client:
        for order_id in ids:
            try:
                canceled.append(client.cancel_order(order_id))
            except ApiError as error:
                failures.append((order_id, error))
            except Unreachable as error:
                failures.append((order_id, error))
                break  # the others would wait just as long
    if len(ids) > 1 and (canceled or line.options.output != Format.TABLE):
        line.output.rows(order_layouts.ORDER, canceled)
    elif canceled:
        line.output.record(order_layouts.ORDER, canceled[0], brief=True)
    if failures:
        raise _not_canceled(line, failures, len(ids))


def _not_canceled(line: Line, failures: Sequence[tuple[str, ClientError]], asked: int) -> Failure:
    refusal = line.failure(failures[0][1])
    if asked > 1:
        refusal.message = f"not all of {asked} orders were cancelled"
        refusal.details = {order_id: str(error) for order_id, error in failures}
    return refusal


def cancel_all(
    ctx: typer.Context,
    *,
    market_id: arguments.MarketOption = None,
    event: arguments.EventOption = None,
    side: arguments.SideOption = None,
) -> None:
    """Examples:
      predmarket order cancel-all
      predmarket order cancel-all --market will-it-rain-tomorrow --side buy
      predmarket order cancel-all --event who-wins

    Cancel all own open orders, or those of one market or event or side.
    """
    line = context.of(ctx)
    with line.client() as client:
        canceled = client.cancel_all(market=market_id, event=event, side=side)
        line.output.record(layouts.ANY, canceled)


def cancel_after(
    ctx: typer.Context,
    seconds: Annotated[
        int, typer.Argument(metavar="S", min=0, help="Seconds from now; 0 turns it off.")
    ],
) -> None:
    """Examples:
      predmarket order cancel-after 60
      predmarket order cancel-after 0

    Arm the dead-man switch: it cancels all your orders unless you repeat this in time.
    """
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(layouts.ANY, client.cancel_after(seconds))


def amend(
    ctx: typer.Context,
    order_id: arguments.OrderId,
    *,
    price: Annotated[
        str | None, typer.Option("--price", metavar="P", help="The new limit price.")
    ] = None,
    qty: Annotated[
        str | None,
        typer.Option("--qty", metavar="QTY", help="The new total, filled part included."),
    ] = None,
) -> None:
    """Examples:
      predmarket order amend 17 --qty 5
      predmarket order amend 17 --price 0.58

    Change a resting order. A smaller quantity alone keeps its place in the queue.
    """
    if price is None and qty is None:
        raise usage("give --price, --qty or both")
    line = context.of(ctx)
    price, qty = optional(price, PRICE, "--price"), optional(qty, QTY, "--qty")
    with line.client() as client:
        order = client.amend_order(order_id, price=price, qty=qty)
    line.output.record(order_layouts.ORDER, order, brief=True)


def list_orders(
    ctx: typer.Context,
    *,
    market_id: arguments.MarketOption = None,
    all_markets: Annotated[
        bool, typer.Option("--all-markets", help="Of all markets, as without --market.")
    ] = False,
    status: arguments.OrderStatuses = None,
    every_status: arguments.EveryStatus = False,
    client_id: Annotated[
        str | None, typer.Option("--client-id", metavar="ID", help="Only this client order id.")
    ] = None,
    group: arguments.GroupOption = None,
    since: arguments.Since = None,
    until: arguments.Until = None,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    ids: arguments.Ids = False,
    everything: arguments.Everything = False,
    watch: arguments.Watch = False,
) -> None:
    """Examples:
      predmarket order list
      predmarket order list --all-markets --all --ids
      predmarket order list --market will-it-rain-tomorrow --all-status --since today
      predmarket order list --all-status --all -o csv > orders.csv
      predmarket order list --watch | jq -r '[.id, .status] | @tsv'

    List your live orders, newest first; --all-status, --status and --client-id show ended orders,
    too. With --watch it prints the orders, oldest first, and then a line for each change of an
    order, up to its end.
    """
    line = context.of(ctx)
    if market_id is not None and all_markets:
        raise usage("give either --market or --all-markets")
    if status and every_status:
        raise usage("give either --status or --all-status")
    ends = not status
    if not status and not every_status and client_id is None:
        status = [ListedStatus.LIVE]
    if watch:
        if group is not None:
            raise usage("--watch shows the orders of all groups: without --group")
        one_page(cursor, since, until, ids, everything=everything)
        _watch(line, market_id, status, client_id, limit, ends=ends)
        return
    call = calls.orders(
        market=market_id,
        status=status,
        client_order_id=client_id,
        order_group_id=group,
        **span_of(line, since, until),
        limit=limit,
        cursor=cursor,
    )
    shown = show_list(line, order_layouts.ORDER, call, everything=everything, ids=ids)
    if not shown and ends and not every_status:
        line.output.note("no live orders; --all-status lists those that ended, too")


def _watch(
    line: Line,
    market: str | None,
    status: Sequence[ListedStatus] | None,
    client_id: str | None,
    limit: int | None,
    *,
    ends: bool,
) -> None:
    """Print the orders and their changes; with ``ends`` also the change that takes one out."""
    from predmarket.cli.views import OrdersView
    from predmarket.cli.watch import watch

    statuses = {word for one in status or () for word in one.statuses}
    watch(
        line,
        OrdersView(market=market, statuses=statuses, client_id=client_id, limit=limit, ends=ends),
    )


def show(ctx: typer.Context, order_id: arguments.OrderId) -> None:
    """Examples:
      predmarket order show 17
      predmarket order show client:mine-1

    Show one order and its fills.
    """
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(order_layouts.ORDER, client.order(order_id))
