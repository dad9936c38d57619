"""What can be expected to go wrong when the command line runs something on this machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError

from predmarket.exit_codes import ExitCode
from predmarket.server.core.leadership import LeaseHeld
from predmarket.server.core.recovery import LoadError
from predmarket.server.core.stores.base import StoreError
from predmarket.server.process.schema_check import SchemaBehind
from predmarket.server.settings import SettingsError
from predmarket.server.storage.migrations import SchemaAhead
from predmarket.server.storage.sqlite_file import Damaged, NotOurs


class OperateError(Exception):
    """Something expected went wrong; ``exit_code`` is the command's."""

    def __init__(self, message: str, exit_code: ExitCode) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class Unsafe(Exception):
    """The exchange would be open to whoever has read its documentation; the message says why."""


@contextmanager
def expected() -> Iterator[None]:
    """Turn what can be expected to go wrong into an OperateError of one line.

    What is made meanwhile (database, log, secret) is its owner's alone.
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
    except UnicodeDecodeError as error:  # all that is read otherwise says so itself
        raise OperateError(f"the database is damaged: {_line(error)}", ExitCode.REFUSED) from None
    except OSError as error:
        raise OperateError(_line(error), ExitCode.USAGE) from None


def _line(error: BaseException) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
