"""The reference's abstract commands as the engine's, and the engine's events as the reference's.

Text amounts are parsed by predmarket.units here and by the reference's own code there, so the
spelling of numbers is compared too.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from predmarket.engine import commands, events
from predmarket.engine.commands import Command
from predmarket.engine.replies import Refused, Reply
from predmarket.enums import (
    EventOutcome,
    MarketStatus,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from predmarket.units import (
    format_money,
    format_price,
    format_qty,
    parse_money,
    parse_price,
    parse_qty,
    parse_rate,
    parse_tick,
)
from predmarket.units import parse as parse_units

PRICE_DECIMALS = 4

Abstract = Mapping[str, Any]
EventTuple = tuple[str | int, ...]


def to_command(abstract: Abstract, markets_so_far: int) -> Command:
    """Return the engine's command for an abstract one of the reference."""
    match abstract["op"]:
        case "open_account":
            return commands.OpenAccount(abstract["user"], parse_money(abstract["credit"]))
        case "transfer":
            amount = parse_money(abstract["amount"])
            return commands.Transfer(abstract["user"], amount, "test", actor_id=1)
        case "create_market" | "update_market" | "resolve":
            return _market_command(abstract, markets_so_far)
        case "create_event" | "update_event" | "add_market" | "resolve_event":
            return _event_command(abstract, markets_so_far)
        case "place":
            return _place(abstract)
        case "amend":
            price, qty = abstract["price"], abstract["qty"]
            return commands.AmendOrder(
                abstract["user"],
                abstract["order"],
                None if price is None else parse_price(price),
                None if qty is None else parse_qty(qty),
            )
        case "cancel":
            return commands.CancelOrder(abstract["user"], abstract["order"], abstract["admin"])
        case "cancel_all":
            side = abstract["side"]
            return commands.CancelAll(
                abstract["user"],
                abstract["market"],
                None if side is None else Side(side),
                event_id=abstract["event"],
            )
        case "create_group" | "set_group_limit" | "reset_group" | "trigger_group" | "delete_group":
            return _group_command(abstract)
        case "disconnect" | "cancel_after":
            return _ending_command(abstract)
        case "propose" | "confirm" | "withdraw":
            return _proposal_command(abstract, markets_so_far)
        case other:
            raise ValueError(f"no such command: {other!r}")


def _ending_command(abstract: Abstract) -> Command:
    if abstract["op"] == "disconnect":
        return commands.Disconnect(abstract["gateway"], abstract["connection"], abstract["user"])
    return commands.CancelAfter(abstract["user"], abstract["seconds"])


def _proposal_command(abstract: Abstract, markets_so_far: int) -> Command:
    if abstract["op"] == "propose":
        resolution = to_command(abstract["resolution"], markets_so_far)
        assert isinstance(resolution, commands.ResolveMarket | commands.ResolveEvent)
        resolution = msgspec.structs.replace(resolution, actor_id=abstract["actor"])
        return commands.ProposeResolution(resolution, abstract["at"], abstract["by_two"])
    confirms = abstract["op"] == "confirm"
    kind = commands.ConfirmProposal if confirms else commands.WithdrawProposal
    return kind(abstract["market"], abstract["event"], abstract["actor"])


def _market_command(abstract: Abstract, markets_so_far: int) -> Command:
    if abstract["op"] == "create_market":
        return commands.CreateMarket(
            slug=f"market-{markets_so_far + 1}",
            question="?",
            description="",
            tick=parse_tick(abstract["tick"]),
            maker_rate=parse_rate(abstract["maker_fee"]),
            taker_rate=parse_rate(abstract["taker_fee"]),
            closes_at=abstract["closes_at"],
            status=MarketStatus(abstract["status"]),
            creator_id=1,
        )
    if abstract["op"] == "update_market":
        status = abstract["status"]
        return commands.UpdateMarket(
            abstract["market"],
            None if status is None else MarketStatus(status),
            sets_closes_at="closes_at" in abstract,
            closes_at=abstract.get("closes_at"),
        )
    price = abstract["price"]
    return commands.ResolveMarket(
        abstract["market"],
        Outcome(abstract["outcome"]),
        None if price is None else parse_units(price, PRICE_DECIMALS),
    )


def _event_command(abstract: Abstract, markets_so_far: int) -> Command:
    match abstract["op"]:
        case "create_event":
            # No two events begin at the same number, as each has markets of its own.
            first = markets_so_far + 1
            numbers = range(first, first + abstract["markets"])
            return commands.CreateEvent(
                slug=f"event-{first}",
                title="?",
                description="",
                exhaustive=abstract["exhaustive"],
                tick=parse_tick(abstract["tick"]),
                maker_rate=parse_rate(abstract["maker_fee"]),
                taker_rate=parse_rate(abstract["taker_fee"]),
                closes_at=abstract["closes_at"],
                status=MarketStatus(abstract["status"]),
                creator_id=1,
                markets=tuple(commands.EventMarket(f"market-{id}", "?") for id in numbers),
            )
        case "update_event":
            status = abstract["status"]
            return commands.UpdateEvent(
                abstract["event"],
                None if status is None else MarketStatus(status),
                sets_closes_at="closes_at" in abstract,
                closes_at=abstract.get("closes_at"),
            )
        case "add_market":
            slug = f"market-{markets_so_far + 1}"
            return commands.AddMarket(abstract["event"], slug, "?", actor_id=1)
    outcome = abstract["outcome"]
    if isinstance(outcome, int):
        return commands.ResolveEvent(abstract["event"], EventOutcome.WINNER, market_id=outcome)
    weights = tuple(
        (named, parse_units(price, PRICE_DECIMALS)) for named, price in abstract["weights"] or ()
    )
    return commands.ResolveEvent(abstract["event"], EventOutcome(outcome), weights=weights)


def _group_command(abstract: Abstract) -> Command:
    user = abstract["user"]
    match abstract["op"]:
        case "create_group":
            return commands.CreateOrderGroup(user, parse_qty(abstract["limit"]))
        case "set_group_limit":
            limit = parse_qty(abstract["limit"])
            return commands.SetOrderGroupLimit(user, abstract["group"], limit)
        case "reset_group":
            return commands.ResetOrderGroup(user, abstract["group"])
        case "trigger_group":
            return commands.TriggerOrderGroup(user, abstract["group"])
    return commands.DeleteOrderGroup(user, abstract["group"])


def _place(abstract: Abstract) -> commands.PlaceOrder:
    price, slippage = abstract["price"], abstract["max_slippage"]
    return commands.PlaceOrder(
        user_id=abstract["user"],
        market_id=abstract["market"],
        side=Side(abstract["side"]),
        type=OrderType(abstract["type"]),
        price=None if price is None else parse_price(price),
        qty=parse_qty(abstract["qty"]),
        tif=TimeInForce(abstract["tif"]),
        expires_at=abstract["expires_at"],
        post_only=abstract["post_only"],
        reduce_only=abstract["reduce_only"],
        max_slippage=None if slippage is None else parse_units(slippage, PRICE_DECIMALS),
        stp=SelfTradePrevention(abstract["stp"]),
        deadline=abstract["deadline"],
        as_admin=True,
        connection=abstract.get("connection"),
        max_open_orders=abstract.get("max_open_orders"),
        order_group_id=abstract.get("group"),
    )


def to_tuples(happened: Iterable[events.Event]) -> list[EventTuple]:
    """Return the events in the reference's form, without kinds that the reference lacks."""
    return [row for event in happened if (row := _to_tuple(event)) is not None]


def refusal(reply: Reply) -> list[EventTuple]:
    """Return the reference's notice for a refusal without an order record."""
    if isinstance(reply, Refused) and reply.order_id is None:
        return [("REFUSED", reply.code.value)]
    return []


def _to_tuple(event: events.Event) -> EventTuple | None:
    match event:
        case events.OrderAccepted(order_id=id):
            return (event.type, id)
        case events.OrderRejected(order_id=id, code=code):
            return (event.type, id, code.value)
        case events.OrderPartiallyFilled() | events.OrderFilled():
            return (event.type, event.order_id, format_qty(event.qty_filled))
        case events.OrderCanceled(order_id=id, reason=reason):
            return (event.type, id, reason.value)
        case events.OrderAmended(order_id=id, price=price, qty=qty):
            return (event.type, id, format_price(price), format_qty(qty))
        case events.Match():
            return _match(event)
        case events.Merged(user_id=user, market_id=market, qty=qty):
            return (event.type, user, market, format_qty(qty))
        case events.AccountOpened(user_id=user):
            return (event.type, user)
        case events.Transferred(user_id=user, amount=amount):
            return (event.type, user, format_money(amount))
        case events.MarketChanged(new_status=True):
            return ("MARKET_STATUS", event.market_id, event.status.value)
        case events.OrderGroupChanged(group=group, change=change):
            return ("GROUP", group.id, change.value)
        case _:
            return None  # book deltas, payouts and changes of detail: the mirror checks those


def _match(event: events.Match) -> EventTuple:
    return (
        event.type,
        event.trade_id,
        event.buy_order_id,
        event.sell_order_id,
        format_price(event.price),
        format_qty(event.qty),
        event.taker_side.value,
        format_money(event.buy_fee),
        format_money(event.sell_fee),
    )
