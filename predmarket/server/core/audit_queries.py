"""The audit's queries for rows that contradict others: each has to find none.

What has to agree is added up in one pass over the rows of both sides. A join could read one table
for each row of the other, as SQLite does without a key. So rows are joined by their keys alone.
"""

_OPEN = "status IN ('OPEN', 'PARTIALLY_FILLED')"


def _balanced(key: str, *sides: str) -> str:
    """Return a query for the keys whose amounts do not add up to 0 over all ``sides``.

    Each side is a query for the key's columns and an amount, which the first one names.
    """
    rows = " UNION ALL ".join(sides)
    return f"SELECT 1 FROM ({rows}) sides GROUP BY {key} HAVING SUM(amount) <> 0"


NONE_OF = (
    (
        "accounts: cash = sum of the user's ledger",
        _balanced(
            "user_id",
            "SELECT user_id, available + locked AS amount FROM accounts",
            "SELECT user_id, -amount FROM ledger WHERE user_id IS NOT NULL",
        ),
    ),
    (
        "ledger: each balance = the one before + the amount",
        (
            "SELECT 1 FROM (SELECT balance - amount - COALESCE(LAG(balance) OVER "
            "(PARTITION BY user_id ORDER BY id), 0) AS apart FROM ledger) lines WHERE apart <> 0"
        ),
    ),
    (
        "accounts: locked = sum of the open orders' locks",
        _balanced(
            "user_id",
            "SELECT user_id, locked AS amount FROM accounts",
            f"SELECT user_id, -locked FROM orders WHERE {_OPEN}",
        ),
    ),
    (
        "markets: collateral = what the ledger says came in",
        _balanced(
            "id",
            "SELECT id, collateral AS amount FROM markets WHERE event_id IS NULL",
            "SELECT m.id, l.amount FROM ledger l JOIN markets m ON m.id = l.market_id "
            "WHERE l.counterpart = 'COLLATERAL' AND m.event_id IS NULL",
        ),
    ),
    (
        "markets: YES = NO = open interest, collateral 1.00 each",
        (
            "SELECT 1 FROM (SELECT id, -open_interest AS yes, -open_interest AS no, "
            "CASE WHEN event_id IS NULL THEN collateral - open_interest * 10000 ELSE collateral END"
            " AS collateral FROM markets WHERE ending IS NULL UNION ALL "
            "SELECT m.id, p.yes, p.no, 0 FROM positions p JOIN markets m ON m.id = p.market_id "
            "WHERE m.ending IS NULL) sides GROUP BY id "
            "HAVING SUM(yes) <> 0 OR SUM(no) <> 0 OR SUM(collateral) <> 0"
        ),
    ),
    (
        "events: collateral = what the ledger says came in",
        _balanced(
            "id",
            "SELECT id, collateral AS amount FROM events",
            "SELECT l.event_id, l.amount FROM ledger l "
            "WHERE l.counterpart = 'COLLATERAL' AND l.event_id IS NOT NULL",
            "SELECT m.event_id, l.amount FROM ledger l JOIN markets m ON m.id = l.market_id "
            "WHERE l.counterpart = 'COLLATERAL' AND l.event_id IS NULL AND m.event_id IS NOT NULL",
        ),
    ),
    (
        "events: bases = sets, collateral 1.00 each",
        (
            "SELECT 1 FROM (SELECT id, -open_interest AS base, collateral - open_interest * 10000 "
            "AS collateral FROM events WHERE ending IS NULL UNION ALL "
            "SELECT e.id, h.base, 0 FROM holdings h JOIN events e ON e.id = h.event_id "
            "WHERE e.ending IS NULL) sides GROUP BY id "
            "HAVING SUM(base) <> 0 OR SUM(collateral) <> 0"
        ),
    ),
    (
        "events: nobody owes an outcome",
        (
            "SELECT h.user_id FROM holdings h JOIN events e ON e.id = h.event_id LEFT JOIN "
            "(SELECT o.user_id, o.event_id, o.yes - o.no AS net FROM positions o "
            "JOIN markets m ON m.id = o.market_id "
            "WHERE m.ending IS NULL AND m.status NOT IN ('RESOLVED', 'VOIDED')) p "
            "ON p.user_id = h.user_id AND p.event_id = h.event_id "
            "WHERE e.outcome IS NULL AND e.ending IS NULL "
            "AND (h.base + p.net < 0 OR (NOT e.exhaustive AND h.base < 0))"
        ),
    ),
    (
        "events: positions have their market's event, and a holding of it",
        (
            "SELECT p.user_id FROM positions p JOIN markets m ON m.id = p.market_id "
            "LEFT JOIN holdings h ON h.user_id = p.user_id AND h.event_id = p.event_id "
            "WHERE COALESCE(p.event_id, 0) <> COALESCE(m.event_id, 0) "
            "OR (p.event_id IS NOT NULL AND h.user_id IS NULL)"
        ),
    ),
    (
        "markets: volume = sum of the trades",
        _balanced(
            "id",
            "SELECT id, volume AS amount FROM markets",
            "SELECT market_id, -qty FROM trades",
        ),
    ),
    (
        "orders: filled = sum of the trades",
        _balanced(
            "id",
            "SELECT id, filled AS amount FROM orders",
            "SELECT buy_order_id, -qty FROM trades",
            "SELECT sell_order_id, -qty FROM trades",
        ),
    ),
    (
        "orders: every fill names a trade of the order, and every trade has both",
        _balanced(
            "order_id, trade_id",
            "SELECT order_id, trade_id, 1 AS amount FROM order_events WHERE trade_id IS NOT NULL",
            "SELECT buy_order_id, id, -1 FROM trades",
            "SELECT sell_order_id, id, -1 FROM trades",
        ),
    ),
    (
        "orders: closed ones hold nothing",
        f"SELECT id FROM orders WHERE NOT {_OPEN} AND (locked <> 0 OR close_qty <> 0)",
    ),
    (
        "orders: every event is there, numbered from 1",
        (
            "SELECT 1 FROM (SELECT id, events AS due, 0 AS told, 0 AS n FROM orders UNION ALL "
            "SELECT order_id, 0, 1, n FROM order_events) sides GROUP BY id "
            "HAVING SUM(due) <> SUM(told) OR SUM(due) <> MAX(n)"
        ),
    ),
    (
        "topics: every trade has its number",
        _balanced(
            "id",
            "SELECT id, trade_seq AS amount FROM markets",
            "SELECT market_id, -1 FROM trades",
        ),
    ),
    (
        "topics: every execution has its user's number",
        _balanced(
            "user_id",
            "SELECT user_id, fill_seq AS amount FROM accounts",
            "SELECT buy_user_id, -1 FROM trades",
            "SELECT sell_user_id, -1 FROM trades",
        ),
    ),
    (
        "topics: an order holds its user's last number",
        (
            "SELECT 1 FROM (SELECT user_id, order_seq AS last, 0 AS seq FROM accounts UNION ALL "
            "SELECT user_id, 0, topic_seq FROM orders) sides GROUP BY user_id "
            "HAVING SUM(last) <> MAX(seq)"
        ),
    ),
    (
        "order groups: what counted is a trade of an order of the group",
        (
            "SELECT f.trade_id FROM order_group_fills f LEFT JOIN "
            "(SELECT t.id, t.qty, t.created_at, o.order_group_id FROM trades t JOIN orders o "
            "ON o.id IN (t.buy_order_id, t.sell_order_id)) t "
            "ON t.id = f.trade_id AND t.order_group_id = f.order_group_id AND t.qty = f.qty "
            "AND t.created_at = f.created_at WHERE t.id IS NULL"
        ),
    ),
    (
        "positions: reserves = the open orders' close parts",
        (
            "SELECT 1 FROM (SELECT user_id, market_id, reserved_yes AS yes, reserved_no AS no "
            "FROM positions UNION ALL SELECT user_id, market_id, "
            "CASE WHEN side = 'SELL' THEN -close_qty ELSE 0 END, "
            f"CASE WHEN side = 'BUY' THEN -close_qty ELSE 0 END FROM orders WHERE {_OPEN}) sides "
            "GROUP BY user_id, market_id HAVING SUM(yes) <> 0 OR SUM(no) <> 0"
        ),
    ),
    *(
        (
            f"references: every row of {table} names {column} that exists",
            (
                f"SELECT 1 FROM {table} r LEFT JOIN {target} t ON t.{key} = r.{column} "
                f"WHERE r.{column} IS NOT NULL AND t.{key} IS NULL"
            ),
        )
        for table, column, target, key in (
            ("orders", "user_id", "accounts", "user_id"),
            ("orders", "market_id", "markets", "id"),
            ("order_events", "order_id", "orders", "id"),
            ("trades", "market_id", "markets", "id"),
            ("trades", "buy_order_id", "orders", "id"),
            ("trades", "sell_order_id", "orders", "id"),
            ("ledger", "user_id", "accounts", "user_id"),
            ("ledger", "event_id", "events", "id"),
            ("markets", "event_id", "events", "id"),
            ("holdings", "user_id", "accounts", "user_id"),
            ("holdings", "event_id", "events", "id"),
            ("orders", "order_group_id", "order_groups", "id"),
            ("order_group_fills", "order_group_id", "order_groups", "id"),
        )
    ),
)
