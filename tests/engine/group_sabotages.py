"""Deliberate mistakes in order groups, and for each the test that must catch it."""

from tests.support.sabotage import Sabotage

GROUPS = "predmarket/engine/order_groups.py"
GROUP = "predmarket/engine/order_group.py"
REGISTRY = "predmarket/engine/group_registry.py"
ORDERS = "predmarket/engine/orders.py"
SWEEPS = "predmarket/engine/sweeps.py"
WAITS = "predmarket/engine/waits.py"
SNAPSHOT = "predmarket/engine/snapshot.py"


def _test(name: str) -> str:
    return f"tests/engine/test_order_groups.py::test_{name}"


GROUP_SABOTAGES = (
    Sabotage(
        "a group trips at its limit",
        GROUP,
        "self.filled > self.limit",
        "self.filled >= self.limit",
        _test("the_limit_itself_may_be_filled"),
    ),
    Sabotage(
        "a fill counts a microsecond too long",
        REGISTRY,
        "fills[0][0] <= last",
        "fills[0][0] < last",
        _test("a_fill_counts_for_15_seconds"),
    ),
    Sabotage(
        "only makers count for their groups",
        SWEEPS,
        "        count_fill(state, taker.group, qty)\n",
        "        pass\n",
        _test("the_groups_own_order_as_the_taker"),
    ),
    Sabotage(
        "an amended order's fills trip nothing",
        ORDERS,
        "    if state.tripped:\n        cancel_tripped(state, market.id, unfinished)\n"
        "    return OrderDone(record(order), fills, unfinished)\n\n\ndef _amended",
        "    return OrderDone(record(order), fills, unfinished)\n\n\ndef _amended",
        _test("an_amend_that_trades_can_trip_the_group"),
    ),
    Sabotage(
        "what was filled before a reset counts after it",
        GROUPS,
        "    group.counts_after, group.filled = state.last_trade_id, 0\n",
        "    group.counts_after = state.last_trade_id\n",
        _test("a_reset_begins_anew"),
    ),
    Sabotage(
        "fills before a reset are taken off after it",
        GROUP,
        "self.status is _ACTIVE and trade_id > self.counts_after",
        "self.status is _ACTIVE",
        _test("a_reset_begins_anew"),
    ),
    Sabotage(
        "anybody's group takes an order",
        GROUPS,
        "group if group is not None and group.user_id == user_id else None",
        "group",
        _test("another_users_group_is_not_there"),
    ),
    Sabotage(
        "an account does not wait for its groups' orders",
        WAITS,
        "    for key in (account_key(user_id), group_key(user_id)):\n",
        "    for key in (account_key(user_id),):\n",
        _test("a_groups_orders_end_in_steps"),
    ),
    Sabotage(
        "a group's orders end amid the sweep that tripped it",
        GROUPS,
        "after_market=market_id if unfinished else 0",
        "after_market=0",
        _test("a_sweep_ends_before_the_group_it_tripped"),
    ),
    Sabotage(
        "the fills of a step leave its room for cancelling whole",
        GROUPS,
        "        room = max(0, steps.STEP - _handled(state))\n",
        "        room = steps.STEP\n",
        _test("a_step_fills_and_cancels_within_its_bound"),
    ),
    Sabotage(
        "a deleted group keeps its place among the account's groups",
        REGISTRY,
        "        self.of_user[group.user_id] -= 1\n",
        "",
        _test("an_account_has_at_most_so_many_groups"),
    ),
    Sabotage(
        "the state's bytes leave out what counts for groups",
        SNAPSHOT,
        "        sorted(groups.counted(state.now)),\n",
        "",
        _test("the_snapshot_sees_groups"),
    ),
)
