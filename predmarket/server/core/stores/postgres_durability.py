"""PostgreSQL's durability: its settings in force, and what a failover to a standby would lose.

A commit that waits for a synchronous standby is on both machines. ``synchronous_standby_names``
says whether commits wait: with no such standby there they wait until there is one, and lose
nothing. Whether an asynchronous standby follows every role may see, if not which.
"""

from predmarket.server.core.durability import STANDBY, Durability
from predmarket.server.core.stores.rows import StoredRow

_SETTINGS = ("fsync", "synchronous_commit", "full_page_writes")
_WAITS = ("on", "remote_write", "remote_apply")
SQL = (
    f"SELECT {', '.join(f'current_setting({name!r})' for name in _SETTINGS)}, "
    "current_setting('synchronous_standby_names'), EXISTS (SELECT FROM pg_stat_replication "
    "WHERE state IS DISTINCT FROM 'backup')"
)


def read(row: StoredRow, hosts: int) -> Durability:
    """Return the durability in a row of the query; ``hosts`` are those that the URL names."""
    *settings, awaited, followed = row
    found = dict(zip(_SETTINGS, map(str, settings), strict=True))
    commits = found["synchronous_commit"]
    durable = found["fsync"] == found["full_page_writes"] == "on" and commits != "off"
    if awaited and commits in _WAITS:
        found[STANDBY] = "synchronous"
    elif followed:
        found[STANDBY] = "asynchronous"
    else:
        found[STANDBY] = "missing" if hosts > 1 else "none"
    return Durability(durable, found)
