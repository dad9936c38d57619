"""The server decodes arrays in PostgreSQL's binary form as their original values."""

import tracemalloc

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from predmarket.enums import Side
from predmarket.server.core.stores import postgres_arrays
from predmarket.server.core.stores.rows import Value
from predmarket.server.storage.database_url import libpq_url

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.integers(-(2**63), 2**63 - 1),
        st.none() | TEXT,
        st.none() | st.sampled_from([*Side]),
        st.booleans(),
    ),
    min_size=1,
)
SQL = "SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::boolean[])"


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=ROWS)
def test_arrays_are_read_back(postgres_url: str, rows: list[tuple[Value, ...]]) -> None:
    """Nulls, the largest numbers and any text are read back, column by column, with all rows."""
    kinds = ("i", "i", "t", "w", "b")
    columns = [
        postgres_arrays.PACK[kind](column)
        for kind, column in zip(kinds, zip(*rows, strict=True), strict=True)
    ]
    with psycopg.connect(libpq_url(postgres_url)) as connection:
        result = connection.pgconn.exec_params(SQL.encode(), columns, None, [1] * 5, 0)
        assert result.status == psycopg.pq.ExecStatus.TUPLES_OK, result.error_message
        read = [
            tuple(None if (v := result.get_value(r, c)) is None else v.decode() for c in range(5))
            for r in range(result.ntuples)
        ]
    expected = [
        tuple(
            None if v is None else ("t" if v else "f") if isinstance(v, bool) else str(v)
            for v in row
        )
        for row in rows
    ]
    assert read == expected


def test_long_columns_are_read_back(postgres_url: str) -> None:
    """A column longer than one packed piece is read back, with several whole pieces and a rest."""
    column = [n * n - 70_000 for n in range(4 * 256 + 7)]
    with psycopg.connect(libpq_url(postgres_url)) as connection:
        result = connection.pgconn.exec_params(
            b"SELECT unnest($1::bigint[])", [postgres_arrays.integers(column)], None, [1], 0
        )
        assert result.status == psycopg.pq.ExecStatus.TUPLES_OK, result.error_message
        read = [int(result.get_value(r, 0) or b"") for r in range(result.ntuples)]
    assert read == column


def test_the_cache_of_array_formats_is_bounded() -> None:
    """The cache for columns of every length up to 3 000 numbers stays below 4 MB."""
    tracemalloc.start()
    try:
        for count in range(1, 3_000):
            postgres_arrays.integers([1] * count)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 4_000_000


@pytest.mark.parametrize("column", [(2**63,), (1, None, 2**63), ("x",)])
def test_values_beyond_bigint_are_refused(column: tuple[Value, ...]) -> None:
    """A value that is no bigint is refused before it is sent, as the database would refuse it."""
    with pytest.raises(psycopg.DataError):
        postgres_arrays.integers(column)


@pytest.mark.parametrize(("text", "error"), [("a\0b", psycopg.DataError), ("\ud800", UnicodeError)])
def test_invalid_texts_are_refused(text: str, error: type[Exception]) -> None:
    """A text with a NUL or half a surrogate pair is refused."""
    with pytest.raises(error):
        postgres_arrays.texts(("x", text))
