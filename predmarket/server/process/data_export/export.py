"""Writes one snapshot of an exchange's data as files for analysis: any size, in a stream.

Beside a file for each table there are codebook.csv (every column, its unit and meaning),
export.json (what was exported: the last command and the journal's hash, so that anyone can tell of
which history the data are) and SHA256SUMS, which ``sha256sum -c`` checks.
"""

import csv
import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from predmarket import __version__
from predmarket.contracts.amounts import Time, format_time
from predmarket.exit_codes import ExitCode
from predmarket.files import new_folder
from predmarket.parquet_library import NoParquet
from predmarket.server.core.stores.base import Store
from predmarket.server.core.stores.rows import StoredRow, Value
from predmarket.server.process.data_export.codebook import (
    ALL_FILES,
    CANDLES,
    FILES,
    RESOLUTIONS,
    Column,
    DataFile,
    Kind,
)
from predmarket.server.process.data_export.file_formats import WRITERS
from predmarket.server.process.data_export.resolutions import resolution_rows
from predmarket.server.process.maintenance import Overrides, Progress, stored_exchange
from predmarket.server.process.operator_errors import OperateError, expected
from predmarket.server.settings import Settings
from predmarket.units import Micros

_MINUTE: Micros = 60_000_000
_SHOW_ROWS = 5_000
"""Rows between two reports of progress."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to export: the format, whether without names, and rows from ``since`` on, a time as the
    API takes it."""

    format: str = "csv"
    anonymise: bool = False
    since: str | None = None


def export(
    overrides: Overrides, folder: Path, options: Options, progress: Progress
) -> dict[str, int]:
    """Export into a new or empty folder. Returns the rows of each file. Raises OperateError."""
    with expected():
        settings = Settings.load(overrides)
        since = _moment(options.since)
        with stored_exchange(settings) as store, new_folder(folder):
            try:
                return _Export(store, folder, options, since, progress).write()
            except NoParquet as error:
                raise OperateError(str(error), ExitCode.USAGE) from None


def _moment(text: str | None) -> Micros | None:
    if text is None:
        return None
    try:
        return Time.read(text).micros
    except ValueError:
        message = f"--since {text}: give a time such as 2030-01-31T12:00:00Z"
        raise OperateError(message, ExitCode.USAGE) from None


class _Export:
    """One export under way."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        options: Options,
        since: Micros | None,
        progress: Progress,
    ) -> None:
        self._store = store
        self._folder = folder
        self._options = options
        self._since = since
        self._progress = progress
        self._users = _pseudonyms(store) if options.anonymise else None

    def write(self) -> dict[str, int]:
        """Write every file; return the rows of each."""
        rows = {file.name: self._file(file, self._stored(file)) for file in FILES}
        rows[CANDLES.name] = self._file(CANDLES, self._candles())
        steps = resolution_rows(self._store, self._where(RESOLUTIONS))
        rows[RESOLUTIONS.name] = self._file(RESOLUTIONS, steps)
        self._codebook()
        self._facts(rows)
        self._checksums()
        return rows

    def _columns(self, file: DataFile) -> tuple[Column, ...]:
        return tuple(c for c in file.columns if not (self._options.anonymise and c.personal))

    def _file(self, file: DataFile, rows: Iterator[StoredRow]) -> int:
        columns = self._columns(file)
        users = [place for place, column in enumerate(columns) if column.kind is Kind.USER]
        path = self._folder / f"{file.name}.{self._options.format}"
        counting = f"SELECT count(*) FROM {file.table}{self._where(file)}"  # noqa: S608 -- own names
        total = int(self._store.read(counting)[0][0])
        count = 0
        with WRITERS[self._options.format](path, columns) as writer:
            for row in rows:
                values: list[Value] = list(row)
                if self._users is not None:
                    for place in users:
                        values[place] = self._users.get(row[place])
                writer.write(values)
                count += 1
                if not count % _SHOW_ROWS:
                    self._progress(file.name, min(count, total), total)
        self._progress(file.name, total, total)
        return count

    def _where(self, file: DataFile) -> str:
        conditions = [file.only] if file.only else []
        if self._since is not None and file.time:
            conditions.append(f"{file.time} >= {self._since}")
        return f" WHERE {' AND '.join(conditions)}" if conditions else ""

    def _stored(self, file: DataFile) -> Iterator[StoredRow]:
        names = ", ".join(column.stored for column in self._columns(file))
        return self._store.stream(
            f"SELECT {names} FROM {file.table}{self._where(file)} ORDER BY {file.order}"  # noqa: S608 -- likewise
        )

    def _candles(self) -> Iterator[StoredRow]:
        """Yield a row for each minute of a market that has trades."""
        found = self._store.stream(
            "SELECT market_id, created_at, price, qty FROM trades"  # noqa: S608 -- likewise
            f"{self._where(CANDLES)} ORDER BY {CANDLES.order}"
        )
        candle: list[int] = []
        for market_id, at, price, qty in found:
            start = at - at % _MINUTE
            if candle and candle[:2] == [market_id, start]:
                candle[3] = max(candle[3], price)
                candle[4] = min(candle[4], price)
                candle[5:] = price, candle[6] + qty, candle[7] + 1
                continue
            if candle:
                yield tuple(candle)
            candle = [market_id, start, price, price, price, price, qty, 1]
        if candle:
            yield tuple(candle)

    def _codebook(self) -> None:
        with (self._folder / "codebook.csv").open("w", encoding="utf-8", newline="") as opened:
            lines = csv.writer(opened, lineterminator="\n")
            lines.writerow(("file", "column", "unit", "meaning"))
            for file in ALL_FILES:
                for one in self._columns(file):
                    lines.writerow((file.name, one.name, one.kind.value, one.meaning))

    def _facts(self, rows: Mapping[str, int]) -> None:
        core = self._store.core_row()
        facts = {
            "predmarket": __version__,
            "lastCommand": core.last_seq,
            "lastCommandAt": format_time(core.last_time),
            "journalHash": self._store.hash_at(core.last_seq).hex(),
            "since": self._options.since,
            "anonymised": self._options.anonymise,
            "rows": rows,
        }
        (self._folder / "export.json").write_text(json.dumps(facts, indent=2) + "\n")

    def _checksums(self) -> None:
        lines = []
        for path in sorted(self._folder.iterdir()):
            with path.open("rb") as file:
                lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
        (self._folder / "SHA256SUMS").write_text("".join(lines))


def _pseudonyms(store: Store) -> dict[int, int]:
    """Number the users anew, in an order that nobody can repeat."""
    ids = [int(row[0]) for row in store.stream("SELECT id FROM users")]
    random.SystemRandom().shuffle(ids)
    return {id: number for number, id in enumerate(ids, 1)}
