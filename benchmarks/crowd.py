"""A large exchange at once: idle accounts and open orders as rows that the database makes itself.

They stand in no journal, so `audit --replay` would not hold; to load, to follow and to trade with
they are like any others.
"""

from sqlalchemy import Connection, text

from predmarket.server.storage.database import sync_engine

OWNERS = 100
"""Whose the open orders are."""
CREDIT = 1_000_000_000_000
NUMBERS = """
    WITH RECURSIVE numbers(n) AS (SELECT CAST(1 AS BIGINT)
        UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)
"""
_USERS = """
    INSERT INTO users (id, email, password_hash, role, disabled, created_at) {numbers}
    SELECT :first + n, 'crowd' || (:first + n) || '@example.com', '', 'USER', false, 0 FROM numbers
"""
_ACCOUNTS = """
    INSERT INTO accounts (user_id, available, locked, version) {numbers}
    SELECT :first + n, :credit, 0, 1 FROM numbers
"""
_ORDERS = """
    INSERT INTO orders (id, user_id, market_id, side, type, price, qty, filled, notional, fee_exact,
        fees_paid, close_qty, locked, status, tif, stp, post_only, reduce_only, rank, events,
        created_at, updated_at, version, topic_seq) {numbers}
    SELECT c.last_order_id + n, :first + 1 + n % :owners, m.id, 'BUY', 'LIMIT', (1 + n % 40) * 100,
        100, 0, 0, 0, 0, 0, (1 + n % 40) * 10000, 'OPEN', 'GTC', 'SKIP', false, false,
        c.last_rank + n, 1, 0, 0, 1, 1 + n / :owners
    FROM numbers, core_state c, (SELECT MIN(id) AS id FROM markets) m
"""
_LOCKS = """
    UPDATE accounts SET available = available - held.locked, locked = held.locked,
        order_seq = held.last
    FROM (SELECT user_id, SUM(locked) AS locked, MAX(topic_seq) AS last FROM orders
        WHERE user_id > :first GROUP BY user_id) held
    WHERE held.user_id = accounts.user_id
"""
_TOTALS = """
    UPDATE core_state SET net_deposits = net_deposits + :credit * :count,
        last_order_id = last_order_id + :orders, last_rank = last_rank + :orders
"""
_NEXT_USER = "SELECT setval(pg_get_serial_sequence('users', 'id'), MAX(id)) FROM users"


def gather(url: str, idle_accounts: int, open_orders: int) -> None:
    """Add accounts that do nothing, and bids for one contract at 0.01 to 0.40, to an exchange that
    is not running and has a market."""
    engine = sync_engine(url)
    with engine.begin() as db:
        first = db.execute(text("SELECT COALESCE(MAX(id), 0) FROM users")).scalar_one()
        count = OWNERS + idle_accounts
        _run(db, _USERS, first=first, count=count)
        _run(db, _ACCOUNTS, first=first, count=count, credit=CREDIT)
        if open_orders:
            _run(db, _ORDERS, first=first, count=open_orders, owners=OWNERS)
            _run(db, _LOCKS, first=first)
        _run(db, _TOTALS, credit=CREDIT, count=count, orders=open_orders)
        if engine.dialect.name == "postgresql":
            _run(db, _NEXT_USER)
    with engine.connect() as db:
        db.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    engine.dispose()


def _run(db: Connection, sql: str, **parameters: int) -> None:
    db.execute(text(sql.replace("{numbers}", NUMBERS)), parameters)
