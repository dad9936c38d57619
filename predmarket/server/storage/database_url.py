"""The database's URL: whose it is, and which of several hosts.

A PostgreSQL with standbys has several hosts, of which one takes writes. libpq names them
``//user@h1:5432,h2:5432/db``, SQLAlchemy ``?host=h1:5432&host=h2:5432``. Both read
``?host=h1,h2&port=5432,5432``, the form that this module makes of either.
"""

import re

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

_SEVERAL = re.compile(
    r"(?P<start>[\w+]+://(?:[^:/@]*(?::[^@]*)?@)?+)(?P<hosts>[^/?#]*,[^/?#]*)"
    r"(?P<database>[^?]*)\??(?P<query>.*)",
    re.DOTALL,
)
_HOST = re.compile(r"(?:\[(?P<ip>[^]]+)\]|(?P<name>[^][:]+))(?::(?P<port>\d{1,5}))?")
_PORT = "5432"
_WRITES = "read-write"
_FORM = "must name its hosts as //h1:5432,h2:5432/database does"


def normal_url(url: str) -> URL:
    """Return a database's URL with our driver. Raises ValueError for another database."""
    in_query = _with_hosts_in_query(url)
    try:
        parsed = make_url(in_query)
    except (ArgumentError, ValueError):
        raise ValueError("is not a database URL") from None
    match parsed.drivername:
        case "postgresql" | "postgres" | "postgresql+psycopg":
            return _with_normal_hosts(parsed.set(drivername="postgresql+psycopg"))
        case "sqlite" | "sqlite+aiosqlite" | "sqlite+pysqlite":
            if parsed.database in (None, "", ":memory:"):
                raise ValueError("must name a file")
            return parsed.set(drivername="sqlite")
    raise ValueError("must start with postgresql:// or sqlite:///")


def is_sqlite(url: URL) -> bool:
    """Tell whether the URL names an embedded database."""
    return url.get_backend_name() == "sqlite"


def libpq_url(url: str) -> str:
    """Return PostgreSQL's URL as libpq and its programs read it."""
    return normal_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def hosts_of(url: str) -> int:
    """Return how many hosts a URL of PostgreSQL names."""
    return len(_listed(normal_url(url), "host")) or 1


def _with_hosts_in_query(url: str) -> str:
    """Move several hosts from before the database's name into the query. Raises ValueError."""
    found = _SEVERAL.fullmatch(url)
    if found is None:
        return url
    hosts = found["hosts"].split(",")
    if not all(hosts):
        raise ValueError(_FORM)
    query = [f"host={host}" for host in hosts]
    query += [found["query"]] if found["query"] else []
    return f"{found['start']}{found['database']}?{'&'.join(query)}"


def _with_normal_hosts(url: URL) -> URL:
    """Write the hosts of a URL's query as libpq and SQLAlchemy both read them.

    Of several hosts the one that takes writes is meant. Raises ValueError.
    """
    hosts, ports = _listed(url, "host"), _listed(url, "port")
    own = [_split(host) for host in hosts]
    if any(port for _, port in own):
        if ports:
            raise ValueError(_FORM)
        ports = [port or _PORT for _, port in own]
    normal = {"host": ",".join(host for host, _ in own)}
    if len(hosts) > 1:
        if len(ports) < 2:  # SQLAlchemy wants one each
            ports = (ports or [_PORT]) * len(hosts)
        if url.host or len(ports) != len(hosts) or not all(map(str.isdigit, ports)):
            raise ValueError(_FORM)
        wanted = url.query.get("target_session_attrs", _WRITES)
        if wanted not in (_WRITES, "primary"):
            raise ValueError(f"must have target_session_attrs={_WRITES}, or none")
        normal["target_session_attrs"] = str(wanted)
    normal["port"] = ",".join(ports)
    return url.update_query_dict({name: value for name, value in normal.items() if value})


def _listed(url: URL, name: str) -> list[str]:
    given = url.query.get(name, ())
    values = [given] if isinstance(given, str) else given
    return [one for value in values for one in value.split(",")]


def _split(host: str) -> tuple[str, str]:
    """Return a host and its port, "" without one. Raises ValueError."""
    if host.startswith(("/", "@")) or (host.count(":") > 1 and "[" not in host):
        return host, ""  # a socket's folder, an IPv6 address
    found = _HOST.fullmatch(host)
    if found is None:
        raise ValueError(_FORM)
    return found["ip"] or found["name"], found["port"] or ""
