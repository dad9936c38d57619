"""The enumerations that the API, the engine and the store share, without behaviour.

A member's value is its spelling in the API, in the journal and in the database. Do not change one.
"""

from enum import StrEnum


class Side(StrEnum):
    """BUY wants YES; SELL gives YES or takes NO."""

    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    """LIMIT names its price; MARKET trades up to its collar."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"


class TimeInForce(StrEnum):
    """How long an order stays open."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"


class SelfTradePrevention(StrEnum):
    """The treatment of an incoming order that meets a resting order of the same user."""

    SKIP = "SKIP"
    CANCEL_TAKER = "CANCEL_TAKER"
    CANCEL_MAKER = "CANCEL_MAKER"
    CANCEL_BOTH = "CANCEL_BOTH"


class OrderStatus(StrEnum):
    """An order's status. The first two are live, the others final."""

    OPEN = "OPEN"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"


LIVE_STATUSES = (OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED)
"""The statuses of open orders; the filter LIVE stands for both."""


class CancelReason(StrEnum):
    """The reason why an order ended before it was filled."""

    USER = "USER"
    IOC = "IOC"
    MARKET_REMAINDER = "MARKET_REMAINDER"
    SELF_TRADE = "SELF_TRADE"
    MARKET_CLOSED = "MARKET_CLOSED"
    MARKET_RESOLVED = "MARKET_RESOLVED"
    DISCONNECT = "DISCONNECT"
    DEADMAN = "DEADMAN"
    ADMIN = "ADMIN"
    EXPIRED = "EXPIRED"
    GROUP = "GROUP"


class OrderGroupStatus(StrEnum):
    """Whether a group takes orders. TRIPPED: it filled more than its limit, or was triggered."""

    ACTIVE = "ACTIVE"
    TRIPPED = "TRIPPED"
    DELETED = "DELETED"


class OrderGroupChange(StrEnum):
    """What happened to an order group."""

    CREATED = "CREATED"
    LIMIT = "LIMIT"
    TRIPPED = "TRIPPED"
    RESET = "RESET"
    DELETED = "DELETED"


class MarketStatus(StrEnum):
    """The lifecycle of a market; RESOLVED and VOIDED are final."""

    DRAFT = "DRAFT"
    OPEN = "OPEN"
    HALTED = "HALTED"
    CLOSED = "CLOSED"
    RESOLVED = "RESOLVED"
    VOIDED = "VOIDED"


class Outcome(StrEnum):
    """How a market ends. SCALAR carries a settlement price."""

    YES = "YES"
    NO = "NO"
    SCALAR = "SCALAR"
    VOID = "VOID"


class EventOutcome(StrEnum):
    """How an event ends: with one winner, with none of its markets, with weights, or undone."""

    WINNER = "WINNER"
    NONE = "NONE"
    WEIGHTS = "WEIGHTS"
    VOID = "VOID"


class Role(StrEnum):
    """A user's role."""

    USER = "USER"
    ADMIN = "ADMIN"


class Scope(StrEnum):
    """A right of an API key: read its user's own data, enter orders, use an admin's calls."""

    READ = "read"
    TRADE = "trade"
    ADMIN = "admin"


class Liquidity(StrEnum):
    """An order's side in a trade: resting (maker) or incoming (taker)."""

    MAKER = "MAKER"
    TAKER = "TAKER"


class AdminAction(StrEnum):
    """An act in the admin log."""

    MARKET_CREATE = "MARKET_CREATE"
    MARKET_UPDATE = "MARKET_UPDATE"
    MARKET_OPEN = "MARKET_OPEN"
    MARKET_HALT = "MARKET_HALT"
    MARKET_CLOSE = "MARKET_CLOSE"
    MARKET_RESOLVE = "MARKET_RESOLVE"
    MARKET_VOID = "MARKET_VOID"
    EVENT_CREATE = "EVENT_CREATE"
    EVENT_UPDATE = "EVENT_UPDATE"
    EVENT_OPEN = "EVENT_OPEN"
    EVENT_HALT = "EVENT_HALT"
    EVENT_CLOSE = "EVENT_CLOSE"
    EVENT_RESOLVE = "EVENT_RESOLVE"
    EVENT_VOID = "EVENT_VOID"
    MARKET_PROPOSE = "MARKET_PROPOSE"
    MARKET_WITHDRAW = "MARKET_WITHDRAW"
    EVENT_PROPOSE = "EVENT_PROPOSE"
    EVENT_WITHDRAW = "EVENT_WITHDRAW"
    IMPORT = "IMPORT"
    TRANSFER = "TRANSFER"
    ORDER_CANCEL = "ORDER_CANCEL"
    USER_ROLE = "USER_ROLE"
    USER_DISABLE = "USER_DISABLE"
    USER_ENABLE = "USER_ENABLE"
    USER_REVOKE_ALL = "USER_REVOKE_ALL"
    CLOCK_MOVE = "CLOCK_MOVE"
    FAULTS_SET = "FAULTS_SET"
    USER_CREATE = "USER_CREATE"
    USER_RESET = "USER_RESET"
    INVITE_CREATE = "INVITE_CREATE"
    INVITE_REVOKE = "INVITE_REVOKE"
    GROUP_CREATE = "GROUP_CREATE"
    GROUP_ADD = "GROUP_ADD"
    GROUP_REMOVE = "GROUP_REMOVE"
    SEASON_START = "SEASON_START"
    SEASON_END = "SEASON_END"


class ErrorCode(StrEnum):
    """Every code that a refusal can carry; contracts/errors.py gives each its HTTP status."""

    # from the core; stored under the client order id
    MARKET_NOT_FOUND = "MARKET_NOT_FOUND"
    MARKET_NOT_OPEN = "MARKET_NOT_OPEN"
    DUPLICATE_CLIENT_ORDER_ID = "DUPLICATE_CLIENT_ORDER_ID"
    DEADLINE_PASSED = "DEADLINE_PASSED"
    NO_LIQUIDITY = "NO_LIQUIDITY"
    PRICE_OFF_TICK = "PRICE_OFF_TICK"
    NOTHING_TO_REDUCE = "NOTHING_TO_REDUCE"
    TOO_MANY_OPEN_ORDERS = "TOO_MANY_OPEN_ORDERS"
    ORDER_GROUP_NOT_FOUND = "ORDER_GROUP_NOT_FOUND"
    GROUP_TRIPPED = "GROUP_TRIPPED"
    POST_ONLY_WOULD_CROSS = "POST_ONLY_WOULD_CROSS"
    FOK_NOT_FILLABLE = "FOK_NOT_FILLABLE"
    INSUFFICIENT_FUNDS = "INSUFFICIENT_FUNDS"
    QTY_BELOW_FILLED = "QTY_BELOW_FILLED"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    ORDER_NOT_FOUND = "ORDER_NOT_FOUND"
    ORDER_NOT_OPEN = "ORDER_NOT_OPEN"
    FORBIDDEN = "FORBIDDEN"
    INVALID_TRANSITION = "INVALID_TRANSITION"
    SLUG_TAKEN = "SLUG_TAKEN"
    EVENT_NOT_FOUND = "EVENT_NOT_FOUND"
    EVENT_DECIDES = "EVENT_DECIDES"
    EVENT_IS_EXHAUSTIVE = "EVENT_IS_EXHAUSTIVE"
    PROPOSAL_NOT_FOUND = "PROPOSAL_NOT_FOUND"
    PROPOSAL_CHANGED = "PROPOSAL_CHANGED"
    ANOTHER_ADMIN_NEEDED = "ANOTHER_ADMIN_NEEDED"
    USER_NOT_FOUND = "USER_NOT_FOUND"
    IDEMPOTENCY_KEY_REUSED = "IDEMPOTENCY_KEY_REUSED"
    # from a gateway
    VALIDATION_FAILED = "VALIDATION_FAILED"
    EMAIL_TAKEN = "EMAIL_TAKEN"
    NAME_TAKEN = "NAME_TAKEN"
    GROUP_NOT_FOUND = "GROUP_NOT_FOUND"
    SEASON_NOT_FOUND = "SEASON_NOT_FOUND"
    LAST_ADMIN = "LAST_ADMIN"
    INVALID_CREDENTIALS = "INVALID_CREDENTIALS"
    INVALID_CODE = "INVALID_CODE"
    SIGNUP_CLOSED = "SIGNUP_CLOSED"
    INVALID_REFRESH_TOKEN = "INVALID_REFRESH_TOKEN"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    CSRF = "CSRF"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    PAYLOAD_TOO_LARGE = "PAYLOAD_TOO_LARGE"
    UNSUPPORTED_MEDIA_TYPE = "UNSUPPORTED_MEDIA_TYPE"
    REQUEST_TIMEOUT = "REQUEST_TIMEOUT"
    HEADERS_TOO_LARGE = "HEADERS_TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    OVERLOADED = "OVERLOADED"
    OUTCOME_UNKNOWN = "OUTCOME_UNKNOWN"
    UNAVAILABLE = "UNAVAILABLE"
    INTERNAL = "INTERNAL"
