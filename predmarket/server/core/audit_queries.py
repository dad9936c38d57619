"""The audit's queries for rows that contradict others: each has to find none.

Each reads its rows once, and others by a key, because SQLite joins row by row where it finds none.
"""

NONE_OF = (
    (
        "accounts: cash = sum of the user's ledger",
        (
            "SELECT a.user_id FROM accounts a LEFT JOIN ledger l ON l.user_id = a.user_id "
            "GROUP BY a.user_id, a.available, a.locked "
            "HAVING a.available + a.locked <> COALESCE(SUM(l.amount), 0)"
        ),
    ),
    (
        "accounts: locked = sum of the open orders' locks",
        (
            "SELECT a.user_id FROM accounts a LEFT JOIN orders o ON o.user_id = a.user_id "
            "AND o.status IN ('OPEN', 'PARTIALLY_FILLED') GROUP BY a.user_id, a.locked "
            "HAVING a.locked <> COALESCE(SUM(o.locked), 0)"
        ),
    ),
    (
        "markets: collateral = what the ledger says came in",
        (
            "SELECT id FROM (SELECT id, collateral AS amount FROM markets WHERE event_id IS NULL "
            "UNION ALL SELECT m.id, l.amount FROM ledger l JOIN markets m ON m.id = l.market_id "
            "WHERE l.counterpart = 'COLLATERAL' AND m.event_id IS NULL) moved "
            "GROUP BY id HAVING SUM(amount) <> 0"
        ),
    ),
    (
        "markets: YES = NO = open interest, collateral 1.00 each",
        (
            "SELECT m.id FROM markets m LEFT JOIN positions p ON p.market_id = m.id "
            "WHERE m.ending IS NULL GROUP BY m.id, m.open_interest, m.collateral, m.event_id "
            "HAVING COALESCE(SUM(p.yes), 0) <> m.open_interest "
            "OR COALESCE(SUM(p.no), 0) <> m.open_interest "
            "OR m.collateral <> "
            "CASE WHEN m.event_id IS NULL THEN m.open_interest * 10000 ELSE 0 END"
        ),
    ),
    (
        "events: collateral = what the ledger says came in",
        (
            "SELECT id FROM (SELECT id, collateral AS amount FROM events UNION ALL "
            "SELECT COALESCE(l.event_id, m.event_id), l.amount FROM ledger l "
            "LEFT JOIN markets m ON m.id = l.market_id WHERE l.counterpart = 'COLLATERAL') moved "
            "WHERE id IS NOT NULL GROUP BY id HAVING SUM(amount) <> 0"
        ),
    ),
    (
        "events: bases = sets, collateral 1.00 each",
        (
            "SELECT e.id FROM events e LEFT JOIN holdings h ON h.event_id = e.id "
            "WHERE e.ending IS NULL GROUP BY e.id, e.open_interest, e.collateral "
            "HAVING COALESCE(SUM(h.base), 0) <> e.open_interest "
            "OR e.collateral <> e.open_interest * 10000"
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
        (
            "SELECT m.id FROM markets m LEFT JOIN trades t ON t.market_id = m.id "
            "GROUP BY m.id, m.volume HAVING m.volume <> COALESCE(SUM(t.qty), 0)"
        ),
    ),
    (
        "orders: filled = sum of the trades",
        (
            "SELECT o.id FROM orders o LEFT JOIN (SELECT buy_order_id AS id, qty FROM trades "
            "UNION ALL SELECT sell_order_id, qty FROM trades) f ON f.id = o.id "
            "GROUP BY o.id, o.filled HAVING o.filled <> COALESCE(SUM(f.qty), 0)"
        ),
    ),
    (
        "orders: every fill names a trade of the order, and every trade has both",
        (
            "SELECT 1 FROM (SELECT order_id, trade_id, 1 AS told FROM order_events "
            "WHERE trade_id IS NOT NULL UNION ALL SELECT buy_order_id, id, -1 FROM trades "
            "UNION ALL SELECT sell_order_id, id, -1 FROM trades) fills "
            "GROUP BY order_id, trade_id HAVING SUM(told) <> 0"
        ),
    ),
    (
        "orders: closed ones hold nothing",
        (
            "SELECT id FROM orders WHERE status NOT IN ('OPEN', 'PARTIALLY_FILLED') "
            "AND (locked <> 0 OR close_qty <> 0)"
        ),
    ),
    (
        "orders: every event is there, numbered from 1",
        (
            "SELECT o.id FROM orders o LEFT JOIN order_events e ON e.order_id = o.id "
            "GROUP BY o.id, o.events HAVING o.events <> COUNT(e.n) OR o.events <> MAX(e.n)"
        ),
    ),
    (
        "topics: every trade has its number",
        (
            "SELECT m.id FROM markets m LEFT JOIN trades t ON t.market_id = m.id "
            "GROUP BY m.id, m.trade_seq HAVING m.trade_seq <> COUNT(t.id)"
        ),
    ),
    (
        "topics: every execution has its user's number",
        (
            "SELECT a.user_id FROM accounts a LEFT JOIN (SELECT buy_user_id AS id FROM trades "
            "UNION ALL SELECT sell_user_id FROM trades) f ON f.id = a.user_id "
            "GROUP BY a.user_id, a.fill_seq HAVING a.fill_seq <> COUNT(f.id)"
        ),
    ),
    (
        "topics: an order holds its user's last number",
        (
            "SELECT a.user_id FROM accounts a LEFT JOIN orders o ON o.user_id = a.user_id "
            "GROUP BY a.user_id, a.order_seq HAVING a.order_seq <> COALESCE(MAX(o.topic_seq), 0)"
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
            "SELECT p.user_id FROM positions p LEFT JOIN orders o ON o.user_id = p.user_id "
            "AND o.market_id = p.market_id AND o.status IN ('OPEN', 'PARTIALLY_FILLED') "
            "GROUP BY p.user_id, p.market_id, p.reserved_yes, p.reserved_no "
            "HAVING p.reserved_yes <> "
            "COALESCE(SUM(CASE WHEN o.side = 'SELL' THEN o.close_qty END), 0) "
            "OR p.reserved_no <> COALESCE(SUM(CASE WHEN o.side = 'BUY' THEN o.close_qty END), 0)"
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
