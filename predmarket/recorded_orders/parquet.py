"""Recorded orders in Parquet files, by pyarrow (the extra ``parquet``).

Numbers and times have types of their own, with the values of the CSV's texts; words are strings.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import ModuleType

from predmarket.parquet_library import NoParquet, pyarrow
from predmarket.recorded_orders.row import (
    COLUMNS,
    REQUIRED,
    RecordedOrdersError,
    Row,
    to_texts,
)

_ROWS = 20_000
"""Rows held in memory, and of a row group."""


def require_library() -> ModuleType:
    """Return pyarrow. Raises RecordedOrdersError if it is not installed."""
    try:
        return pyarrow()
    except NoParquet as error:
        raise RecordedOrdersError(str(error)) from None


def _schema(arrow: ModuleType) -> object:
    text = arrow.string()
    types = {
        "seq": arrow.int64(),
        "time": arrow.timestamp("us", tz="UTC"),
        "price": arrow.decimal128(5, 4),
        "qty": arrow.decimal128(12, 2),
        "post_only": arrow.bool_(),
        "max_slippage": arrow.decimal128(5, 4),
        "tick_size": arrow.decimal128(5, 4),
    }
    return arrow.schema([(name, types.get(name, text)) for name in COLUMNS])


def write(path: Path, rows: Iterable[Row]) -> None:
    """Write a Parquet file. Raises RecordedOrdersError, OSError."""
    arrow = require_library()
    schema = _schema(arrow)
    texts = arrow.schema([(name, arrow.string()) for name in COLUMNS])
    remaining = iter(rows)
    with arrow.parquet.ParquetWriter(path, schema) as writer:
        while part := list(islice(remaining, _ROWS)):
            columns = zip(*map(to_texts, part), strict=True)
            cells = [[cell or None for cell in column] for column in columns]
            writer.write_table(arrow.table(cells, schema=texts).cast(schema))


def read(path: Path) -> Iterator[dict[str, str]]:
    """Yield each row's cells as the texts of a CSV file. Raises RecordedOrdersError, OSError."""
    arrow = require_library()
    try:
        with arrow.parquet.ParquetFile(path) as file:
            names = [name for name in COLUMNS if name in file.schema_arrow.names]
            if lacking := sorted(REQUIRED - set(names)):
                raise RecordedOrdersError(f"{path} lacks the columns {', '.join(lacking)}")
            for batch in file.iter_batches(batch_size=_ROWS, columns=names):
                for row in batch.to_pylist():
                    yield {name: _text(value) for name, value in row.items()}
    except arrow.ArrowException as error:
        raise RecordedOrdersError(f"{path} is not a Parquet file: {error}") from None


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return moment.astimezone(UTC).isoformat()
    return str(value)
