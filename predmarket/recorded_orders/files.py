"""Reads and writes files of recorded orders: CSV, or Parquet where the name ends in .parquet.

Both work row by row: a file may be larger than memory. A file is written whole or not at all.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import chain, islice
from pathlib import Path
from typing import TextIO

from predmarket.files import new_file
from predmarket.recorded_orders.row import (
    COLUMNS,
    REQUIRED,
    RecordedOrdersError,
    Row,
    from_texts,
    to_texts,
)

_PARQUET = ".parquet"
_ROWS = 500
"""Rows of CSV that are written at a time."""


def is_parquet(path: Path) -> bool:
    """Tell whether a file is Parquet, by its name."""
    return path.suffix.lower() == _PARQUET


def require_writable(path: Path) -> None:
    """Raise RecordedOrdersError if ``write_rows`` could not make this file."""
    if path.exists():
        raise RecordedOrdersError(f"{path} exists already: give another name")
    if not path.parent.is_dir():
        raise RecordedOrdersError(f"there is no folder {path.parent}")
    if is_parquet(path):
        from predmarket.recorded_orders import parquet  # noqa: PLC0415  (an extra, and slow)

        parquet.require_library()


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write a file that is not there yet. Raises RecordedOrdersError, OSError."""
    require_writable(path)
    with new_file(path) as draft:
        if is_parquet(path):
            from predmarket.recorded_orders import parquet  # noqa: PLC0415  (as above)

            parquet.write(draft, rows)
        else:
            with open(draft, "w", encoding="utf-8", newline="") as file:
                file.writelines(csv_parts(rows))


def csv_parts(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the rows as CSV with a heading, some rows at a time."""
    heading: Iterable[Sequence[str]] = [COLUMNS]
    remaining = chain(heading, map(to_texts, rows))
    while part := list(islice(remaining, _ROWS)):
        text = StringIO()
        csv.writer(text, lineterminator="\n").writerows(part)
        yield text.getvalue()


def read_rows(path: Path) -> Iterator[Row]:
    """Yield a file's rows, checked, in their order. Raises RecordedOrdersError, OSError."""
    if is_parquet(path):
        from predmarket.recorded_orders import parquet  # noqa: PLC0415  (as above)

        yield from _in_order(path, parquet.read(path), first=1)
        return
    with open(path, encoding="utf-8-sig", newline="") as file:
        yield from _in_order(path, _csv_cells(path, file), first=2)


def _csv_cells(path: Path, file: TextIO) -> Iterator[dict[str, str]]:
    reader = csv.reader(file)
    try:
        heading = next(reader, [])
        if lacking := sorted(REQUIRED - set(heading)):
            raise RecordedOrdersError(f"{path} lacks the columns {', '.join(lacking)}")
        for cells in reader:
            yield dict(zip(heading, cells, strict=False))
    except csv.Error as error:
        raise RecordedOrdersError(f"{path}, line {reader.line_num}: {error}") from None
    except UnicodeDecodeError:
        raise RecordedOrdersError(f"{path} is not a text in UTF-8") from None


def _in_order(path: Path, found: Iterable[dict[str, str]], first: int) -> Iterator[Row]:
    """Yield the rows of these cells; ``seq`` and ``time`` may not go backwards."""
    seq, time = 0, 0
    for number, cells in enumerate(found, first):
        try:
            row = from_texts(cells)
            if row.seq < seq or row.time < time:
                raise RecordedOrdersError("seq or time goes backwards")
        except RecordedOrdersError as error:
            raise RecordedOrdersError(f"{path}, row {number}: {error}") from None
        seq, time = row.seq, row.time
        yield row
