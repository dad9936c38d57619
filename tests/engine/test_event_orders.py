"""Orders in an event: reserves, locks, merges, and the cap of reduce-only.

Source: docs/market_rules.md, Collateral, Events.
"""

import pytest

from predmarket.engine import steps
from predmarket.engine.position import Holding
from predmarket.engine.replies import Canceled, OrderDone, Refused
from predmarket.enums import ErrorCode
from predmarket.units import parse_qty
from tests.engine.desk import code, placed
from tests.engine.event_desk import EventDesk, W, X, Y, Z, after_example_6, after_example_7


def test_a_closing_buy_reserves_a_share_of_every_other_outcome() -> None:
    """The shares that a BUY reserves cannot be sold in another market until it ends."""
    desk = after_example_6()
    desk.order(X, "BUY", "10", "A", "0.30")
    assert (desk.cash(X), desk.locked(X)) == (["94.00"], "0.00")
    desk.order(X, "SELL", "10", "B", "0.90")
    assert desk.locked(X) == "1.00"
    desk.cancel_all(X)
    desk.order(X, "SELL", "10", "B", "0.90")
    assert desk.locked(X) == "0.00"


@pytest.mark.parametrize("step", [1, steps.STEP])
def test_the_orders_of_one_event_are_cancelled_together(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cancel-all of an event, also in steps, spares other markets, users and sides."""
    monkeypatch.setattr(steps, "STEP", step)
    desk = EventDesk()
    desk.place(X, "BUY", "1", "0.10", market=1)
    for letter in "BA":
        desk.order(X, "BUY", "1", letter, "0.10")
        desk.order(X, "SELL", "1", letter, "0.90")
        desk.order(Y, "BUY", "1", letter, "0.10")
    assert desk.cancel_all(X, market=1, event=1) == Canceled(())
    assert desk.cancel_all(X, event=2) == Canceled(())
    desk.cancel_all(X, side="SELL", event=1)
    assert sorted(desk.exchange.state.orders) == [1, 2, 4, 5, 7]
    desk.cancel_all(X, event=1)
    assert sorted(desk.exchange.state.orders) == [1, 4, 7]


def test_a_closing_sell_leaves_less_no_of_the_other_markets() -> None:
    """A reserved share of B reduces the free NO of A and of C, but not of B."""
    desk = after_example_6()
    desk.order(X, "SELL", "4", "B", "0.90")
    desk.order(X, "BUY", "10", "A", "0.30")
    assert desk.position(X, desk.id("A")).reserved_no == parse_qty("6")
    assert desk.locked(X) == "1.20"


def test_a_closing_sell_is_no_part_of_no_of_its_own_market() -> None:
    """The least of the other outcomes bounds a closing BUY; the market's own does not count."""
    desk = after_example_7()
    desk.order(X, "BUY", "4", "B", "0.30")
    assert desk.locked(X) == "1.20"  # without a share of A there is no NO of B
    desk.cancel_all(X)
    desk.trade(X, Y, "10", "A", "0.40")
    desk.order(X, "BUY", "4", "B", "0.30")
    assert desk.locked(X) == "0.00"


def test_reserved_shares_do_not_merge_until_they_are_free() -> None:
    """A reserved set does not merge; its release pays it back under the order's market."""
    desk = after_example_6()
    desk.order(X, "BUY", "10", "A", "0.30")
    desk.trade(X, Z, "4", "A", "0.45")
    assert [row for row in desk.rows if row[0] == "MERGED"] == []
    assert desk.cash(X) == ["92.20"]
    desk.cancel_all(X)
    assert [row for row in desk.rows if row[0] == "MERGED"] == [("MERGED", X, desk.id("A"), "4.00")]
    assert desk.cash(X) == ["96.20"]
    assert desk.holds(X) == {"B": "6", "C": "6", "NONE": "6"}


def test_a_closing_buy_is_filled_from_the_base() -> None:
    """A closing BUY gives one share of every other outcome and receives 1 - p for the set."""
    desk = after_example_6()
    desk.trade(X, Y, "10", "A", "0.30")
    assert desk.cash(X, Y) == ["101.00", "99.00"]
    assert desk.holds(X) == desk.holds(Y) == {}
    assert (desk.gain(X, "A"), desk.gain(Y, "A")) == ("1.00", "-1.00")
    assert (desk.collateral, desk.event.open_interest) == ("0.00", 0)


def test_a_fill_turns_a_position_and_reduces_once() -> None:
    """The close and open parts reduce the cost in one step; the rest opens at the same price."""
    desk = after_example_6()
    desk.trade(X, Z, "15", "A", "0.30")
    assert desk.net(X, "A") == "YES 5"
    assert desk.position(X, desk.id("A")).cost_yes == 1_500_000
    assert desk.gain(X, "A") == "1.00"
    assert desk.of("A").open_interest == parse_qty("15")
    assert desk.event.open_interest == parse_qty("15")


def test_a_basket_sold_in_every_market_costs_what_one_does() -> None:
    """NO of three exclusive markets costs as much as one, since at most one of them loses."""
    desk = EventDesk()
    for letter in "ABC":
        desk.trade(Y, X, "10", letter, "0.30")
    assert desk.cash(X) == ["99.00"]
    assert (desk.holds(X), desk.returned(X)) == ({"NONE": "10"}, "20.000000")


def test_a_fill_that_completes_a_set_pays_it_back() -> None:
    """A fill of an order placed before the other shares came merges the completed set."""
    desk = EventDesk(exhaustive=True)
    desk.order(X, "BUY", "10", "C", "0.25")
    desk.trade(X, Y, "10", "A", "0.40")
    desk.trade(X, Y, "6", "B", "0.30")
    desk.order(Z, "SELL", "10", "C", "0.25")
    assert [row for row in desk.rows if row[0] == "MERGED"] == [("MERGED", X, desk.id("C"), "6.00")]
    assert desk.cash(X) == ["97.70"]
    assert desk.holds(X) == {"A": "4", "C": "4"}


def test_the_whole_set_bought_is_not_held_while_none_may_happen() -> None:
    """YES of every market is no complete set in an event that is not exhaustive."""
    desk = EventDesk()
    for letter in "ABC":
        desk.trade(X, Y, "10", letter, "0.30")
    assert desk.cash(X) == ["91.00"]
    assert desk.holds(X) == {"A": "10", "B": "10", "C": "10"}


def test_an_outcome_without_a_position_counts_as_none_held() -> None:
    """An exhaustive event's set needs every outcome, positions or not."""
    desk = EventDesk(4, exhaustive=True)
    for letter in "ABC":
        desk.trade(X, Y, "10", letter, "0.20")
    assert desk.holds(X) == {"A": "10", "B": "10", "C": "10"}
    desk.order(X, "SELL", "10", "D", "0.30")
    desk.order(X, "BUY", "10", "A", "0.10")
    assert desk.locked(X) == "8.00"
    desk.cancel_all(X)
    desk.order(X, "BUY", "10", "D", "0.10")
    assert desk.locked(X) == "0.00"
    desk.cancel_all(X)
    desk.trade(X, Y, "4", "D", "0.20")
    assert desk.holds(X) == {"A": "6", "B": "6", "C": "6"}
    assert desk.event.holdings[X].base == -parse_qty("4")


def test_no_of_an_exhaustive_event_needs_no_none() -> None:
    """YES of all other outcomes is NO of one; a BUY of that one reserves it."""
    desk = EventDesk(exhaustive=True)
    desk.trade(X, Y, "10", "B", "0.30")
    desk.trade(X, Y, "10", "C", "0.30")
    desk.order(X, "BUY", "10", "A", "0.40")
    assert desk.locked(X) == "0.00"
    desk.order(Z, "SELL", "10", "A", "0.40")
    assert desk.cash(X) == ["100.00"]
    assert desk.holds(X) == {}
    assert desk.event.holdings[X].base == -parse_qty("10")


def test_a_funded_order_and_a_refused_one() -> None:
    """An order within the basket needs no cash; one lot more is refused."""
    desk = after_example_6()
    desk.transfer(X, "-94")
    assert code(desk.order(X, "SELL", "10.01", "B", "0.30")) == "INSUFFICIENT_FUNDS"
    assert placed(desk.order(X, "SELL", "10", "B", "0.30")).status == "OPEN"


def test_fees_are_the_events() -> None:
    """Fees go to the event; a VOID returns them."""
    desk = EventDesk(taker_fee="0.07")
    desk.order(X, "SELL", "10", "A", "0.50")
    desk.order(Y, "BUY", "10", "A", "0.50")
    assert desk.cash(Y) == ["94.825000"]
    assert (desk.event.fees, desk.of("A").fees) == (175_000, 0)
    assert desk.gain(Y, "A") == "-0.175000"
    desk.decide("VOID")
    assert desk.cash(X, Y) == ["100.00", "100.00"]
    assert desk.exchange.state.ledger.fees == 0


# --- reduce-only ---------------------------------------------------------------------------


def reduce(desk: EventDesk, user: int, side: str, qty: str, letter: str, price: str) -> object:
    """Place a reduce-only order."""
    return desk.place(user, side, qty, price, market=desk.id(letter), reduce_only=True)


def test_reduce_only_goes_by_the_net_position_and_may_lock() -> None:
    """Reduce-only caps at a net position of 0, and locks cash for shares held elsewhere."""
    desk = after_example_7()
    done = reduce(desk, X, "BUY", "25", "A", "0.40")
    assert isinstance(done, OrderDone)
    assert done.order.qty == parse_qty("10")
    assert desk.locked(X) == "4.00"


def test_reduce_only_leaves_out_what_other_orders_of_the_side_do() -> None:
    """The cap of reduce-only subtracts the user's other orders of that side."""
    desk = after_example_6()
    desk.order(X, "BUY", "4", "A", "0.20")
    done = reduce(desk, X, "BUY", "25", "A", "0.30")
    assert isinstance(done, OrderDone)
    assert done.order.qty == parse_qty("6")
    refused = reduce(desk, X, "BUY", "1", "A", "0.30")
    assert isinstance(refused, Refused)
    assert refused.code is ErrorCode.NOTHING_TO_REDUCE


@pytest.mark.parametrize(("user", "side"), [(X, "SELL"), (Y, "BUY"), (Z, "BUY"), (Z, "SELL")])
def test_reduce_only_needs_a_position_on_the_other_side(user: int, side: str) -> None:
    """Shares of B that come from NO of A are no position in B."""
    desk = after_example_6()
    for letter in "AB":
        refused = reduce(desk, user, side, "1", letter, "0.30")
        assert isinstance(refused, Refused)
        assert refused.code is ErrorCode.NOTHING_TO_REDUCE


def test_reduce_only_caps_again_at_an_amend() -> None:
    """An amend caps again by other orders, without the order's own remainder."""
    desk = after_example_6()
    first = reduce(desk, X, "BUY", "6", "A", "0.20")
    assert isinstance(first, OrderDone)
    done = placed(desk.amend(X, first.order.id, "0.21", "20"))
    assert done.qty == parse_qty("10")
    desk.order(X, "BUY", "7", "A", "0.20")
    done = placed(desk.amend(X, first.order.id, "0.22", None))
    assert done.qty == parse_qty("3")
    desk.order(X, "BUY", "3", "A", "0.20")
    assert code(desk.amend(X, first.order.id, "0.23", None)) == "NOTHING_TO_REDUCE"


# --- amends --------------------------------------------------------------------------------


def test_an_amend_takes_its_own_close_part_again() -> None:
    """An amend releases and reserves in one change, so nothing merges in between."""
    desk = after_example_6()
    order = placed(desk.order(X, "BUY", "10", "A", "0.30"))
    desk.trade(X, Z, "4", "A", "0.45")
    placed(desk.amend(X, order.id, "0.35", None))
    assert [row for row in desk.rows if row[0] == "MERGED"] == []
    assert desk.locked(X) == "0.00"


def test_an_amend_down_releases_the_open_part_first() -> None:
    """A smaller quantity releases the open part first; released shares merge."""
    desk = after_example_6()
    order = placed(desk.order(X, "BUY", "15", "A", "0.30"))
    desk.trade(X, Z, "4", "A", "0.45")
    assert desk.locked(X) == "1.50"
    desk.amend(X, order.id, None, "8")
    assert desk.locked(X) == "0.00"
    assert [row for row in desk.rows if row[0] == "MERGED"] == [("MERGED", X, desk.id("A"), "2.00")]


def test_a_fill_in_one_market_changes_no_other_position() -> None:
    """A fill changes one market's net position and cost; only the base is shared."""
    desk = after_example_7()
    before = desk.position(X, desk.id("A"))
    row = (before.yes, before.no, before.cost_no, before.realized)
    desk.trade(W, X, "5", "C", "0.20")
    after = desk.position(X, desk.id("A"))
    assert (after.yes, after.no, after.cost_no, after.realized) == row
    assert desk.holds(X) == {"C": "5", "NONE": "10"}


def test_a_holding_is_put_together_from_its_positions() -> None:
    """The base and the positions determine a holding, as a start of the core requires."""
    desk = after_example_7()
    desk.trade(X, Y, "4", "A", "0.40")
    desk.order(X, "BUY", "3", "B", "0.10")
    desk.order(X, "SELL", "1", "A", "0.90")
    desk.order(X, "SELL", "2", "C", "0.90")
    kept = desk.event.holdings[X]
    loaded = Holding(X, 1)
    loaded.base = kept.base
    for letter in "CAB":
        loaded.join(desk.position(X, desk.id(letter)))
    assert loaded.reserved == kept.reserved
    assert (loaded.nets, loaded.market_ids) == (kept.nets, kept.market_ids)
    struck = Holding(X, 1)
    struck.join(desk.position(X, desk.id("A")), struck=True)
    assert (struck.nets, struck.market_ids, struck.reserved) == ({}, [desk.id("A")], 0)
