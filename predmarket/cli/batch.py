"""Command: order batch. Each order has a client order id: sending a file again is safe."""

import time
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from json import dumps
from math import ceil
from re import fullmatch
from typing import Annotated

import typer

import predmarket.client as api
from predmarket.cli import context, layouts, order_layouts
from predmarket.cli.context import Line
from predmarket.cli.failure import Failure, usage
from predmarket.cli.flags import Format
from predmarket.cli.grid import Row
from predmarket.cli.orders_file import read_orders
from predmarket.cli.place_order import PROMPTLY, Deadline, until
from predmarket.client.response_types import BatchResult, ErrorBody
from predmarket.client.rows_file import Body
from predmarket.exit_codes import ExitCode

_AT_ONCE = 100
"""Orders that the exchange takes in one request."""
_LONGEST_ID = 50
_BUSY_TIMES = 10

Deadlines = Callable[[], str | None]
"""Returns the deadline of what is sent now."""


def batch(
    ctx: typer.Context,
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="JSON, lines of JSON, or CSV; - is stdin.")
    ],
    *,
    batch_id: Annotated[
        str | None,
        typer.Option(
            "--batch-id",
            metavar="ID",
            help="Prefix of client order ids, to place the same file anew.",
        ),
    ] = None,
    deadline: Deadline = PROMPTLY,
) -> None:
    """Examples:
      predmarket order batch orders.csv
      printf 'market,side,qty,price\\nrain,buy,5,0.60\\n' | predmarket order batch -
      predmarket order batch orders.json --batch-id monday

    Place orders in their order, each independently; one line for each tells the result. The fields
    are those of the API (marketId, side, qty, price, timeInForce, …), which CSV names in its first
    line; market, tif and client-id work, too. Orders are sent 100 at a time.

    An order without a client order id gets one made from the file's content and the order's
    number, so sending the same file again places nothing twice. To place it once more, give another
    --batch-id. --deadline applies to orders without a deadline of their own, from when each is
    sent.

    The exit code is that of the first refusal, 0 if there is none.
    """
    line = context.of(ctx)
    if batch_id is not None and not 1 <= len(batch_id) <= _LONGEST_ID:
        raise usage(f"--batch-id has 1 to {_LONGEST_ID} characters")
    orders = read_orders(file)
    run = batch_id or f"batch-{sha256(dumps(orders, sort_keys=True).encode()).hexdigest()[:20]}"
    named = [{**order, "clientOrderId": _id(order, run, n)} for n, order in enumerate(orders, 1)]
    results: list[BatchResult] = []
    lost: Failure | None = None
    with line.client() as client:
        first = next((n for n, order in enumerate(orders, 1) if not _given(order)), None)
        if first is not None:
            _say_ids(line, client, run, first, len(orders))
        try:
            for results_of_some in _placed(client, named, lambda: until(line, deadline, client)):
                results += results_of_some
        except api.ClientError as error:
            lost = line.failure(error)
    _show(line, named, results)
    if lost is not None:
        raise _broken_off(lost, len(results), len(named))
    refused = [result["error"] for result in results if "error" in result]
    if refused:
        raise _refused(refused, len(results))


def _given(order: Body) -> bool:
    return order.get("clientOrderId") is not None


def _id(order: Body, run: str, number: int) -> object:
    return order["clientOrderId"] if _given(order) else f"{run}-{number}"


def _say_ids(line: Line, client: "api.Client", run: str, first: int, count: int) -> None:
    """Report the client order ids before sending, and whether the file was sent before."""
    line.output.note(f"client order ids: {run}-{first} to {run}-{count}")
    try:
        known = client.orders(client_order_id=f"{run}-{first}", limit=1)["items"]
    except api.ApiError:  # a key without the read scope: the ids are safe even so
        return
    if known:
        line.output.note(
            "sent before: what was placed then is shown as it now stands, and is not placed again; "
            "to place the file once more, add --batch-id with an ID of your own"
        )


def _placed(
    client: "api.Client", orders: Sequence[Body], deadline: Deadlines
) -> Iterator[list[BatchResult]]:
    """Place all orders, some at a time, and yield each result. Raises ClientError."""
    for start in range(0, len(orders), _AT_ONCE):
        yield _place_some(client, orders[start : start + _AT_ONCE], deadline)


def _place_some(
    client: "api.Client", orders: Sequence[Body], deadline: Deadlines
) -> list[BatchResult]:
    """Place up to 100 orders. The exchange takes none of a request in which one is malformed: that
    one is left out, and the others are sent again.
    """
    results: dict[int, BatchResult] = {}
    while left := [n for n in range(len(orders)) if n not in results]:
        try:
            answer = _send(client, [orders[n] for n in left], deadline)
        except api.ApiError as error:
            malformed = _malformed(error)
            if not malformed:
                raise
            results |= {left[n]: {"error": body} for n, body in malformed.items() if n < len(left)}
        else:
            results |= dict(zip(left, answer, strict=True))
    return [results[n] for n in range(len(orders))]


def _send(client: "api.Client", orders: Sequence[Body], deadline: Deadlines) -> list[BatchResult]:
    """Send a request; repeat it while the rate limit refuses it. Raises ClientError."""

    def send() -> list[BatchResult]:
        latest = deadline()
        prompt = orders if latest is None else [{"deadline": latest, **order} for order in orders]
        return client.place_batch(prompt)["results"]

    for _ in range(_BUSY_TIMES):
        try:
            return send()
        except api.ApiError as error:
            if error.status != 429 or error.retry_after_s is None:
                raise
            time.sleep(min(5.0, ceil(error.retry_after_s)))
    return send()


def _malformed(error: "api.ApiError") -> dict[int, ErrorBody]:
    """Return the malformed orders of a refused request, by their index."""
    found: dict[int, list[dict[str, object]]] = {}
    for problem in error.details if isinstance(error.details, list) else ():
        path = fullmatch(r"orders[.\[](\d+)\]?\.?(.*)", str(problem.get("path", "")))
        if path is None:
            return {}
        said = {"path": path[2], "message": problem.get("message")}
        found.setdefault(int(path[1]), []).append(said)
    return {
        number: {"code": error.code, "message": error.message, "details": problems}
        for number, problems in found.items()
    }


def _show(line: Line, orders: Sequence[Body], results: Sequence[BatchResult]) -> None:
    rows: list[Row] = [
        _row(number, order, result)
        for number, (order, result) in enumerate(zip(orders, results, strict=False), 1)
    ]
    if line.options.output == Format.JSONL:
        line.output.rows(
            layouts.ANY, ({"number": n, **result} for n, result in enumerate(results, 1))
        )
        return
    line.output.show(
        {"results": results},
        rows,
        order_layouts.BATCH_RESULT.fields,
        lambda: [order_layouts.BATCH_RESULT.grid(rows)],
    )


def _row(number: int, order: Body, result: BatchResult) -> Row:
    named = {"number": number, "clientOrderId": order["clientOrderId"]}
    error = result.get("error")
    if error is None:
        return {**named, **result["order"]}
    said = [f"{error['code']}: {error['message']}", *_fields(error.get("details"))]
    return {**named, "error": "; ".join(said)}


def _fields(details: object) -> list[str]:
    """Return a refusal's problems by field."""
    if isinstance(details, dict):
        return [f"{name}: {value}" for name, value in details.items()]
    problems = details if isinstance(details, list) else []
    return [f"{one['path']}: {one['message']}" for one in problems if isinstance(one, dict)]


def _refused(refused: Sequence[ErrorBody], asked: int) -> Failure:
    from predmarket.contracts.errors import EXIT_CODES  # slow to load, and good news need it not

    first = refused[0]
    exit_codes = {code.value: number for code, number in EXIT_CODES.items()}
    return Failure(
        first["code"],
        f"{len(refused)} of {asked} orders were refused; the first: {first['message']}",
        exit_codes.get(first["code"], ExitCode.REFUSED),
        first.get("details", {}),
    )


def _broken_off(lost: Failure, done: int, asked: int) -> Failure:
    if asked > _AT_ONCE:
        lost.message = f"after {done} of {asked} orders: {lost.message}"
    if lost.exit_code is ExitCode.UNAVAILABLE:
        lost.advise("send the same file again: no order is placed twice")
    return lost
