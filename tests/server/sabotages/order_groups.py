"""Mistakes with order groups outside the engine: in rows, recovery, audit, API and topics."""

from tests.support.sabotage import Sabotage

AUDIT_QUERIES = "predmarket/server/core/audit_queries.py"
BATCH = "predmarket/server/core/batch.py"
ENTRY = "predmarket/server/gateway/order_entry.py"
FEED = "predmarket/server/core/change_feed.py"
LOAD_CHECKS = "predmarket/server/core/load_checks.py"
ORDERS = "predmarket/server/read_model/queries/orders.py"
PENDING = "predmarket/server/core/pending_command.py"
PREVIEW = "predmarket/server/gateway/order_preview.py"
QUERIES = "predmarket/server/read_model/queries/order_groups.py"
RECOVERY = "predmarket/server/core/state_loader.py"
ROUTES = "predmarket/server/gateway/routes/order_groups.py"
HISTORY_ROWS = "predmarket/server/core/stores/history_rows.py"
STATE_ROWS = "predmarket/server/core/stores/state_rows.py"


def _test(module: str, name: str) -> str:
    return f"tests/server/{module}.py::test_{name}"


_COUNTS = _test(
    "core/test_order_groups", "counted_fills_survive_a_restart[sqlite-14999999-TRIPPED]"
)
_KEPT = _test("core/test_order_groups", "every_change_is_stored_and_announced[sqlite]")
_OVER_HTTP = _test("gateway/routes/test_order_groups", "a_group_trips_and_is_reset[sqlite]")
_CHANGES = _test("gateway/routes/test_order_groups", "changes_of_groups[sqlite]")
_PREVIEW = _test(
    "gateway/routes/test_order_groups", "a_preview_counts_what_the_group_has_filled[sqlite]"
)
_REFUSED = _test("gateway/routes/test_order_groups", "what_is_refused[sqlite]")

SABOTAGES = (
    Sabotage(
        "a restart forgets what counts for groups",
        RECOVERY,
        "    groups.restore(store.rows_of(",
        "    list(store.rows_of(",
        _COUNTS,
    ),
    Sabotage(
        "a restart counts what was filled before the reset",
        RECOVERY,
        "        group.updated_at, group.counts_after, versions.order_groups[group.id] = row[5:]\n",
        "        group.updated_at, _, versions.order_groups[group.id] = row[5:]\n",
        _COUNTS,
    ),
    Sabotage(
        "fills that count are not stored",
        HISTORY_ROWS,
        "            elif isinstance(event, ev.OrderGroupFilled):\n",
        "            elif False:\n",
        _COUNTS,
    ),
    Sabotage(
        "a stored order forgets its group",
        STATE_ROWS,
        "None if o.group is None else o.group.id",
        "None",
        _KEPT,
    ),
    Sabotage(
        "deleted groups come back",
        RECOVERY,
        "store.rows_of(ORDER_GROUPS, \"WHERE status <> 'DELETED'\")",
        "store.rows_of(ORDER_GROUPS)",
        _KEPT,
    ),
    Sabotage(
        "changes of groups are not told",
        BATCH,
        "                self.order_groups.append(event)\n",
        "                pass\n",
        _KEPT,
    ),
    Sabotage(
        "messages of groups have no numbers",
        FEED,
        "            seqs.order_groups += 1\n",
        "",
        _KEPT,
    ),
    Sabotage(
        "a group above its limit is served",
        LOAD_CHECKS,
        "        if group.exceeded:\n",
        "        if False:\n",
        _test("core/test_order_groups", "tampering_is_found"),
    ),
    Sabotage(
        "the audit believes whatever counted",
        AUDIT_QUERIES,
        "AND t.created_at = f.created_at WHERE t.id IS NULL",
        "AND t.created_at = f.created_at WHERE 1 = 0",
        _test("core/test_order_groups", "the_audit_holds_fills_against_trades[sqlite]"),
    ),
    Sabotage(
        "a deleted group is shown",
        QUERIES,
        "_NOT_DELETED).order_by(g.id)",
        "g.id > 0).order_by(g.id)",
        _CHANGES,
    ),
    Sabotage(
        "everybody's groups are listed",
        QUERIES,
        "query.where(g.user_id == user_id, _NOT_DELETED)",
        "query.where(_NOT_DELETED)",
        _REFUSED,
    ),
    Sabotage(
        "the group of an order is no part of its content",
        ENTRY,
        "return content if c.order_group_id is None else",
        "return content if True else",
        _test("gateway/routes/test_order_groups", "the_group_is_part_of_the_content[sqlite]"),
    ),
    Sabotage(
        "a preview counts nothing of what was filled",
        PREVIEW,
        "await filled_since(connection, group.id, now - SPAN)",
        "0",
        _PREVIEW,
    ),
    Sabotage(
        "a group's list of orders holds all of the user's",
        ORDERS,
        "    by_group = order_group_id is not None and not is_open\n",
        "    by_group = False and order_group_id is not None and not is_open\n"
        "    order_group_id = None\n",
        _OVER_HTTP,
    ),
)
