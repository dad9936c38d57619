"""The expected errors of commands that run something on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from predmarket.exit_codes import ExitCode
from predmarket.server.core.leadership import LeaseHeld
from predmarket.server.core.state_loader import LoadError
from predmarket.server.core.stores.base import StoreError
from predmarket.server.process.schema_check import SchemaBehind
from predmarket.server.settings import SettingsError
from predmarket.server.storage.migrations import SchemaAhead
from predmarket.server.storage.sqlite_file import Damaged, NotOurs


class OperateError(Exception):
    """An expected error; ``exit_code`` is the exit code of the command."""

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class Unsafe(Exception):
    """Readers of the documentation could log in to the exchange; the message says why."""


@contextmanager
def expected() -> Iterator[None]:
    """Turn expected errors into an OperateError of one line.

    Files made meanwhile (database, log, secret) are accessible to their owner alone.
    """
    os.umask(0o077)
    try:
        yield
    except OperateError:
        raise
    except (SettingsError, LeaseHeld, SchemaBehind, SchemaAhead, NotOurs, Unsafe) as error:
        raise OperateError(_line(error), ExitCode.USAGE) from None
    except LoadError as error:
        raise OperateError(
            f"the database does not add up: {_line(error)}", ExitCode.REFUSED
        ) from None
    except Damaged as error:
        raise OperateError(_line(error), ExitCode.REFUSED) from None
    except (StoreError, SQLAlchemyError) as error:
        message = f"the database cannot be used: {_line(error)}"
        raise OperateError(message, ExitCode.UNAVAILABLE) from None
    except UnicodeDecodeError as error:  # every other read reports its own error
        raise OperateError(f"the database is damaged: {_line(error)}", ExitCode.REFUSED) from None
    except OSError as error:
        raise OperateError(_line(error), ExitCode.USAGE) from None


def _line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
