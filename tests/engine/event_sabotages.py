"""Deliberate mistakes in the engine's code for events, and the test that must catch each."""

from tests.support.sabotage import Sabotage

EVENT_LIFECYCLE = "predmarket/engine/event_lifecycle.py"
LEDGER = "predmarket/engine/ledger.py"
LIFECYCLE = "predmarket/engine/lifecycle.py"
ORDERS = "predmarket/engine/orders.py"
PAYOUTS = "predmarket/engine/payouts.py"
POSITION = "predmarket/engine/position.py"
SNAPSHOT = "predmarket/engine/snapshot.py"
SWEEPS = "predmarket/engine/sweeps.py"
WAITS = "predmarket/engine/waits.py"


def _test(module: str, name: str) -> str:
    return f"tests/engine/test_{module}.py::test_{name}"


EVENT_SABOTAGES = (
    Sabotage(
        "an outcome without a position is no part of a set",
        POSITION,
        "        if least > 0 and len(self.nets) < outcomes:\n",
        "        if False:\n",
        _test("event_orders", "the_whole_set_bought_is_not_held_while_none_may_happen"),
    ),
    Sabotage(
        "an outcome without a position is no part of NO",
        POSITION,
        "        if least > 0 and counted < outcomes - 1:\n",
        "        if False:\n",
        _test("event_orders", "an_outcome_without_a_position_counts_as_none_held"),
    ),
    Sabotage(
        "NONE counts in an exhaustive event",
        POSITION,
        "        if least > 0 and len(self.nets) < outcomes:\n",
        "        if least > 0:\n",
        _test("worked_examples_of_events", "example_10"),
    ),
    Sabotage(
        "NO of a market holds a share of that market",
        POSITION,
        "            if position.free_net == least:\n",
        "            if False:\n",
        _test("event_orders", "a_closing_sell_is_no_part_of_no_of_its_own_market"),
    ),
    Sabotage(
        "the scarcest outcome stays the scarcest when it is bought",
        POSITION,
        "            elif before == least:\n                self._least = None\n",
        "",
        _test("event_orders", "a_fill_turns_a_position_and_reduces_once"),
    ),
    Sabotage(
        "a closing BUY reserves nothing",
        POSITION,
        "            self.reserved += qty\n            self._move(position, qty)\n",
        "            pass\n",
        _test("event_orders", "a_closing_buy_reserves_a_share_of_every_other_outcome"),
    ),
    Sabotage(
        "a closing SELL leaves NO of the others as it was",
        POSITION,
        "        else:\n            self._move(position, -qty)\n",
        "",
        _test("event_orders", "a_closing_sell_leaves_less_no_of_the_other_markets"),
    ),
    Sabotage(
        "a closing BUY keeps the base",
        POSITION,
        "            self.base -= closing\n",
        "            pass\n",
        _test("event_orders", "a_closing_buy_is_filled_from_the_base"),
    ),
    Sabotage(
        "a net position is reduced by the close part alone",
        POSITION,
        "        return held if held < qty else qty\n",
        "        return closing\n",
        _test("worked_examples_of_events", "example_8"),
    ),
    Sabotage(
        "a loaded position's reserves are forgotten",
        POSITION,
        "            self.reserved += position.reserved_no\n",
        "            pass\n",
        _test("event_orders", "a_holding_is_put_together_from_its_positions"),
    ),
    Sabotage(
        "sets of an event do not merge after a fill",
        SWEEPS,
        "        if position.holding is not None or (position.yes and position.no):\n",
        "        if position.yes and position.no:\n",
        _test("event_orders", "a_fill_that_completes_a_set_pays_it_back"),
    ),
    Sabotage(
        "a market of an event keeps its fees",
        LEDGER,
        "        (market.event or market).fees += fee\n",
        "        market.fees += fee\n",
        _test("event_orders", "fees_are_the_events"),
    ),
    Sabotage(
        "an event's bases may differ from its sets",
        LEDGER,
        "            if event.total_base != event.open_interest:\n",
        "            if False:\n",
        _test("event_lifecycle", "a_tampered_event_is_found"),
    ),
    Sabotage(
        "an event's collateral may differ from its sets",
        LEDGER,
        "            if event.collateral != event.open_interest * PRICE_ONE:\n",
        "            if False:\n",
        _test("event_lifecycle", "a_tampered_event_is_found"),
    ),
    Sabotage(
        "free sets may be left",
        LEDGER,
        "        if holding.reserved < 0 or holding.free_sets(event.outcomes):\n",
        "        if holding.reserved < 0:\n",
        _test("event_lifecycle", "a_tampered_event_is_found"),
    ),
    Sabotage(
        "reduce-only goes by the free shares in an event",
        ORDERS,
        "    if market.event is None:\n        return free\n",
        "    if market is not None:\n        return free\n",
        _test("event_orders", "reduce_only_goes_by_the_net_position_and_may_lock"),
    ),
    Sabotage(
        "reduce-only forgets the other orders of its side",
        ORDERS,
        "        left -= own.depth.total()\n",
        "        pass\n",
        _test("event_orders", "reduce_only_leaves_out_what_other_orders_of_the_side_do"),
    ),
    Sabotage(
        "reduce-only counts an amended order against itself",
        ORDERS,
        "    return left if order.level is None else left + order.remaining\n",
        "    return left\n",
        _test("event_orders", "reduce_only_caps_again_at_an_amend"),
    ),
    Sabotage(
        "an amend may reduce beyond 0",
        ORDERS,
        "        if qty <= order.filled:\n            return _nothing_to_reduce()\n",
        "",
        _test("event_orders", "reduce_only_caps_again_at_an_amend"),
    ),
    Sabotage(
        "a strike leaves the number of outcomes",
        PAYOUTS,
        "        event.outcomes -= 1\n",
        "        pass\n",
        _test("event_lifecycle", "a_strike_completes_sets_of_those_who_never_traded_it"),
    ),
    Sabotage(
        "a struck outcome still counts in sets",
        PAYOUTS,
        "        holding.strike(position)\n",
        "",
        _test("worked_examples_of_events", "example_11"),
    ),
    Sabotage(
        "a struck outcome pays",
        PAYOUTS,
        "            ledger.position(user_id, struck).end(0)\n",
        "            ledger.position(user_id, struck).end(PRICE_ONE)\n",
        _test("worked_examples_of_events", "example_11"),
    ),
    Sabotage(
        "a strike may leave one outcome",
        EVENT_LIFECYCLE,
        "    if event.outcomes - len(others) <= 2:\n",
        "    if event.outcomes - len(others) <= 1:\n",
        _test("event_lifecycle", "two_outcomes_stay"),
    ),
    Sabotage(
        "one market of an event resolves YES",
        EVENT_LIFECYCLE,
        "    if outcome is not Outcome.NO:\n",
        "    if outcome is Outcome.VOID:\n",
        _test("event_lifecycle", "only_the_event_decides"),
    ),
    Sabotage(
        "a strike forgets those behind the first accounts",
        PAYOUTS,
        "    return few or under_way.after >= state.ledger.user_ids[-1]\n",
        "    return True\n",
        _test("event_steps", "a_strike_goes_through_all_holders"),
    ),
    Sabotage(
        "weights need not add up",
        EVENT_LIFECYCLE,
        "    if not in_range or sum(prices) != PRICE_ONE or len(set(named)) != len(named):\n",
        "    if not in_range or len(set(named)) != len(named):\n",
        _test("event_lifecycle", "an_event_cannot_end_so"),
    ),
    Sabotage(
        "an exhaustive event ends in NONE",
        EVENT_LIFECYCLE,
        '        return _exhaustive("one market of it wins") if event.exhaustive else None\n',
        "        return None\n",
        _test("event_lifecycle", "an_event_cannot_end_so"),
    ),
    Sabotage(
        "two markets of an event have one slug",
        EVENT_LIFECYCLE,
        "        if slug in state.slugs or slug in slugs[:number]:\n",
        "        if slug in state.slugs:\n",
        _test("event_lifecycle", "an_event_is_created_whole_or_not"),
    ),
    Sabotage(
        "a market is added to an exhaustive event",
        EVENT_LIFECYCLE,
        "    if event.exhaustive:\n",
        "    if False:\n",
        _test("event_lifecycle", "what_takes_no_further_market"),
    ),
    Sabotage(
        "a 201st market is added",
        EVENT_LIFECYCLE,
        "    if len(event.market_ids) >= MAX_EVENT_MARKETS:\n",
        "    if len(event.market_ids) > MAX_EVENT_MARKETS:\n",
        _test("event_lifecycle", "what_takes_no_further_market"),
    ),
    Sabotage(
        "the base is not paid",
        PAYOUTS,
        "    return base * PRICE_ONE + nets\n",
        "    return nets\n",
        _test("worked_examples_of_events", "example_9"),
    ),
    Sabotage(
        "a VOID leaves what a struck market realized",
        PAYOUTS,
        "    left = [p for p in positions if p.yes or p.no or (void and p.realized)]\n",
        "    left = [p for p in positions if p.yes or p.no]\n",
        _test("event_lifecycle", "a_void_undoes_struck_markets_too"),
    ),
    Sabotage(
        "users are settled beyond the bound of a step",
        PAYOUTS,
        "                if room < count and room < steps.STEP:\n",
        "                if room < 1:\n",
        _test("event_steps", "a_user_is_settled_whole"),
    ),
    Sabotage(
        "an event's later closing time leaves its markets",
        LIFECYCLE,
        "own != closes_at and (own == before or late)",
        "own != closes_at and late",
        _test("event_lifecycle", "a_market_closes_with_its_event_or_earlier"),
    ),
    Sabotage(
        "a market of an event closes after it",
        LIFECYCLE,
        "        elif latest is not None and closes_at >= latest:\n",
        "        elif False:\n",
        _test("event_lifecycle", "a_market_closes_with_its_event_or_earlier"),
    ),
    Sabotage(
        "an event's steps do not hold its markets",
        WAITS,
        "    key = event_key(market.event.id)\n    return key if key in state.unfinished",
        "    key = event_key(market.event.id)\n    return key if False",
        _test("event_steps", "what_waits_for_an_event"),
    ),
    Sabotage(
        "a strike waits for its own market alone",
        WAITS,
        "    commands.ResolveMarket: lambda s, c: _ending(s, c.market_id),\n",
        "    commands.ResolveMarket: lambda s, c: _market(s, c.market_id),\n",
        _test("event_steps", "an_event_waits_for_each_of_its_markets"),
    ),
    Sabotage(
        "a snapshot leaves out events",
        SNAPSHOT,
        "    if state.market_events:\n",
        "    if False:\n",
        _test("event_steps", "the_snapshot_sees_what_is_held_of_an_event"),
    ),
)
