"""The rows of the core's tables as tuples, the same for every database: types and shapes."""

from dataclasses import dataclass
from typing import Any, TypeAlias

Value: TypeAlias = int | str | bool | None
Row: TypeAlias = tuple[Value, ...]
StoredRow: TypeAlias = tuple[Any, ...]
"""A row as the database returns it; the query says what its columns are."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A table as the core writes it.

    ``kinds`` has one letter for each column: i integer, w a word that needs no quoting, t any text,
    b boolean. ``mutable`` are the columns that an update sets. ``merged`` says how a row joins one
    that is there under its key; "" if there is none.
    """

    table: str
    columns: tuple[str, ...]
    kinds: str
    key: tuple[str, ...] = ()
    mutable: tuple[str, ...] = ()
    merged: str = ""

    @property
    def on_conflict(self) -> str:
        """Return the end of an insert that merges rows, else ""."""
        if not self.merged:
            return ""
        return f" ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {self.merged}"


def _shape(table: str, columns: str, key: str = "", mutable: str = "", merged: str = "") -> Shape:
    pairs = [column.split(":") for column in columns.split()]
    return Shape(
        table,
        tuple(name for name, _ in pairs),
        "".join(kind for _, kind in pairs),
        tuple(key.split()),
        tuple(mutable.split()),
        merged,
    )


ACCOUNTS = _shape(
    "accounts",
    "user_id:i available:i locked:i deadman_at:i order_seq:i fill_seq:i balance_seq:i "
    "position_seq:i holding_seq:i order_group_seq:i version:i",
    "user_id",
    "available locked deadman_at order_seq fill_seq balance_seq position_seq holding_seq "
    "order_group_seq version",
)
EVENTS = _shape(
    "events",
    "id:i slug:t title:t description:t exhaustive:b tick:i maker_rate:i taker_rate:i closes_at:i "
    "created_at:i creator_id:i outcome:w ending:w outcomes:i open_interest:i collateral:i fees:i "
    "paid_accounts:i paid_total:i ticker_seq:i category:t tags:t source:t proposal:t group_id:i "
    "series:t "
    "version:i",
    "id",
    "title description closes_at outcome ending outcomes open_interest collateral fees "
    "paid_accounts paid_total ticker_seq category tags source proposal group_id series version",
)
MARKETS = _shape(
    "markets",
    "id:i slug:t question:t description:t status:w outcome:w settlement_price:i tick:i "
    "maker_rate:i taker_rate:i closes_at:i created_at:i creator_id:i last_price:i volume:i "
    "open_interest:i collateral:i fees:i book_seq:i ending:w paid_accounts:i paid_total:i "
    "trade_seq:i ticker_seq:i event_id:i label:t category:t tags:t source:t proposal:t "
    "group_id:i version:i",
    "id",
    "question description status outcome settlement_price closes_at last_price volume "
    "open_interest collateral fees book_seq ending paid_accounts paid_total trade_seq ticker_seq "
    "category tags source proposal group_id version",
)
ORDERS = _shape(
    "orders",
    "id:i user_id:i market_id:i side:w type:w price:i qty:i filled:i notional:i fee_exact:i "
    "fees_paid:i close_qty:i locked:i status:w reason:w tif:w stp:w post_only:b reduce_only:b "
    "expires_at:i client_order_id:t request:t rank:i events:i created_at:i updated_at:i "
    "connection:t order_group_id:i topic_seq:i version:i",
    "id",
    "price qty filled notional fee_exact fees_paid close_qty locked status reason rank events "
    "updated_at topic_seq version",
)
POSITIONS = _shape(
    "positions",
    "user_id:i market_id:i yes:i no:i reserved_yes:i reserved_no:i cost_yes:i cost_no:i "
    "realized:i net_paid:i event_id:i version:i",
    "user_id market_id",
    "yes no reserved_yes reserved_no cost_yes cost_no realized net_paid version",
)
HOLDINGS = _shape(
    "holdings",
    "user_id:i event_id:i base:i net_paid:i version:i",
    "user_id event_id",
    "base net_paid version",
)
ORDER_GROUPS = _shape(
    "order_groups",
    "id:i user_id:i limit_qty:i status:w created_at:i updated_at:i counts_after:i version:i",
    "id",
    "limit_qty status updated_at counts_after version",
)
ORDER_GROUP_FILLS = _shape("order_group_fills", "created_at:i trade_id:i order_group_id:i qty:i")
ORDER_EVENTS = _shape("order_events", "order_id:i type:w n:i seq:i trade_id:i detail:t")
TRADES = _shape(
    "trades",
    "id:i market_id:i buy_order_id:i sell_order_id:i buy_user_id:i sell_user_id:i price:i qty:i "
    "taker_side:w buy_fee:i sell_fee:i created_at:i",
)
LEDGER = _shape(
    "ledger",
    "id:i seq:i kind:w user_id:i market_id:i counterpart:w amount:i ref_id:i created_at:i "
    "event_id:i balance:i",
)
TRANSFERS = _shape(
    "transfers",
    "id:i user_id:i amount:i reason:t actor_id:i key:t available:i locked:i created_at:i",
)


def _merged(table: str, highs: str, lows: str, lasts: str) -> str:
    """Return how a row joins the one before it: the higher, the lower, and the last values."""
    new = {name: f"excluded.{name}" for name in lasts.split()}
    for names, sign in ((highs, ">"), (lows, "<")):
        for name in names.split():
            both = f"excluded.{name} {sign} {table}.{name}"
            new[name] = f"CASE WHEN {both} THEN excluded.{name} ELSE {table}.{name} END"
    return ", ".join(f"{name} = {value}" for name, value in new.items())


QUOTES = _shape(
    "quotes",
    "market_id:i width:i start:i bid_high:i bid_low:i bid:i ask_high:i ask_low:i ask:i "
    "open_interest:i last_price:i volume:i",
    "market_id width start",
    merged=_merged(
        "quotes",
        "bid_high ask_high",
        "bid_low ask_low",
        "bid ask open_interest last_price volume",
    ),
)
ADMIN_LOG = _shape("admin_log", "seq:i at:i actor_id:i action:w target:w details:t")

HISTORY_SHAPES = (TRANSFERS, TRADES, ORDER_EVENTS, ORDER_GROUP_FILLS, LEDGER, ADMIN_LOG)
