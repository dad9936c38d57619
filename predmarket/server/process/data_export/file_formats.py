"""Writes rows as CSV, or as Parquet with the extra ``parquet``.

Amounts are exact in both: decimal texts in CSV, decimal numbers in Parquet.
"""

import csv
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Protocol, Self

from predmarket import units
from predmarket.characters import clean_cell
from predmarket.contracts.amounts import format_time
from predmarket.parquet_library import pyarrow
from predmarket.server.core.stores.rows import Value
from predmarket.server.process.data_export.codebook import DECIMALS, Column, Kind

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROWS = 10_000
"""Rows of a Parquet file that are written at once."""
_DIGITS = 38


class RowWriter(Protocol):
    """A file that takes rows, used as a context."""

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

    def write(self, row: Sequence[Value]) -> None:
        """Write a row of stored values."""


class CsvWriter:
    """UTF-8 with a line of names. Text that a spreadsheet would run as a formula gets an
    apostrophe before it."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self._file = path.open("w", encoding="utf-8", newline="")
        self._lines = csv.writer(self._file, lineterminator="\n")
        self._lines.writerow([column.name for column in columns])
        self._shown = [_CSV.get(column.kind, str) for column in columns]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, row: Sequence[Value]) -> None:
        self._lines.writerow(
            [
                "" if value is None else show(value)
                for show, value in zip(self._shown, row, strict=True)
            ]
        )


class ParquetWriter:
    """Typed columns: amounts as decimal numbers, times as timestamps. Raises NoParquet."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        arrow = pyarrow()
        types = {
            Kind.TEXT: arrow.string(),
            Kind.FLAG: arrow.bool_(),
            Kind.TIME: arrow.timestamp("us", tz="UTC"),
            **{kind: arrow.decimal128(_DIGITS, places) for kind, places in DECIMALS.items()},
        }
        self._schema = arrow.schema(
            [(column.name, types.get(column.kind, arrow.int64())) for column in columns]
        )
        self._table = arrow.Table.from_arrays
        self._array = arrow.array
        self._file = arrow.parquet.ParquetWriter(path, self._schema)
        self._typed = [_PARQUET.get(column.kind, _same) for column in columns]
        self._rows: list[list[object]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._file.close()

    def write(self, row: Sequence[Value]) -> None:
        self._rows.append(
            [
                None if value is None else make(value)
                for make, value in zip(self._typed, row, strict=True)
            ]
        )
        if len(self._rows) >= _ROWS:
            self._flush()

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else [()] * len(self._schema)
        arrays = [
            self._array(list(values), field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self._file.write_table(self._table(arrays, schema=self._schema))
        self._rows = []


WRITERS: dict[str, Callable[[Path, Sequence[Column]], RowWriter]] = {
    "csv": CsvWriter,
    "parquet": ParquetWriter,
}
"""The writer of each format; the format is the end of the file's name."""


def _same(value: Value) -> object:
    return value


def _text(value: Value) -> str:
    return clean_cell(str(value))


def _flag(value: Value) -> str:
    return "true" if value else "false"


def _amount(decimals: int) -> Callable[[Value], str]:
    return lambda value: units.format(int(value or 0), decimals)


def _exact(decimals: int) -> Callable[[Value], object]:
    return lambda value: Decimal(int(value or 0)).scaleb(-decimals)


_CSV: dict[Kind, Callable[[Value], str]] = {
    Kind.TEXT: _text,
    Kind.FLAG: _flag,
    Kind.TIME: lambda value: format_time(int(value or 0)),
    **{kind: _amount(places) for kind, places in DECIMALS.items()},
}
_PARQUET: dict[Kind, Callable[[Value], object]] = {
    Kind.FLAG: bool,
    Kind.TIME: lambda value: _EPOCH + timedelta(microseconds=int(value or 0)),
    **{kind: _exact(places) for kind, places in DECIMALS.items()},
}
