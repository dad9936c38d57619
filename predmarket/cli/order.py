"""Commands: order place, cancel, cancel-all, cancel-after, amend, batch, list, show."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from predmarket.cli import arguments, failure, layouts
from predmarket.cli import line as lines
from predmarket.cli.failure import UNAVAILABLE, Failure, usage
from predmarket.cli.line import Line
from predmarket.cli.moment import moment
from predmarket.cli.paging import show_list
from predmarket.client import ApiError, ClientError, Unreachable, calls
from predmarket.client.calls import NewOrder
from predmarket.client.shapes import BatchResult, ErrorBody, Order
from predmarket.terms import OrderType, SelfTradePrevention, Side, TimeInForce

_MAX_CLIENT_ID = 64


def place(
    ctx: typer.Context,
    market: arguments.Market,
    side: Annotated[
        Side, typer.Argument(metavar="buy|sell", case_sensitive=False, help="Which way.")
    ],
    qty: Annotated[str, typer.Argument(metavar="QTY", help="Contracts, up to 2 decimals.")],
    *,
    price: Annotated[
        str | None, typer.Option("--price", metavar="P", help="Limit price, between 0 and 1.")
    ] = None,
    at_market: Annotated[
        bool, typer.Option("--market", help="Take the best prices within the slippage.")
    ] = False,
    tif: Annotated[
        TimeInForce | None,
        typer.Option("--tif", case_sensitive=False, help="How long it may work."),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires", metavar="TIME", help="RFC 3339, or a span such as 30m; implies --tif GTD."
        ),
    ] = None,
    post_only: Annotated[bool, typer.Option("--post-only", help="Rest, or be refused.")] = False,
    reduce_only: Annotated[
        bool, typer.Option("--reduce-only", help="Only close what is held.")
    ] = False,
    slippage: Annotated[
        str | None,
        typer.Option("--slippage", metavar="P", help="How far --market may go from the best."),
    ] = None,
    stp: Annotated[
        SelfTradePrevention | None,
        typer.Option("--stp", case_sensitive=False, help="What to do on meeting an own order."),
    ] = None,
    client_id: Annotated[
        str | None,
        typer.Option("--client-id", metavar="ID", help="Own id, 1 to 64 characters, for ever."),
    ] = None,
    preview: Annotated[
        bool,
        typer.Option("--preview", help="Show what would happen; send no order."),
    ] = False,
) -> None:
    """Examples:
      predmarket order place will-it-rain-tomorrow buy 10 --price 0.60
      predmarket order place will-it-rain-tomorrow sell 5 --market --slippage 0.05
      predmarket order place 1 buy 10 --price 0.55 --expires 2h --post-only
      predmarket order place 1 buy 10 --market --preview

    Place an order. Its client order id is printed on stderr before it is sent: repeating the
    command with --client-id and that id never places the order twice.
    """
    line = lines.of(ctx)
    if at_market == (price is not None):
        raise usage("give either --price P or --market")
    expiry = moment(expires, "--expires")
    order = NewOrder(
        market=market,
        side=side,
        qty=qty,
        price=price,
        type=OrderType.MARKET if at_market else OrderType.LIMIT,
        time_in_force=tif or (TimeInForce.GTD if expiry else None),
        expires_at=expiry,
        post_only=post_only or None,
        reduce_only=reduce_only or None,
        max_slippage=slippage,
        self_trade_prevention=stp,
        client_order_id=client_id if preview else _client_id(client_id),
    )
    if preview:
        with line.client() as client:
            line.output.record(layouts.PREVIEW, client.preview_order(order))
        return
    _send(line, order, given=client_id is not None)


def _client_id(given: str | None) -> str:
    if given is None:
        return uuid4().hex
    if not 1 <= len(given) <= _MAX_CLIENT_ID:
        raise usage("--client-id has 1 to 64 characters")
    return given


def _send(line: Line, order: NewOrder, *, given: bool) -> None:
    with line.client() as client:
        said = line.output.note if given else line.output.say
        said(f"client order id: {order.client_order_id}")
        try:
            placed = client.place_order(order)
        except ClientError as error:
            refusal = failure.of_client(error)
            if refusal.exit_code == UNAVAILABLE:
                refusal.hint = f"to repeat it safely, add: --client-id {order.client_order_id}"
            raise refusal from None
    line.output.record(layouts.ORDER, placed, brief=True)


def cancel(
    ctx: typer.Context,
    ids: Annotated[
        list[int],
        typer.Argument(
            metavar="ID...",
            min=1,
            help="Order ids.",
            autocompletion=arguments.complete.own_orders,
        ),
    ],
) -> None:
    """Examples:
      predmarket order cancel 17
      predmarket order cancel 17 18 19

    Cancel orders. Each is tried, whatever is refused of the others. Under -o json one id prints the
    order, several print an array of those that were cancelled.
    """
    line = lines.of(ctx)
    canceled: list[Order] = []
    failures: list[tuple[int, ClientError]] = []
    with line.client() as client:
        for order_id in ids:
            try:
                canceled.append(client.cancel_order(order_id))
            except ApiError as error:
                failures.append((order_id, error))
            except Unreachable as error:
                failures.append((order_id, error))
                break  # the others would only wait as long again
    if len(ids) > 1:
        line.output.rows(layouts.ORDER, canceled)
    elif canceled:
        line.output.record(layouts.ORDER, canceled[0], brief=True)
    if failures:
        raise _not_canceled(failures, len(ids))


def _not_canceled(failures: Sequence[tuple[int, ClientError]], asked: int) -> Failure:
    refusal = failure.of_client(failures[0][1])
    if asked > 1:
        refusal.message = f"not all of {asked} orders were cancelled"
        refusal.details = {str(order_id): str(error) for order_id, error in failures}
    return refusal


def cancel_all(
    ctx: typer.Context,
    *,
    market_id: arguments.MarketOption = None,
    side: arguments.SideOption = None,
) -> None:
    """Examples:
      predmarket order cancel-all
      predmarket order cancel-all --market-id will-it-rain-tomorrow --side buy

    Cancel all own open orders, or those of one market or side.
    """
    line = lines.of(ctx)
    with line.client() as client:
        line.output.record(layouts.ANY, client.cancel_all(market=market_id, side=side))


def cancel_after(
    ctx: typer.Context,
    seconds: Annotated[
        int, typer.Argument(metavar="S", min=0, help="Seconds from now; 0 turns it off.")
    ],
) -> None:
    """Examples:
      predmarket order cancel-after 60
      predmarket order cancel-after 0

    Arm the dead-man switch: all own orders are cancelled unless this is repeated in time.
    """
    line = lines.of(ctx)
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
    line = lines.of(ctx)
    with line.client() as client:
        order = client.amend_order(order_id, price=price, qty=qty)
    line.output.record(layouts.ORDER, order, brief=True)


def batch(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="JSON array or lines of orders; - is stdin.")
    ],
) -> None:
    """Examples:
      predmarket order batch orders.json
      echo '[{"marketId": 1, "side": "BUY", "type": "LIMIT", "qty": "5", "price": "0.6"}]' \\
        | predmarket order batch -

    Place 1 to 100 orders, each on its own, in order, spelled as in the API. The exit code is that
    of the first refusal, 0 when there is none.
    """
    line = lines.of(ctx)
    orders = _read_orders(file)
    with line.client() as client:
        answer = client.place_batch(orders)
    results = answer["results"]
    rows = [_result_row(number, result) for number, result in enumerate(results, 1)]
    line.output.show(
        answer, rows, layouts.BATCH_RESULT.fields, lambda: [layouts.BATCH_RESULT.grid(rows)]
    )
    refused = [result["error"] for result in results if "error" in result]
    if refused:
        raise _refused(refused, len(results))


def _refused(refused: Sequence[ErrorBody], asked: int) -> Failure:
    from predmarket.contracts.errors import EXIT_CODES  # slow to load, and good news need it not

    first = refused[0]
    exit_codes = {code.value: number for code, number in EXIT_CODES.items()}
    return Failure(
        first["code"],
        f"{len(refused)} of {asked} orders were refused; the first: {first['message']}",
        exit_codes.get(first["code"], failure.REFUSED),
        first.get("details", {}),
    )


def _result_row(number: int, result: BatchResult) -> Mapping[str, object]:
    error = result.get("error")
    text = f"{error['code']}: {error['message']}" if error else None
    return {**result.get("order", {}), "number": number, "error": text}


def _read_orders(file: str) -> list[dict[str, object]]:
    """Return the orders in ``file``, their numbers as the text they were written in."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise usage(f"cannot read {file}: {reason}") from None
    try:
        data = _decode(text)
    except ValueError:
        try:
            data = [_decode(row) for row in text.splitlines() if row.strip()]
        except ValueError as error:
            raise usage(f"{file} holds no JSON: {error}") from None
    if isinstance(data, dict):
        data = data.get("orders", [data])
    if not isinstance(data, list) or not data or not all(isinstance(item, dict) for item in data):
        raise usage(f"{file} must hold an array of orders")
    return data


def _decode(text: str) -> object:
    return json.loads(text, parse_float=str, parse_constant=str)


def list_orders(
    ctx: typer.Context,
    *,
    market_id: arguments.MarketOption = None,
    status: arguments.OrderStatusOption = None,
    client_id: Annotated[
        str | None, typer.Option("--client-id", metavar="ID", help="Only this client order id.")
    ] = None,
    limit: arguments.Limit = None,
    cursor: arguments.Cursor = None,
    everything: arguments.Everything = False,
) -> None:
    """Examples:
      predmarket order list --status open
      predmarket order list --market-id will-it-rain-tomorrow --all -o csv > orders.csv

    List own orders, newest first.
    """
    call = calls.orders(
        market=market_id, status=status, client_order_id=client_id, limit=limit, cursor=cursor
    )
    show_list(lines.of(ctx), layouts.ORDER, call, everything=everything)


def show(ctx: typer.Context, order_id: arguments.OrderId) -> None:
    """Examples:
      predmarket order show 17

    Show one order and its fills.
    """
    line = lines.of(ctx)
    with line.client() as client:
        line.output.record(layouts.ORDER, client.order(order_id))
