"""Exit codes of the command line: the one table (docs/errors.md has each error's)."""

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    REFUSED = 1
    """The exchange, or a check, said no (409, 422)."""
    USAGE = 2
    """The command line, a setting or a file cannot be used (400)."""
    UNAVAILABLE = 3
    """The exchange cannot be reached, or asks to try again later (408, 429, 5xx)."""
    NOT_ALLOWED = 4
    """Nobody is logged in, or the user may not do this (401, 403)."""
    NOT_FOUND = 5
    """There is no such thing (404)."""
    INTERRUPTED = 130
    """Ctrl-C, or a question answered with no."""
