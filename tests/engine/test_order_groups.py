"""Order groups: what trips a group, and what happens to its orders.

Source: docs/market_rules.md, Order groups. A makes groups, B and C trade with their orders.
"""

import pytest

from predmarket.engine import steps
from predmarket.engine.commands import (
    CancelAfter,
    CancelAll,
    CreateOrderGroup,
    DeleteOrderGroup,
    PlaceOrder,
    ResetOrderGroup,
    SetOrderGroupLimit,
    TriggerOrderGroup,
)
from predmarket.engine.events import Match, OrderCanceled, OrderGroupChanged
from predmarket.engine.replies import Canceled, OrderGroupDone, Refused
from predmarket.engine.snapshot import snapshot
from predmarket.engine.steps import GroupSteps, TrippedGroup, decode, encode
from predmarket.enums import (
    ErrorCode,
    OrderGroupChange,
    OrderGroupStatus,
    OrderType,
    Side,
    TimeInForce,
)
from predmarket.units import MAX_ORDER_GROUPS, parse_price, parse_qty
from tests.engine.desk import SECOND, A, B, C, Desk, code, placed

GROUP = ("GROUP",)
TRIPPED = ("GROUP", 1, "TRIPPED")


def group(desk: Desk, limit: str, user: int = A) -> int:
    """Create a group and return its id."""
    reply = desk.apply(CreateOrderGroup(user, parse_qty(limit)))
    assert isinstance(reply, OrderGroupDone)
    return reply.group.id


def quotes(desk: Desk, *prices: str, limit: str = "10", qty: str = "6") -> int:
    """Create a group with asks at these prices and return its id."""
    made = group(desk, limit)
    for price in prices:
        desk.place(A, "SELL", qty, price, group=made)
    return made


def status(desk: Desk, id: int = 1) -> OrderGroupStatus:
    """Return a group's status."""
    return desk.exchange.state.order_groups.by_id[id].status


def ended(desk: Desk) -> list[int]:
    """Return the orders that the last command cancelled because of their group."""
    return [int(row[1]) for row in desk.rows if row[2:] == GROUP]


@pytest.fixture
def desk() -> Desk:
    """Return a desk with A, B, C and a market."""
    return Desk()


# --- worked examples ----------------------------------------------------------------------------


def test_fills_above_the_limit_trip_the_group(desk: Desk) -> None:
    """With limit 10, two fills of 6 trip the group, and its third ask of 6 is cancelled."""
    quotes(desk, "0.50", "0.51", "0.52")
    desk.place(B, "BUY", "6", "0.50")
    assert status(desk) is OrderGroupStatus.ACTIVE
    desk.place(C, "BUY", "6", "0.51")
    assert desk.rows[-2:] == [TRIPPED, ("ORDER_CANCELED", 3, "GROUP")]
    assert desk.book() == ([], [])
    assert desk.money(A) == ("94.060000", "0.000000")
    assert code(desk.place(A, "SELL", "1", "0.60", group=1)) == "GROUP_TRIPPED"
    desk.apply(ResetOrderGroup(A, 1))
    placed(desk.place(A, "SELL", "6", "0.60", group=1))
    desk.place(B, "BUY", "6", "0.60")
    assert status(desk) is OrderGroupStatus.ACTIVE  # counted since the reset


def test_the_limit_itself_may_be_filled(desk: Desk) -> None:
    """Fills of exactly the limit do not trip; a hundredth of a contract more does."""
    quotes(desk, "0.50", "0.51", limit="10", qty="10")
    desk.place(B, "BUY", "10", "0.50")
    assert status(desk) is OrderGroupStatus.ACTIVE
    desk.place(B, "BUY", "0.01", "0.51")
    assert ended(desk) == [2]


def test_a_fill_counts_for_15_seconds(desk: Desk) -> None:
    """A fill counts for just under 15 s, to the microsecond."""
    for wait, tripped in ((15 * SECOND, False), (15 * SECOND - 1, True)):
        desk = Desk()
        quotes(desk, "0.50", "0.51", "0.52")
        desk.place(B, "BUY", "6", "0.50")
        desk.now += wait
        desk.place(B, "BUY", "6", "0.51")
        assert (status(desk) is OrderGroupStatus.TRIPPED) is tripped


def test_one_incoming_order_is_never_cut_off(desk: Desk) -> None:
    """With limit 5, B's order still fills three asks of 6; then the fourth is cancelled."""
    quotes(desk, "0.50", "0.51", "0.52", "0.53", limit="5")
    order = placed(desk.place(B, "BUY", "18", "0.52", tif="FOK"))
    assert order.filled == parse_qty("18")
    assert ended(desk) == [4]


def test_the_groups_own_order_as_the_taker(desk: Desk) -> None:
    """A taker's fills count for its group; the reply shows its remainder cancelled."""
    made = quotes(desk, "0.90", limit="5")
    desk.place(B, "SELL", "6", "0.50")
    order = placed(desk.place(A, "BUY", "10", "0.50", group=made))
    assert (order.status.value, order.reason, order.filled) == ("CANCELED", "GROUP", 600)
    assert order.order_group_id == made
    assert ended(desk) == [1, 3]  # by time priority
    assert desk.book() == ([], [])


def test_an_amend_that_trades_can_trip_the_group(desk: Desk) -> None:
    """An amended order stays in its group; the reply of one that trips shows it cancelled."""
    made = quotes(desk, "0.90", limit="5")
    desk.place(B, "BUY", "6", "0.40")
    order = placed(desk.place(A, "SELL", "20", "0.50", group=made))
    amended = placed(desk.amend(A, order.id, "0.40", None))
    assert (amended.status.value, amended.reason, amended.filled) == ("CANCELED", "GROUP", 600)
    assert ended(desk) == [1, order.id]


def test_fills_of_all_markets_count_together(desk: Desk) -> None:
    """A group spans markets; tripping cancels its orders in each of them."""
    desk.create()
    made = quotes(desk, "0.50", "0.60")
    desk.place(A, "SELL", "6", "0.50", market=2, group=made)
    desk.place(A, "SELL", "6", "0.60", market=2, group=made)
    desk.place(B, "BUY", "6", "0.50")
    desk.place(B, "BUY", "6", "0.50", market=2)
    assert ended(desk) == [2, 4]


def test_one_sweep_trips_groups_of_several_users(desk: Desk) -> None:
    """The group that exceeds its limit first is cancelled first."""
    quotes(desk, "0.51", "0.60", limit="5")
    group(desk, "5", C)
    desk.place(C, "SELL", "6", "0.50", group=2)
    desk.place(C, "SELL", "6", "0.60", group=2)
    desk.place(B, "BUY", "12", "0.51")
    assert ended(desk) == [4, 2]
    assert [row for row in desk.rows if row[0] == "GROUP"] == [("GROUP", 2, "TRIPPED"), TRIPPED]


# --- changes ------------------------------------------------------------------------------------


def test_a_new_limit_below_what_is_filled_trips(desk: Desk) -> None:
    """A limit below the fills of the last 15 s trips; a tripped group stays tripped."""
    quotes(desk, "0.50", "0.60")
    desk.place(B, "BUY", "5", "0.50")
    reply = desk.apply(SetOrderGroupLimit(A, 1, parse_qty("5")))
    assert isinstance(reply, OrderGroupDone)
    assert reply.group.status is OrderGroupStatus.ACTIVE
    desk.apply(SetOrderGroupLimit(A, 1, parse_qty("4.99")))
    assert status(desk) is OrderGroupStatus.TRIPPED
    assert ended(desk) == [1, 2]
    desk.apply(SetOrderGroupLimit(A, 1, parse_qty("100")))
    assert status(desk) is OrderGroupStatus.TRIPPED
    late = Desk()
    quotes(late, "0.50", "0.60")
    late.place(B, "BUY", "5", "0.50")
    late.now += 15 * SECOND
    late.apply(SetOrderGroupLimit(A, 1, parse_qty("1")))
    assert status(late) is OrderGroupStatus.ACTIVE


def test_a_reset_begins_anew(desk: Desk) -> None:
    """Fills before a reset no longer count, and their expiry subtracts nothing."""
    made = quotes(desk, "0.50", "0.51", "0.52", "0.53")
    desk.place(B, "BUY", "6", "0.50")
    desk.now += 5 * SECOND
    desk.apply(ResetOrderGroup(A, made))
    desk.place(B, "BUY", "6", "0.51")
    assert status(desk) is OrderGroupStatus.ACTIVE
    desk.now += 10 * SECOND
    desk.place(B, "BUY", "5", "0.52")
    assert ended(desk) == [3, 4]


def test_a_trigger_cancels_and_a_second_one_changes_nothing(desk: Desk) -> None:
    """A trigger cancels the group's orders only; a second one changes nothing."""
    desk.place(A, "SELL", "1", "0.90")
    quotes(desk, "0.50", "0.60")
    desk.apply(TriggerOrderGroup(A, 1))
    assert ended(desk) == [2, 3]
    assert desk.queue() == [1]
    assert isinstance(desk.apply(TriggerOrderGroup(A, 1)), OrderGroupDone)
    assert desk.events == []


def test_deleting_cancels_and_the_id_never_comes_again(desk: Desk) -> None:
    """Deleting cancels the orders; the group is unknown then, and its id is not reused."""
    quotes(desk, "0.50", "0.60")
    desk.apply(DeleteOrderGroup(A, 1))
    assert ended(desk) == [1, 2]
    told = [event for event in desk.events if isinstance(event, OrderGroupChanged)]
    assert [event.change for event in told] == [OrderGroupChange.DELETED]
    assert told[0].group.status is OrderGroupStatus.DELETED
    assert code(desk.apply(DeleteOrderGroup(A, 1))) == "ORDER_GROUP_NOT_FOUND"
    assert code(desk.place(A, "SELL", "1", "0.50", group=1)) == "ORDER_GROUP_NOT_FOUND"
    assert group(desk, "1") == 2


def test_another_users_group_is_not_there(desk: Desk) -> None:
    """Another user's group gives NOT_FOUND, for changes and for orders."""
    group(desk, "10")
    for command in (
        SetOrderGroupLimit(B, 1, 1),
        ResetOrderGroup(B, 1),
        TriggerOrderGroup(B, 1),
        DeleteOrderGroup(B, 1),
    ):
        assert code(desk.apply(command)) == "ORDER_GROUP_NOT_FOUND"
    assert code(desk.place(B, "BUY", "1", "0.50", group=1)) == "ORDER_GROUP_NOT_FOUND"
    assert status(desk) is OrderGroupStatus.ACTIVE


def test_an_account_has_at_most_so_many_groups(desk: Desk) -> None:
    """The number of groups is limited per account; deleting one makes room."""
    for _ in range(MAX_ORDER_GROUPS):
        group(desk, "1")
    assert code(desk.apply(CreateOrderGroup(A, 100))) == "LIMIT_EXCEEDED"
    group(desk, "1", B)
    desk.apply(DeleteOrderGroup(A, 5))
    group(desk, "1")
    assert code(desk.apply(CreateOrderGroup(99, 100))) == "USER_NOT_FOUND"


def test_the_order_of_refusals(desk: Desk) -> None:
    """A tripped group is refused after the open-order limit, before post-only, FOK and funds."""
    desk.place(B, "SELL", "1", "0.50")
    group(desk, "10")
    desk.apply(TriggerOrderGroup(A, 1))
    crossing = desk.place(A, "BUY", "1", "0.50", group=1, post_only=True)
    assert code(crossing) == "GROUP_TRIPPED"
    assert isinstance(crossing, Refused)
    assert crossing.details == {"orderGroupId": 1}
    assert code(desk.place(A, "BUY", "9", "0.50", group=1, tif="FOK")) == "GROUP_TRIPPED"
    assert code(desk.place(A, "BUY", "1000", "0.50", group=1)) == "GROUP_TRIPPED"
    assert code(desk.place(A, "BUY", "1", "0.505", group=1)) == "PRICE_OFF_TICK"
    too_many = desk.place(A, "BUY", "1", "0.40", group=1, max_open_orders=0)
    assert code(too_many) == ErrorCode.TOO_MANY_OPEN_ORDERS.value


def test_other_ends_are_as_of_any_order(desk: Desk) -> None:
    """A dead-man switch and a closing cancel a group's orders and leave it active."""
    made = quotes(desk, "0.50")
    desk.apply(CancelAfter(A, 1))
    desk.run_due(desk.now + SECOND)
    assert desk.rows == [("ORDER_CANCELED", 1, "DEADMAN")]
    desk.place(A, "SELL", "1", "0.50", group=made)
    desk.status("CLOSED")
    assert ("ORDER_CANCELED", 2, "MARKET_CLOSED") in desk.rows
    assert status(desk) is OrderGroupStatus.ACTIVE


# --- steps --------------------------------------------------------------------------------------


def test_a_groups_orders_end_in_steps(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    """A trigger cancels a group's orders in steps; the account's commands wait meanwhile."""
    monkeypatch.setattr(steps, "STEP", 2)
    quotes(desk, "0.50", "0.51", "0.52", "0.53", "0.54", limit="5")
    desk.exchange.apply(desk.now, TriggerOrderGroup(A, 1))
    assert list(desk.exchange.state.unfinished) == ["groups/1"]
    for command in (CreateOrderGroup(A, 1), ResetOrderGroup(A, 1), CancelAll(A)):
        assert desk.exchange.waits_for(command) == "groups/1"
    assert desk.exchange.waits_for(CancelAll(B)) is None
    taken = []
    while (step := desk.exchange.next_step()) is not None:
        reply, _ = desk.exchange.apply(desk.now, step)
        assert isinstance(reply, Canceled)
        taken.append(reply.order_ids)
    assert taken == [(3, 4), (5,)]


def test_a_step_fills_and_cancels_within_its_bound(
    monkeypatch: pytest.MonkeyPatch, desk: Desk
) -> None:
    """A step of three has two fills and one cancel."""
    quotes(desk, "0.50", "0.51", "0.52", "0.53", limit="6")
    monkeypatch.setattr(steps, "STEP", 3)
    _, events = desk.exchange.apply(desk.now, _buy("12"))
    handled = [event for event in events if isinstance(event, (Match, OrderCanceled))]
    assert len(handled) == 3
    assert list(desk.exchange.state.unfinished) == ["groups/1"]


def _buy(qty: str) -> PlaceOrder:
    side, tif = Side.BUY, TimeInForce.GTC
    return PlaceOrder(B, 1, side, OrderType.LIMIT, parse_price("0.51"), parse_qty(qty), tif)


def test_a_sweep_ends_before_the_group_it_tripped(
    monkeypatch: pytest.MonkeyPatch, desk: Desk
) -> None:
    """A group trips at a sweep's first step; its other orders end after the last step."""
    monkeypatch.setattr(steps, "STEP", 1)
    desk.create()
    made = quotes(desk, "0.50", limit="5")
    desk.place(A, "SELL", "6", "0.50", market=2, group=made)
    for price in ("0.51", "0.52"):
        desk.place(C, "SELL", "6", price)
    desk.place(B, "BUY", "18", "0.52")
    assert [row[0] for row in desk.rows if row[0] in ("MATCH", "GROUP", "ORDER_CANCELED")] == [
        "MATCH", "GROUP", "MATCH", "MATCH", "ORDER_CANCELED",
    ]  # fmt: skip
    assert ended(desk) == [2]


def test_groups_of_one_account_end_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, desk: Desk
) -> None:
    """A group that trips while another of its account ends is appended to the record."""
    monkeypatch.setattr(steps, "STEP", 2)
    quotes(desk, "0.50", "0.60", "0.61", limit="5")
    group(desk, "5")
    for price in ("0.51", "0.62", "0.63"):
        desk.place(A, "SELL", "6", price, group=2)
    desk.place(B, "BUY", "12", "0.51")
    assert ended(desk) == [2, 3, 5, 6]


def test_records_of_steps_are_stored() -> None:
    """The record of the groups' remaining orders is read back unchanged."""
    under_way = GroupSteps(A, [TrippedGroup(1, 7, False), TrippedGroup(2, 0, True)])
    assert decode(encode({under_way.key: under_way})) == {under_way.key: under_way}


def test_the_snapshot_sees_groups(desk: Desk) -> None:
    """The state has groups, their orders and the counting fills, without expired fills."""
    seen = [snapshot(desk.exchange.state)]

    def differs() -> bool:
        seen.append(snapshot(desk.exchange.state))
        return seen[-1] != seen[-2]

    quotes(desk, "0.50", "0.51")
    assert differs()
    desk.place(B, "BUY", "1", "0.50")
    assert b'"groups":[1,[[[1,1,1000,"ACTIVE",0,0],0]],[[0,1,1,100]]]' in snapshot(
        desk.exchange.state
    )
    desk.now += 15 * SECOND
    desk.transfer(B, "1")
    assert b'"groups":[1,[[[1,1,1000,"ACTIVE",0,0],0]],[]]' in snapshot(desk.exchange.state)
    assert differs()
    desk.apply(TriggerOrderGroup(A, 1))
    assert differs()
