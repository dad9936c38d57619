"""Mistakes between the socket and the core: the order fast path, limits, cursors."""

from tests.support.sabotage import Sabotage

EXPRESS = "predmarket/server/gateway/protocol/order_fast_path.py"
PERMITS = "predmarket/server/gateway/limits/redis_leases.py"
WINDOWS = "predmarket/server/gateway/limits/local_window.py"
CURSORS = "predmarket/server/read_model/queries/cursors.py"

SABOTAGES = (
    Sabotage(
        "the fast path forgets a scope",
        EXPRESS,
        " and principal.may(Scope.TRADE)",
        "",
        "tests/server/gateway/protocol/test_order_fast_path.py::test_an_order_without_the_trade_scope",
    ),
    Sabotage(
        "the fast path forgets the limit",
        EXPRESS,
        "if not self._limits.orders.take_now(principal.user_id, weight(raw)):",
        "if False:",
        "tests/server/gateway/limits/test_limits.py::test_orders_are_limited_by_user[False]",
    ),
    Sabotage(
        "a rate limit that never refills",
        WINDOWS,
        "            window.total -= window.grains.popleft()[1]\n",
        "            window.grains.popleft()\n",
        "tests/server/gateway/limits/test_local_window.py::test_the_limit_and_no_more",
    ),
    Sabotage(
        "a rate limit that never refuses",
        WINDOWS,
        "        if window.total + cost > self._times:\n",
        "        if False:\n",
        "tests/server/gateway/limits/test_local_window.py::test_the_limit_and_no_more",
    ),
    Sabotage(
        "a refusal takes a permit",
        WINDOWS,
        "            return self._wait(window, cost, now)\n",
        "            window.total += cost\n            return self._wait(window, cost, now)\n",
        "tests/server/gateway/limits/test_local_window.py::test_the_limit_and_no_more",
    ),
    Sabotage(
        "a flood of addresses fills the memory",
        WINDOWS,
        "            del self._windows[oldest]\n",
        "            return\n",
        "tests/server/gateway/limits/test_local_window.py::test_a_flood_of_keys_is_bounded",
    ),
    Sabotage(
        "gateways together lease beyond the limit",
        PERMITS,
        "math.min(want, limit - taken)",
        "want",
        "tests/server/gateway/limits/test_redis_leases.py::test_two_gateways_share_a_small_limit_exactly",
    ),
    Sabotage(
        "a lease that is over is used up all the same",
        PERMITS,
        "        if now < lease.until and lease.left >= cost",
        "        if lease.left >= cost",
        "tests/server/gateway/limits/test_redis_leases.py::test_a_lease_that_is_over_is_not_used",
    ),
    Sabotage(
        "a cursor that skips one",
        CURSORS,
        "encode_cursor(id_of(rows[limit - 1]))",
        "encode_cursor(id_of(rows[limit]))",
        "tests/server/gateway/routes/test_trading.py::test_pages[sqlite]",
    ),
    Sabotage(
        "a cursor that repeats one",
        CURSORS,
        "encode_cursor(id_of(rows[limit - 1]))",
        "encode_cursor(id_of(rows[limit - 1]) + 1)",
        "tests/server/gateway/routes/test_trading.py::test_pages[sqlite]",
    ),
    Sabotage(
        "an order that waited for its turn is parsed though its head is cached",
        "predmarket/server/gateway/protocol/connection.py",
        "        if self._phase is _IDLE and self.backlog:\n",
        "        if False:\n",
        "tests/server/gateway/protocol/test_order_fast_path.py::test_a_repeated_head_is_not_parsed_after_a_wait",
    ),
)
