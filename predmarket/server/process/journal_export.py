"""Exports a journal as recorded orders, from a snapshot: the exchange may be running."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from predmarket.exit_codes import ExitCode
from predmarket.recorded_orders import RecordedOrdersError, Row, write_rows
from predmarket.recorded_orders.files import require_writable
from predmarket.server.core import recording
from predmarket.server.core.recording import NoSuchMarket, Selection
from predmarket.server.process.maintenance import Overrides, Progress, stored_exchange
from predmarket.server.process.operator_errors import OperateError, expected
from predmarket.server.settings import Settings
from predmarket.units import Micros


@dataclass(slots=True)
class Exported:
    """How many rows were written, and how many of them are trades."""

    rows: int = 0
    trades: int = 0


def to_file(overrides: Overrides, path: Path, selection: Selection, progress: Progress) -> Exported:
    """Write a file, CSV or Parquet by its name. Raises OperateError."""
    done = Exported()
    with _errors():
        require_writable(path)
        with _rows(overrides, selection, progress) as rows:
            write_rows(path, _counted(rows, done))
    return done


@contextmanager
def recorded(
    overrides: Overrides, selection: Selection, progress: Progress
) -> Iterator[Iterable[Row]]:
    """Yield the rows themselves. Raises OperateError."""
    with _errors(), _rows(overrides, selection, progress) as rows:
        yield rows


def last_time(overrides: Overrides) -> Micros:
    """Return the time of the exchange's last command. Raises OperateError."""
    with expected(), stored_exchange(Settings.load(overrides)) as store:
        return store.core_row().last_time


@contextmanager
def _errors() -> Iterator[None]:
    with expected():
        try:
            yield
        except RecordedOrdersError as error:
            raise OperateError(str(error), ExitCode.USAGE) from None
        except NoSuchMarket as error:
            raise OperateError(str(error), ExitCode.NOT_FOUND) from None


@contextmanager
def _rows(
    overrides: Overrides, selection: Selection, progress: Progress
) -> Iterator[Iterable[Row]]:
    with stored_exchange(Settings.load(overrides)) as store:
        yield recording.rows(store, selection, progress)


def _counted(rows: Iterable[Row], done: Exported) -> Iterator[Row]:
    for row in rows:
        done.rows += 1
        done.trades += row.maker_order is not None
        yield row
