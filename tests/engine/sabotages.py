"""Deliberate mistakes in the engine, and for each the test that must catch it.

A test suite proves as much as it catches. Each row changes one place, as a slip of the hand would;
tools/sabotage.py applies it to a copy and runs the named test, which must fail.
"""

from tests.engine.event_sabotages import EVENT_SABOTAGES
from tests.engine.group_sabotages import GROUP_SABOTAGES
from tests.engine.proposal_sabotages import PROPOSAL_SABOTAGES
from tests.support.sabotage import Sabotage

CANCELS = "predmarket/engine/cancels.py"
BOOK = "predmarket/engine/book.py"
EXCHANGE = "predmarket/engine/exchange.py"
FEES = "predmarket/engine/fees.py"
LEDGER = "predmarket/engine/ledger.py"
LIFECYCLE = "predmarket/engine/lifecycle.py"
MATCHING = "predmarket/engine/matching.py"
ORDERS = "predmarket/engine/orders.py"
PAYOUTS = "predmarket/engine/payouts.py"
POSITION = "predmarket/engine/position.py"
STATE = "predmarket/engine/state.py"
TIMERS = "predmarket/engine/timers.py"
ACCOUNTS = "predmarket/engine/accounts.py"
UNITS = "predmarket/units.py"
SWEEPS = "predmarket/engine/sweeps.py"
TIES = "predmarket/engine/ties.py"
WAITS = "predmarket/engine/waits.py"


def _test(module: str, name: str) -> str:
    return f"tests/engine/test_{module}.py::test_{name}"


SABOTAGES = (
    *EVENT_SABOTAGES,
    *GROUP_SABOTAGES,
    *PROPOSAL_SABOTAGES,
    Sabotage(
        "a sweep's later steps at a time of their own",
        SWEEPS,
        "    state.happens_at = under_way.began\n",
        "",
        _test("steps", "a_sweep_happens_at_the_time_of_its_first_step"),
    ),
    Sabotage(
        "last in, first out within a level",
        MATCHING,
        "        maker = level.head\n",
        "        maker = level.tail\n",
        _test("book", "fifo_within_a_level"),
    ),
    Sabotage(
        "trades at the taker's price",
        SWEEPS,
        "    price = maker.price\n",
        "    price = taker.price\n",
        _test("book", "crossed_orders_match"),
    ),
    Sabotage(
        "asks sorted like bids",
        BOOK,
        "        return (price if self.is_buy else PRICE_ONE - price) // self.tick\n",
        "        return price // self.tick\n",
        _test("book", "the_edges_of_the_grid"),
    ),
    Sabotage(
        "an emptied level stays",
        BOOK,
        "            self.bits ^= 1 << level.index\n",
        "            pass\n",
        _test("book", "an_empty_level_is_gone"),
    ),
    Sabotage(
        "a limit order stops a tick early",
        MATCHING,
        "level.price <= limit if is_buy else level.price >= limit",
        "level.price < limit if is_buy else level.price > limit",
        _test("book", "fifo_within_a_level"),
    ),
    Sabotage(
        "fees rounded down",
        LEDGER,
        "        fee = rounded_up(order.fee_exact) - order.fees_paid\n",
        "        fee = order.fee_exact // 10**8 - order.fees_paid\n",
        _test("ledger", "many_tiny_fills_cost_what_one_does"),
    ),
    Sabotage(
        "each fill's fee rounded up by itself",
        LEDGER,
        "        order.fee_exact += exact_fee(rate, qty, price)\n",
        "        order.fee_exact = exact_fee(rate, qty, price)"
        " + rounded_up(order.fee_exact) * 10**8\n",
        _test("ledger", "a_resting_order_sums_its_fees_over_its_takers"),
    ),
    Sabotage(
        "the maker pays the taker's rate",
        LEDGER,
        "        rate = market.taker_rate if is_taker else market.maker_rate\n",
        "        rate = market.taker_rate\n",
        _test("ledger", "maker_and_taker_pay_their_own_rate"),
    ),
    Sabotage(
        "the fee lock taken at the limit",
        FEES,
        "    worst = min(limit, _HALF) if is_buy else max(limit, _HALF)\n",
        "    worst = limit\n",
        _test("worked_examples", "example_5_lock"),
    ),
    Sabotage(
        "the fee lock at the taker's rate alone",
        "predmarket/engine/market.py",
        "        self.lock_rate = max(maker_rate, taker_rate)\n",
        "        self.lock_rate = taker_rate\n",
        _test("ledger", "what_an_order_locks"),
    ),
    Sabotage(
        "a SELL locks its price",
        LEDGER,
        "        cost = (order.price if order.is_buy else PRICE_ONE - order.price) * open_qty\n",
        "        cost = order.price * open_qty\n",
        _test("ledger", "what_an_order_locks"),
    ),
    Sabotage(
        "a better price keeps the lock",
        LEDGER,
        "        self.relock(order, account, market)\n        return cash, fee\n",
        "        if not order.remaining:\n"
        "            self.relock(order, account, market)\n        return cash, fee\n",
        _test("ledger", "a_better_price_returns_the_lock_at_once"),
    ),
    Sabotage(
        "the open part fills first",
        LEDGER,
        "        closing = min(order.close, qty)\n",
        "        closing = max(0, qty - (order.remaining + qty - order.close))\n",
        _test("ledger", "the_close_part_fills_first"),
    ),
    Sabotage(
        "cost removed is rounded up",
        POSITION,
        "        removed = self.cost_yes * qty // self.yes\n",
        "        removed = -(-self.cost_yes * qty // self.yes)\n",
        _test("ledger", "cost_leaves_by_floor_and_the_last_share_takes_the_rest"),
    ),
    Sabotage(
        "the buyer merges before the seller is booked",
        SWEEPS,
        "    sell_cash, sell_fee = ledger.fill(sell, market, qty, price, sell is taker)\n",
        "    state.merged(buy.user_id, market,"
        " ledger.merge(market.positions[buy.user_id], market))\n"
        "    sell_cash, sell_fee = ledger.fill(sell, market, qty, price, sell is taker)\n",
        _test("ledger", "both_sides_are_booked_before_either_merges"),
    ),
    Sabotage(
        "reserved shares merge",
        POSITION,
        "        free_yes = self.yes - self.reserved_yes\n",
        "        free_yes = self.yes\n",
        _test("ledger", "reserved_shares_do_not_merge"),
    ),
    Sabotage(
        "a release forgets to merge",
        LEDGER,
        "        order.close = 0\n        return self.merge(position, market)\n",
        "        order.close = 0\n        return 0\n",
        _test("orders", "release_merges_what_it_frees"),
    ),
    Sabotage(
        "SKIP lets the book cross",
        SWEEPS,
        "    elif market.book.crosses(order.is_buy, order.price):\n",
        "    elif False:\n",
        _test("book", "self_trade_prevention_blocks_the_match"),
    ),
    Sabotage(
        "CANCEL_TAKER cancels the maker too",
        MATCHING,
        "                if taker.stp is _CANCEL_TAKER:\n                    return _STOPPED\n",
        "",
        _test("matching", "who_is_cancelled_and_why"),
    ),
    Sabotage(
        "CANCEL_BOTH lets the taker go on",
        MATCHING,
        "                if taker.stp is not _CANCEL_MAKER:\n",
        "                if False:\n",
        _test("matching", "who_is_traded_with"),
    ),
    Sabotage(
        "FOK counts own orders",
        MATCHING,
        "        return side.from_index(worst) - own.depth.from_index(worst) >= wanted\n",
        "        return side.from_index(worst) >= wanted\n",
        _test("matching", "fok_counts_what_its_mode_lets_it_take"),
    ),
    Sabotage(
        "FOK looks past an own order that would end it",
        MATCHING,
        "    if taker.stp is _SKIP or taker.stp is _CANCEL_MAKER:\n",
        "    if True:\n",
        _test("matching", "fok_counts_what_its_mode_lets_it_take"),
    ),
    Sabotage(
        "the collar is off the tick",
        MATCHING,
        "(level.price + slippage) // tick * tick",
        "(level.price + slippage)",
        _test("matching", "the_collar"),
    ),
    Sabotage(
        "a seller's collar goes away from the best price",
        MATCHING,
        "max(-((slippage - level.price) // tick) * tick, tick)",
        "max((level.price - slippage) // tick * tick, tick)",
        _test("matching", "the_collar"),
    ),
    Sabotage(
        "the collar is not clamped",
        MATCHING,
        "min((level.price + slippage) // tick * tick, PRICE_ONE - tick)",
        "(level.price + slippage) // tick * tick",
        _test("matching", "the_collar"),
    ),
    Sabotage(
        "an amend to a larger quantity keeps its place",
        ORDERS,
        "    if price == order.price and qty < order.qty:\n",
        "    if price == order.price:\n",
        _test("orders", "the_place_after_an_amend"),
    ),
    Sabotage(
        "an amend to a smaller quantity loses its place",
        ORDERS,
        "    if price == order.price and qty < order.qty:\n",
        "    if False:\n",
        _test("orders", "the_place_after_an_amend"),
    ),
    Sabotage(
        "shrinking releases the close part first",
        ORDERS,
        "    freed = max(0, order.close - order.remaining)\n",
        "    freed = min(order.close, cut)\n",
        _test("orders", "shrinking_releases_the_open_part_first"),
    ),
    Sabotage(
        "an amend forgets the money that the order holds",
        ORDERS,
        "    if lock and lock > account.available + order.lock:\n",
        "    if lock and lock > account.available:\n",
        _test("orders", "an_amend_may_use_the_money_the_order_holds"),
    ),
    Sabotage(
        "an amend may go down to what is filled",
        ORDERS,
        "    if qty <= order.filled:\n        return Refused(\n",
        "    if qty < order.filled:\n        return Refused(\n",
        _test("orders", "qty_is_the_total_and_exceeds_what_is_filled"),
    ),
    Sabotage(
        "a merge between release and relock",
        ORDERS,
        "    if close != order.close:\n        position = ledger.position(order.user_id, market)\n",
        "    if order.close:\n"
        "        state.merged(order.user_id, market, ledger.release(order, market))\n"
        "    if close != order.close:\n        position = ledger.position(order.user_id, market)\n",
        _test("orders", "release_and_relock_without_a_merge_between"),
    ),
    Sabotage(
        "reduce-only is not capped",
        ORDERS,
        "        if at_most < order.qty:\n            order.qty = order.remaining = at_most\n",
        "",
        _test("orders", "reduce_only_is_capped_to_the_free_shares"),
    ),
    Sabotage(
        "reduce-only is not capped at an amend",
        ORDERS,
        "        qty = min(qty, order.filled + _reducible(state, order, market, giveable))\n",
        "",
        _test("orders", "reduce_only_caps_again_at_an_amend"),
    ),
    Sabotage(
        "post-only takes",
        ORDERS,
        "    if order.post_only and market.book.crosses(order.is_buy, order.price):\n",
        "    if False:\n",
        _test("orders", "post_only_never_takes"),
    ),
    Sabotage(
        "off tick is asked before not open",
        ORDERS,
        "    if market.status is not MarketStatus.OPEN:\n"
        "        return _not_open(market)\n    if command.type is _MARKET:\n",
        "    if command.price is not None and command.price % market.tick:\n"
        "        return _off_tick(market)\n"
        "    if market.status is not MarketStatus.OPEN:\n"
        "        return _not_open(market)\n    if command.type is _MARKET:\n",
        _test("orders", "refusals_in_their_order"),
    ),
    Sabotage(
        "the record of a rejection keeps the cap",
        ORDERS,
        "        order.qty = order.remaining = command.qty  #",
        "        #",
        _test("orders", "a_rejected_order_keeps_the_quantity_asked_for"),
    ),
    Sabotage(
        "a deadline met on time is too late",
        ORDERS,
        "now > command.deadline",
        "now >= command.deadline",
        _test("orders", "deadlines_and_expiries_at_the_very_moment"),
    ),
    Sabotage(
        "an order expires a microsecond late",
        EXCHANGE,
        "        if first is None or first[0] > until:\n            return None\n",
        "        if first is None or first[0] >= until:\n            return None\n",
        _test("timers", "nothing_trades_at_its_expiry"),
    ),
    Sabotage(
        "timers of one moment in the wrong order",
        TIMERS,
        "    CLOSE = 0\n    EXPIRY = 1\n    DEADMAN = 2\n",
        "    CLOSE = 2\n    EXPIRY = 1\n    DEADMAN = 0\n",
        _test("timers", "what_is_due_comes_first_in_order"),
    ),
    Sabotage(
        "a switch that was renewed goes off all the same",
        STATE,
        "        return self.ledger.accounts[id].deadman_at == due\n",
        "        return self.ledger.accounts[id].deadman_at is not None\n",
        _test("timers", "rearming_the_switch_replaces_it"),
    ),
    Sabotage(
        "a closing time that was moved still closes",
        STATE,
        "            return market.scheduled == due\n",
        "            return market.closes_on_time()\n",
        _test("lifecycle", "a_moved_closing_time_counts_alone"),
    ),
    Sabotage(
        "reopening keeps a closing time that has passed",
        LIFECYCLE,
        "event is None or event.closes_at is None:\n            market.closes_at = None\n",
        "event is None or event.closes_at is None:\n            pass\n",
        _test("lifecycle", "reopening_clears_a_closing_time_that_has_passed"),
    ),
    Sabotage(
        "a halted market does not close on time",
        "predmarket/engine/market.py",
        "        return self.status is MarketStatus.OPEN or self.status is MarketStatus.HALTED\n",
        "        return self.status is MarketStatus.OPEN\n",
        _test("lifecycle", "closes_on_time"),
    ),
    Sabotage(
        "an open market goes back to draft",
        "predmarket/engine/market.py",
        "    MarketStatus.CLOSED: frozenset({MarketStatus.OPEN}),\n",
        "    MarketStatus.CLOSED: frozenset({MarketStatus.OPEN, MarketStatus.HALTED}),\n",
        _test("lifecycle", "the_table_of_transitions"),
    ),
    Sabotage(
        "commands for a market do not wait for its steps",
        WAITS,
        "    key = market_key(market_id)\n    if key in state.unfinished:\n        return key\n",
        "",
        _test("lifecycle", "commands_for_a_closing_market_wait"),
    ),
    Sabotage(
        "a cancel-all does not hold its account",
        WAITS,
        "    for key in (account_key(user_id), group_key(user_id)):\n",
        "    for key in (group_key(user_id),):\n",
        _test("steps", "a_dead_mans_switch_takes_steps"),
    ),
    Sabotage(
        "timers fall due amid a sweep",
        EXCHANGE,
        "            elif (key := waits.timer_waits_for(state, *first[1:])) is not None:\n",
        "            elif (key := None) is not None:\n",
        _test("steps", "what_falls_due_amid_a_sweep_follows_it"),
    ),
    Sabotage(
        "stale timers are passed over without a bound",
        EXCHANGE,
        "        for _ in range(PASSED):\n",
        "        while True:\n",
        _test("timers", "what_is_passed_over_at_once_is_bounded"),
    ),
    Sabotage(
        "timers that waited are forgotten",
        EXCHANGE,
        "        state.timers.release(command.key)\n",
        "        pass\n",
        _test("steps", "what_falls_due_amid_a_sweep_follows_it"),
    ),
    Sabotage(
        "a sweep has no bound",
        MATCHING,
        "            if not room:\n                return _UNFINISHED\n            room -= 1\n"
        "            qty =",
        "            qty =",
        _test("steps", "no_step_does_more_than_its_bound"),
    ),
    Sabotage(
        "a cancel-all has no bound",
        CANCELS,
        "    at_most = steps.STEP + 1\n",
        "    at_most = 10**9\n    steps.STEP = at_most\n",
        _test("steps", "no_step_does_more_than_its_bound"),
    ),
    Sabotage(
        "positions are settled in the order they came",
        PAYOUTS,
        "        return sorted(user_id for user_id in holders if user_id > after)\n",
        "        return [user_id for user_id in holders if user_id > after]\n",
        _test("lifecycle", "positions_are_settled_in_the_order_of_users_and_dropped"),
    ),
    Sabotage(
        "settled positions of an event stay in memory",
        PAYOUTS,
        "        del state.markets[position.market_id].positions[user_id]\n",
        "        pass\n",
        _test("event_lifecycle", "final_is_final"),
    ),
    Sabotage(
        "an order that cannot rest counts among the open ones",
        ORDERS,
        "    return len(orders) - passing >= at_most\n",
        "    return len(orders) >= at_most\n",
        _test("steps", "an_order_under_way_counts_if_it_may_rest"),
    ),
    Sabotage(
        "a refused transfer marks the account as changed",
        ACCOUNTS,
        "    account = state.ledger.accounts[user_id]\n",
        "    account = state.ledger.account(user_id)\n",
        _test("steps", "a_refusal_marks_nothing_as_changed"),
    ),
    Sabotage(
        "an own order that moved to the back is passed over from its old place",
        MATCHING,
        "skip[0].level is level and skip[0].rank == skip[1]",
        "skip[0].level is level",
        _test("steps", "own_orders_in_front_are_passed_over_without_a_walk"),
    ),
    Sabotage(
        "a VOID keeps the fees",
        LEDGER,
        "        fee = max(0, min(pool.fees, total))\n",
        "        fee = 0\n",
        _test("lifecycle", "void_gives_fees_back"),
    ),
    Sabotage(
        "a VOID leaves the profit realized",
        PAYOUTS,
        "            position.realized = 0\n",
        "            pass\n",
        _test("worked_examples", "example_4_realized_is_final"),
    ),
    Sabotage(
        "NO pays what YES pays",
        POSITION,
        "self.yes * price + self.no * (PRICE_ONE - price)",
        "self.yes * price + self.no * price",
        _test("worked_examples", "example_4_realized_is_final"),
    ),
    Sabotage(
        "a debtor may spend what the order itself needs",
        ORDERS,
        "    if lock and lock > account.available:\n        return _short_of_funds(lock,"
        " account.available)\n    order.close = close\n",
        "    if lock and lock > abs(account.available):\n        return _short_of_funds(lock,"
        " account.available)\n    order.close = close\n",
        _test("lifecycle", "a_debtor_receives_closes_and_cancels"),
    ),
    Sabotage(
        "locked money can be withdrawn",
        ACCOUNTS,
        "    if amount < 0 and account.available + amount < 0:\n",
        "    if amount < 0 and account.available + account.locked + amount < 0:\n",
        _test("accounts", "only_what_is_available_leaves"),
    ),
    Sabotage(
        "an account opened twice gets its credit twice",
        ACCOUNTS,
        "        if command.credit and state.ledger.net_deposits + command.credit <= "
        "MAX_DEPOSITS:\n"
        "            _book(state, account, command.credit)\n",
        "    if command.credit:\n"
        "        _book(state, state.ledger.account(command.user_id), command.credit)\n",
        _test("accounts", "opening_again_changes_nothing"),
    ),
    Sabotage(
        "anybody cancels anybody's order",
        ORDERS,
        "    if user_id is not None and order.user_id != user_id:\n",
        "    if False:\n",
        _test("orders", "who_may_cancel"),
    ),
    Sabotage(
        "a connection takes all orders of its gateway along",
        TIES,
        "        return self.connections.get(connection)\n",
        "        return self.gateways.get(gateway)\n",
        _test("orders", "the_end_of_a_connection"),
    ),
    Sabotage(
        "a connection takes along what other users tied to it",
        CANCELS,
        "        if under_way.user_id is None or order.user_id == under_way.user_id\n",
        "        if True\n",
        _test("orders", "the_end_of_a_connection"),
    ),
    Sabotage(
        "a level that changed is not told",
        STATE,
        "        market.book.side(order.is_buy).remove(order)\n"
        "        self.touched_levels[market.id, order.is_buy, order.price] = None\n",
        "        market.book.side(order.is_buy).remove(order)\n",
        "tests/engine/test_differential.py::test_the_same_state_after_every_command[101]",
    ),
    Sabotage(
        "money may be made or lost",
        LEDGER,
        "        if moved + self._collateral_moved + self._fees_moved != self._outside_moved:\n",
        "        if False:\n",
        _test("exchange", "money_made_within_a_command_is_found"),
    ),
    Sabotage(
        "a book may stand crossed",
        STATE,
        "                level is not None\n                and best is not None\n",
        "                False\n                and best is not None\n",
        _test("exchange", "a_crossed_book_is_found"),
    ),
    Sabotage(
        "the order of a set of strings decides",
        STATE,
        "        self.last_rank += 1\n",
        '        self.last_rank += 2 if next(iter({"a", "b", "c"})) == "a" else 1\n',
        _test("exchange", "the_same_in_every_process"),
    ),
    Sabotage(
        "a VOID does not count the fees it gives back",
        PAYOUTS,
        "        pool.paid_total += cash + fee\n",
        "        pool.paid_total += cash\n",
        _test("lifecycle", "void_gives_fees_back"),
    ),
    Sabotage(
        "a market ends with collateral left",
        LIFECYCLE,
        "    if market.collateral or (market.ending is Outcome.VOID and market.fees):\n",
        "    if False:\n",
        _test("exchange", "a_resolution_must_use_up_the_collateral"),
    ),
    Sabotage(
        "decimals beyond the unit are cut off",
        UNITS,
        "    if any(digits[len(kept) :]) or not kept:\n",
        "    if not kept:\n",
        "tests/test_units.py::test_what_is_refused",
    ),
)
