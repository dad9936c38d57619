"""Commands: order group create, list, show, update, reset, trigger, delete."""

from typing import Annotated, TypeAlias

import typer

from predmarket.cli import arguments, complete, context, order_layouts
from predmarket.cli.numbers import QTY, number
from predmarket.cli.paging import show_list
from predmarket.client import calls

GroupId: TypeAlias = Annotated[
    int,
    typer.Argument(
        metavar="ID",
        min=1,
        help="The group's id; see: order group list.",
        autocompletion=complete.order_groups,
    ),
]
FillLimit: TypeAlias = Annotated[
    str,
    typer.Argument(metavar="LIMIT", help="Contracts that may fill within 15 seconds."),
]


def create(ctx: typer.Context, limit: FillLimit) -> None:
    """Examples:
      predmarket order group create 100
      predmarket order place will-it-rain-tomorrow buy 10 --price 0.60 --group 4

    Make an order group. When more than LIMIT of its orders fills within 15 seconds, its open
    orders are cancelled, and it takes none until it is reset.
    """
    line = context.of(ctx)
    limit = number(limit, QTY, "LIMIT")
    with line.client() as client:
        line.output.record(order_layouts.ORDER_GROUP, client.create_order_group(limit))


def list_groups(ctx: typer.Context, *, ids: arguments.Ids = False) -> None:
    """Examples:
      predmarket order group list

    List your order groups, the oldest first.
    """
    show_list(context.of(ctx), order_layouts.ORDER_GROUP, calls.order_groups(), ids=ids)


def show(ctx: typer.Context, group_id: GroupId) -> None:
    """Examples:
      predmarket order group show 4
      predmarket order list --group 4

    Show one order group.
    """
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(order_layouts.ORDER_GROUP, client.order_group(group_id))


def update(ctx: typer.Context, group_id: GroupId, limit: FillLimit) -> None:
    """Examples:
      predmarket order group update 4 25

    Change a group's limit. A group that has filled more than it trips.
    """
    line = context.of(ctx)
    limit = number(limit, QTY, "LIMIT")
    with line.client() as client:
        line.output.record(order_layouts.ORDER_GROUP, client.update_order_group(group_id, limit))


def reset(ctx: typer.Context, group_id: GroupId) -> None:
    """Examples:
      predmarket order group reset 4

    Let a group take orders again, with nothing counted.
    """
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(order_layouts.ORDER_GROUP, client.reset_order_group(group_id))


def trigger(ctx: typer.Context, group_id: GroupId) -> None:
    """Examples:
      predmarket order group trigger 4

    Trip a group: its open orders are cancelled, and it takes none until it is reset.
    """
    line = context.of(ctx)
    with line.client() as client:
        line.output.record(order_layouts.ORDER_GROUP, client.trigger_order_group(group_id))


def delete(ctx: typer.Context, group_id: GroupId) -> None:
    """Examples:
      predmarket order group delete 4

    Cancel a group's open orders and delete it.
    """
    line = context.of(ctx)
    with line.client() as client:
        client.delete_order_group(group_id)
    line.output.note(f"order group {group_id} is deleted")
