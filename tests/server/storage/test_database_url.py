"""URLs with several hosts, in the forms of libpq and SQLAlchemy."""

import psycopg.conninfo
import pytest
from sqlalchemy import create_engine

from predmarket.server.storage.database_url import libpq_url, normal_url

WRITES = {"target_session_attrs": "read-write"}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("u:p%40w@h1:1,h2:2/d", {"host": "h1,h2", "port": "1,2", **WRITES}),
        ("u:p%40w@h1,[::1]:2/d", {"host": "h1,::1", "port": "5432,2", **WRITES}),
        ("u:p%40w@h1,h2/d?target_session_attrs=primary",
         {"host": "h1,h2", "port": "5432,5432", "target_session_attrs": "primary"}),
        ("u:p%40w@/d?host=h1:1&host=h2:2", {"host": "h1,h2", "port": "1,2", **WRITES}),
        ("u:p%40w@/d?host=h1,h2&port=7", {"host": "h1,h2", "port": "7,7", **WRITES}),
        ("u:p%40w@/d?host=/run/a,/run/b",
         {"host": "/run/a,/run/b", "port": "5432,5432", **WRITES}),
        ("u:p%40w@h:1/d", {"host": "h", "port": "1"}),
        ("u:p%40w@/d?host=h:1", {"host": "h", "port": "1"}),
    ],
)  # fmt: skip
def test_both_libraries_understand_it(given: str, expected: dict[str, str]) -> None:
    """Both libraries read the same hosts, ports and password from either form."""
    url = f"postgresql://{given}"
    expected = {"user": "u", "password": "p@w", "dbname": "d", **expected}
    assert psycopg.conninfo.conninfo_to_dict(libpq_url(url)) == expected
    dialect = create_engine(normal_url(url)).dialect
    _, options = dialect.create_connect_args(normal_url(url))
    options.pop("context", None)  # a parameter of psycopg itself
    assert {name: str(value) for name, value in options.items()} == expected


@pytest.mark.parametrize(
    "given", ["u:a,b@h/d", "u:a,b/c@h/d", "h/a,b", "h/d?options=a,b", "u:a,b@/d?host=h"]
)
def test_a_comma_elsewhere_names_no_hosts(given: str) -> None:
    """A comma in a password, a database name or a parameter does not separate hosts."""
    url = normal_url(f"postgresql://{given}")
    assert (url.host or url.query["host"]) == "h"
    assert "target_session_attrs" not in url.query


@pytest.mark.parametrize(
    "given",
    ["h1,/d", ",h2/d", "h1:x,h2/d", "h1,h2:123456/d", "h0/d?host=h1,h2", "/d?host=h1,h2&port=1,2,3",
     "h1,h2/d?target_session_attrs=any", "/d?host=h1:1&host=h2:2&port=3"],
)  # fmt: skip
def test_hosts_that_are_refused(given: str) -> None:
    """An empty host, an invalid port, repeated hosts and hosts that take no writes are refused."""
    with pytest.raises(ValueError, match="must"):
        normal_url(f"postgresql://{given}")
