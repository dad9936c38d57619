"""The names of all settings in the environment, and a check for mistyped ones.

The server and the client do not import each other, so the names of both are here: a variable that
one of them does not read may belong to the other.
"""

from collections.abc import Iterable

from predmarket.nearest import did_you_mean, slips

PREFIX = "PREDMARKET_"
ENV_FILE = ".env"
CLIENTS = frozenset({"URL", "PROFILE", "API_KEY", "CONFIG_DIR"})
"""Settings of the command line and the client library."""
SERVERS = frozenset(
    {
        "HOST", "PORT", "DATA_DIR", "DATABASE_URL", "REDIS_URL", "JWT_SECRET", "TRUSTED_PROXIES",
        "CORS_ORIGIN", "MAX_PRICE_SLIPPAGE", "MAX_OPEN_ORDERS", "AUTH_RATE_LIMIT",
        "AUTH_WINDOW_LIMIT", "ORDER_RATE_LIMIT", "READ_RATE_LIMIT", "MAX_CONNECTIONS_PER_ADDRESS",
        "SIGNUP_CREDIT", "LOG_LEVEL", "LOG_FORMAT", "MAX_BATCH", "MAX_QUEUE", "ROLE", "WORKERS",
        "METRICS_HOST", "METRICS_PORT", "KALSHI", "CLOCK", "FAULT", "SIGNUP", "RESOLVE_BY_TWO",
        "LEADERBOARD",
    }
)  # fmt: skip
"""Settings of the exchange: the fields of its ``Settings``."""
_OTHERS = frozenset({"TRACEBACK"})


def unknown(names: Iterable[str]) -> list[str]:
    """Return those of ``names`` that look like settings and are none."""
    known = CLIENTS | SERVERS | _OTHERS
    return sorted(
        name
        for name in names
        if name.startswith(PREFIX)
        and name.removeprefix(PREFIX) not in known
        and not name.startswith(f"{PREFIX}TEST_")
    )


def mistyped(names: Iterable[str], meant: Iterable[str]) -> str | None:
    """Return what to say of the first of ``names`` that was probably meant to be one of ``meant``,
    None when none was.
    """
    wanted = sorted(f"{PREFIX}{one}" for one in meant)
    for name in unknown(names):
        near = slips(name, wanted)
        if near:
            return f"{name} is no setting{did_you_mean(near)}"
    return None
