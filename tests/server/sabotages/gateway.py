"""Mistakes between the socket and the core: the order fast path, limits, cursors."""

from tests.support.sabotage import Sabotage

EXPRESS = "predmarket/server/express.py"
PERMITS = "predmarket/server/limits/permits.py"
WINDOWS = "predmarket/server/limits/windows.py"
CURSORS = "predmarket/server/queries/cursors.py"

SABOTAGES = (
    Sabotage(
        "the fast path forgets a scope",
        EXPRESS,
        " and principal.may(Scope.TRADE)",
        "",
        "tests/server/http/test_express.py::test_an_order_without_leave_to_trade",
    ),
    Sabotage(
        "the fast path forgets the limit",
        EXPRESS,
        "if not self._limits.orders.take_now(principal.user_id, weight(raw)):",
        "if False:",
        "tests/server/http/test_limits.py::test_orders_are_limited_by_user[False]",
    ),
    Sabotage(
        "a rate limit that never refills",
        WINDOWS,
        "            window.total -= window.grains.popleft()[1]\n",
        "            window.grains.popleft()\n",
        "tests/server/limits/test_windows.py::test_the_limit_and_no_more",
    ),
    Sabotage(
        "a rate limit that never refuses",
        WINDOWS,
        "        if window.total + cost > self._times:\n",
        "        if False:\n",
        "tests/server/limits/test_windows.py::test_the_limit_and_no_more",
    ),
    Sabotage(
        "a refusal takes a permit",
        WINDOWS,
        "            return self._wait(window, cost, now)\n",
        "            window.total += cost\n            return self._wait(window, cost, now)\n",
        "tests/server/limits/test_windows.py::test_the_limit_and_no_more",
    ),
    Sabotage(
        "a flood of addresses fills the memory",
        WINDOWS,
        "            del self._windows[oldest]\n",
        "            return\n",
        "tests/server/limits/test_windows.py::test_a_flood_of_keys_is_bounded",
    ),
    Sabotage(
        "gateways together lease beyond the limit",
        PERMITS,
        "math.min(want, limit - taken)",
        "want",
        "tests/server/limits/test_permits.py::test_two_gateways_share_a_small_limit_exactly",
    ),
    Sabotage(
        "a lease that is over is used up all the same",
        PERMITS,
        "        if now < lease.until and lease.left >= cost",
        "        if lease.left >= cost",
        "tests/server/limits/test_permits.py::test_a_lease_that_is_over_is_not_used",
    ),
    Sabotage(
        "a cursor that skips one",
        CURSORS,
        "encode_cursor(id_of(rows[limit - 1]))",
        "encode_cursor(id_of(rows[limit]))",
        "tests/server/http/test_trading.py::test_pages[sqlite]",
    ),
    Sabotage(
        "a cursor that repeats one",
        CURSORS,
        "encode_cursor(id_of(rows[limit - 1]))",
        "encode_cursor(id_of(rows[limit - 1]) + 1)",
        "tests/server/http/test_trading.py::test_pages[sqlite]",
    ),
)
