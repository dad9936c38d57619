"""The files of an export: their columns, with units and meanings, and the queries behind them.

Source of the units: predmarket/units.py.
"""

from dataclasses import dataclass
from enum import StrEnum

from predmarket.enums import AdminAction
from predmarket.units import MONEY_DECIMALS, PRICE_DECIMALS, QTY_DECIMALS, RATE_DECIMALS


class Kind(StrEnum):
    """What a column's values are; the value is the unit that the codebook gives."""

    NUMBER = "number"
    USER = "user's number"
    TEXT = "text"
    FLAG = "true or false"
    TIME = "time, UTC, to the microsecond"
    PRICE = "dollars a share"
    QTY = "shares"
    MONEY = "dollars"
    RATE = "rate"


DECIMALS = {
    Kind.PRICE: PRICE_DECIMALS,
    Kind.QTY: QTY_DECIMALS,
    Kind.MONEY: MONEY_DECIMALS,
    Kind.RATE: RATE_DECIMALS,
}
"""The decimals of the kinds that are stored as whole numbers of a small unit."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a file. ``stored`` is its name in the database. A ``personal`` column is left out
    of an anonymous export."""

    name: str
    kind: Kind
    meaning: str
    stored: str
    personal: bool = False


@dataclass(frozen=True, slots=True)
class DataFile:
    """A file of the export and the table behind it. ``time`` is the column that ``since`` limits,
    "" if the file is always whole; ``only`` is a condition on the table's rows."""

    name: str
    table: str
    order: str
    columns: tuple[Column, ...]
    time: str = ""
    only: str = ""


def _columns(text: str) -> tuple[Column, ...]:
    """Read lines of: name, kind, the stored name (with ``!`` if it is personal), meaning."""
    columns = []
    for line in text.strip().splitlines():
        name, kind, stored, meaning = line.split(maxsplit=3)
        plain = stored.rstrip("!")
        columns.append(Column(name, Kind[kind], meaning, plain, personal=plain != stored))
    return tuple(columns)


USERS = DataFile("users", "users", "id", _columns("""
    id          USER    id          the user; other files name users by it
    email       TEXT    email!      the e-mail address or handle
    fullName    TEXT    full_name!  the name, if the user gave one
    displayName TEXT    display_name!  the name that others see, if the user chose one
    role        TEXT    role        USER or ADMIN
    disabled    FLAG    disabled    whether an admin has disabled the account
    createdAt   TIME    created_at! when the account was made
"""))  # fmt: skip
EVENTS = DataFile("events", "events", "id", _columns("""
    id            NUMBER  id            the event
    slug          TEXT    slug          its name in addresses
    title         TEXT    title         the question
    series        TEXT    series        the series of events that it is in, its slug if it has none
    description   TEXT    description   how it is resolved
    exhaustive    FLAG    exhaustive    whether exactly one market resolves YES, else at most one
    outcome       TEXT    outcome       how it was resolved, empty before
    groupId       NUMBER  group_id      the group of users that it is for; empty: everybody
    openInterest  QTY     open_interest complete sets outside its markets
    collateral    MONEY   collateral    money that backs the sets
    fees          MONEY   fees          fees collected by it
    closesAt      TIME    closes_at     when trading ends by itself
    createdAt     TIME    created_at    when it was made
    creatorId     USER    creator_id    the admin who made it
    category      TEXT    category      what it is about
    tags          TEXT    tags          its tags, a JSON array
    source        TEXT    source        where the answer will be found
"""))  # fmt: skip
MARKETS = DataFile("markets", "markets", "id", _columns("""
    id               NUMBER  id                the market
    slug             TEXT    slug              its name in addresses
    eventId          NUMBER  event_id          its event, empty for a single market
    label            TEXT    label             its name within the event
    groupId          NUMBER  group_id          the group of users that it is for; empty: everybody
    question         TEXT    question          the question
    description      TEXT    description       how it is resolved
    status           TEXT    status            DRAFT, OPEN, HALTED, CLOSED, RESOLVED or VOIDED
    outcome          TEXT    outcome           how it was resolved, empty before
    settlementPrice  PRICE   settlement_price  what a YES share paid
    tickSize         PRICE   tick              the smallest step of prices
    makerFeeRate     RATE    maker_rate        the fee of resting orders, x price x (1 - price)
    takerFeeRate     RATE    taker_rate        the fee of incoming orders, x price x (1 - price)
    lastPrice        PRICE   last_price        the price of the last trade
    volume           QTY     volume            shares traded
    openInterest     QTY     open_interest     pairs of YES and NO that are held
    collateral       MONEY   collateral        money that backs the pairs
    fees             MONEY   fees              fees collected by it
    closesAt         TIME    closes_at         when trading ends by itself
    createdAt        TIME    created_at        when it was made
    creatorId        USER    creator_id        the admin who made it
    category         TEXT    category          what it is about; empty: what its event is
    tags             TEXT    tags              its tags, a JSON array; empty: those of its event
    source           TEXT    source            where the answer will be found; empty: as its event's
"""))  # fmt: skip
ORDERS = DataFile("orders", "orders", "id", time="created_at", columns=_columns("""
    id             NUMBER  id               the order
    userId         USER    user_id          whose it is
    marketId       NUMBER  market_id        the market, empty if there was none of that name
    side           TEXT    side             BUY or SELL of YES
    type           TEXT    type             LIMIT or MARKET
    price          PRICE   price            the limit, empty for a market order
    qty            QTY     qty              the quantity ordered
    filled         QTY     filled           how much of it was filled
    notional       MONEY   notional         price x quantity of its fills
    feesPaid       MONEY   fees_paid        fees of its fills
    status         TEXT    status           what became of it
    reason         TEXT    reason           why it was refused or cancelled
    timeInForce    TEXT    tif              GTC, GTD, IOC or FOK
    postOnly       FLAG    post_only        whether it was only to rest
    reduceOnly     FLAG    reduce_only      whether it was only to reduce a position
    expiresAt      TIME    expires_at       when it was to expire
    clientOrderId  TEXT    client_order_id! the id that its sender chose
    createdAt      TIME    created_at       when it was placed
    updatedAt      TIME    updated_at       when it last changed
"""))  # fmt: skip
TRADES = DataFile("trades", "trades", "market_id, id", time="created_at", columns=_columns("""
    id           NUMBER  id             the trade
    marketId     NUMBER  market_id      the market
    buyOrderId   NUMBER  buy_order_id   the order that bought YES
    sellOrderId  NUMBER  sell_order_id  the order that sold YES
    buyUserId    USER    buy_user_id    the buyer
    sellUserId   USER    sell_user_id   the seller
    price        PRICE   price          the price of YES
    qty          QTY     qty            the quantity
    takerSide    TEXT    taker_side     the side of the incoming order
    buyFee       MONEY   buy_fee        the buyer's fee
    sellFee      MONEY   sell_fee       the seller's fee
    createdAt    TIME    created_at     when it happened
"""))  # fmt: skip
LEDGER = DataFile("ledger", "ledger", "user_id, id", time="created_at", columns=_columns("""
    id           NUMBER  id           the entry
    userId       USER    user_id      whose cash it changes
    kind         TEXT    kind         the reason for it
    counterpart  TEXT    counterpart  OUTSIDE (transfers), FEES, or COLLATERAL of a market or event
    amount       MONEY   amount       from the counterpart to the user's cash; back if negative
    marketId     NUMBER  market_id    the market
    eventId      NUMBER  event_id     the event that paid as a whole
    refId        NUMBER  ref_id       the trade or the transfer
    createdAt    TIME    created_at   when it happened
"""))  # fmt: skip
POSITIONS = DataFile("positions", "positions", "user_id, market_id", _columns("""
    userId    USER    user_id    whose it is
    marketId  NUMBER  market_id  the market
    eventId   NUMBER  event_id   its event
    yes       QTY     yes        YES shares held
    no        QTY     no         NO shares held
    costYes   MONEY   cost_yes   what the YES shares cost
    costNo    MONEY   cost_no    what the NO shares cost
    realized  MONEY   realized   the profit of what was sold, merged or paid out
"""))  # fmt: skip
FILES = (USERS, EVENTS, MARKETS, ORDERS, TRADES, LEDGER, POSITIONS)

CANDLES = DataFile("candles", "trades", "market_id, id", time="created_at", columns=_columns("""
    marketId  NUMBER  market_id   the market
    start     TIME    created_at  the beginning of the minute; only those with trades
    open      PRICE   price       the price of the first trade
    high      PRICE   price       the highest price
    low       PRICE   price       the lowest price
    close     PRICE   price       the price of the last trade
    volume    QTY     qty         shares traded
    trades    NUMBER  id          how many trades
"""))  # fmt: skip
"""Computed from the trades."""

RESOLUTION_STEPS = tuple(
    one for one in AdminAction if one.endswith(("_PROPOSE", "_WITHDRAW", "_RESOLVE", "_VOID"))
)
RESOLUTIONS = DataFile(
    "resolutions",
    "admin_log",
    "id",
    time="at",
    only=f"action IN ({', '.join(repr(one.value) for one in RESOLUTION_STEPS)})",
    columns=_columns("""
    id               NUMBER  id        the step
    at               TIME    at        when it was done
    step             TEXT    action    PROPOSE, WITHDRAW (a proposal), RESOLVE or VOID
    stands           FLAG    target    whether it is the proposal that waits to be made
    marketId         NUMBER  target    the market, empty if it concerns a whole event
    eventId          NUMBER  target    the event, empty if it concerns one market
    adminId          USER    actor_id  the admin who did it; at a proposal's time, its proposer
    proposedBy       USER    details   who had proposed what this admin confirms or withdraws
    outcome          TEXT    details   YES, NO, SCALAR or VOID; WINNER, NONE, WEIGHTS or VOID
    settlementPrice  PRICE   details   what a YES share pays, with SCALAR
    winnerId         NUMBER  details   the market that wins its event, with WINNER
    weights          TEXT    details   what each outcome pays, with WEIGHTS; a JSON object
    note             TEXT    details   the reason that was given
    source           TEXT    details   where it can be checked
    effectiveAt      TIME    details   when a proposal is made by itself
"""),
)  # fmt: skip
"""Computed from the admin log: each step of a resolution, so also what is proposed now."""
ALL_FILES = (*FILES, CANDLES, RESOLUTIONS)
