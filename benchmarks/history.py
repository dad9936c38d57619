"""A long history at once: ended orders, their events, trades and ledger, which the database makes.

As in crowd.py, they stand in no journal; to be read they are like any others.
"""

from sqlalchemy import TextClause, text

from benchmarks.crowd import NUMBERS, OWNERS
from predmarket.server.clock import wall_clock
from predmarket.server.storage.database import sync_engine

DAYS = 30
FILLS = 10
"""Trades an order."""
_BUYER = "(1 + (n - 1) % :orders)"
_OWNER = "CASE WHEN {n} % :owners = 0 THEN :user ELSE :first + {n} % :owners END"
_MARKET = "CASE WHEN {n} % 2 = 0 THEN 1 ELSE 1 + {n} % :markets END"
_WORDS = {
    "{numbers}": NUMBERS,
    "{owner}": _OWNER.replace("{n}", "n"),
    "{next_owner}": _OWNER.replace("{n}", "(n + 1)"),
    "{market}": _MARKET.replace("{n}", "(n / :owners)"),
    "{market_of_buyer}": _MARKET.replace("{n}", f"({_BUYER} / :owners)"),
    "{buyer}": _BUYER,
    "{is_owner}": "(user_id = :user OR user_id BETWEEN :first + 1 AND :first + :owners - 1)",
    "{is_held}": "(event_id IS NULL AND id % 10 = 0)",
}
"""Parts of statements. The number ``n`` of an order or trade decides whose and where it is; in a
market that is held each owner has one contract, half of them YES."""
_ORDERS = """
    INSERT INTO orders (id, user_id, market_id, side, type, price, qty, filled, notional, fee_exact,
        fees_paid, close_qty, locked, status, tif, stp, post_only, reduce_only, rank, events,
        created_at, updated_at, version, client_order_id, topic_seq) {numbers}
    SELECT c.last_order_id + n, {owner}, {market}, CASE WHEN n % 2 = 0 THEN 'BUY' ELSE 'SELL' END,
        'LIMIT', 5000, 1000, 1000, 5000000, 0, 0, 0, 0, 'FILLED', 'GTC', 'SKIP', false, false, 0, 2,
        :begin + n * :apart * :fills, :begin + n * :apart * :fills, 1, 'h' || n,
        a.order_seq + 1 + n / :owners
    FROM numbers, core_state c, accounts a WHERE a.user_id = {owner}
"""
_ORDER_EVENTS = """
    INSERT INTO order_events (order_id, type, n, seq, trade_id) {numbers}
    SELECT c.last_order_id + numbers.n, kinds.type, kinds.n, 1, kinds.trade
    FROM numbers, core_state c, (SELECT 'ORDER_ACCEPTED' AS type, 1 AS n,
        CAST(NULL AS BIGINT) AS trade UNION ALL SELECT 'ORDER_FILLED', 2, 1) kinds
"""
_TRADES = """
    INSERT INTO trades (id, market_id, buy_order_id, sell_order_id, buy_user_id, sell_user_id,
        price, qty, taker_side, buy_fee, sell_fee, created_at) {numbers}
    SELECT c.last_trade_id + n, {market_of_buyer}, c.last_order_id + {buyer},
        c.last_order_id + 1 + n % :orders, {owner}, {next_owner}, 4000 + 100 * (n % 20), 100, 'BUY',
        0, 0, :begin + n * :apart
    FROM numbers, core_state c
"""
_LEDGER = """
    INSERT INTO ledger (id, seq, kind, user_id, market_id, counterpart, amount, ref_id, created_at,
        balance) {numbers}
    SELECT c.last_ledger_id + n, 1, 'TRADE', {owner}, {market_of_buyer}, 'COLLATERAL', -500000,
        c.last_trade_id + n, :begin + n * :apart, 0
    FROM numbers, core_state c
"""
_POSITIONS = """
    INSERT INTO positions (user_id, market_id, yes, no, reserved_yes, reserved_no, cost_yes,
        cost_no, realized, net_paid, version)
    SELECT a.user_id, m.id, 100 * (a.user_id % 2), 100 - 100 * (a.user_id % 2), 0, 0,
        500000 * (a.user_id % 2), 500000 - 500000 * (a.user_id % 2), 0, 500000, 1
    FROM (SELECT user_id FROM accounts WHERE {is_owner}) a,
        (SELECT id FROM markets WHERE {is_held}) m
"""
_INTEREST = """
    UPDATE markets SET open_interest = 50 * :owners, collateral = 500000 * :owners
    WHERE {is_held}
"""
_DEPOSITED = """
    UPDATE core_state SET net_deposits = net_deposits
        + 500000 * :owners * (SELECT COUNT(*) FROM markets WHERE {is_held})
"""
_COUNTED_BY_ACCOUNT = """
    UPDATE accounts SET order_seq = order_seq + 2 + :orders / :owners,
        fill_seq = fill_seq + 2 * :trades / :owners
    WHERE {is_owner}
"""
_COUNTED = """
    UPDATE core_state SET last_order_id = last_order_id + :orders,
        last_trade_id = last_trade_id + :trades, last_ledger_id = last_ledger_id + :trades
"""
_FIRST = "SELECT MIN(id) - 1 FROM users WHERE email LIKE 'crowd%'"


def remember(url: str, user: int, trades: int) -> None:
    """Give an exchange with a crowd (crowd.py) that is not running a history of 30 days.

    It is of so many trades and a tenth as many orders. A hundredth of it is the user's, and half of
    it is in the first market.
    """
    orders = trades // FILLS
    apart = DAYS * 86_400_000_000 // trades
    engine = sync_engine(url)
    with engine.begin() as db:
        known = {
            "first": db.execute(text(_FIRST)).scalar_one(),
            "markets": db.execute(text("SELECT MAX(id) FROM markets")).scalar_one(),
            "user": user, "owners": OWNERS, "orders": orders, "trades": trades, "fills": FILLS,
            "apart": apart, "begin": wall_clock() - trades * apart,
        }  # fmt: skip
        for count, sql in (
            (orders, _ORDERS), (orders, _ORDER_EVENTS), (trades, _TRADES), (trades, _LEDGER),
            (0, _POSITIONS), (0, _INTEREST), (0, _DEPOSITED), (0, _COUNTED_BY_ACCOUNT),
            (0, _COUNTED),
        ):  # fmt: skip
            statement = _statement(sql)
            given = known | {"count": count}
            db.execute(statement, {name: given[name] for name in statement.compile().params})
    with engine.connect() as db:
        db.execution_options(isolation_level="AUTOCOMMIT").execute(text("ANALYZE"))
    engine.dispose()


def _statement(sql: str) -> TextClause:
    """Return the statement with its words spelt out."""
    for word, meaning in _WORDS.items():
        sql = sql.replace(word, meaning)
    return text(sql)
