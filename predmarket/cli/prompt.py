"""Asks questions at the terminal, and replaces them in scripts."""

import sys
from collections.abc import Callable
from pathlib import Path

from predmarket.cli.context import Line
from predmarket.cli.failure import own, usage

_PIPE_LIMIT = 4096
"""Characters read where a password or a code is expected: more is none."""


def confirm(line: Line, question: str) -> None:
    """Return if the answer is yes. Raises Failure on a no, and without a terminal."""
    if line.options.yes:
        return
    if line.options.no_input:
        raise own("CONFIRMATION_NEEDED", f"{question} Not done without --yes.")
    try:
        line.output.ask(f"{question} [y/N]")
        answer = sys.stdin.readline() if sys.stdin else ""
    except KeyboardInterrupt:
        line.output.say("")  # so that the shell's prompt begins a new line
        raise
    if not answer:
        line.output.say("")
        raise own("CONFIRMATION_NEEDED", "nobody answered: use --yes")
    if answer.strip().lower() not in {"y", "yes"}:
        raise own("INTERRUPTED", "not done")


def code(line: Line) -> str:
    """Return a code from the terminal, or from the first line of a pipe. Raises Failure."""
    if sys.stdin is None or not sys.stdin.isatty():
        found = _from_pipe(sys.stdin.readline) if sys.stdin else ""
    elif line.options.no_input:
        raise usage("no code: give it, or pipe it to stdin")
    else:
        found = _from_terminal("Code", twice=False)
    if not found.strip():
        raise usage("the code is empty")
    return found.strip()


def password(line: Line, file: str | None, *, twice: bool = False, label: str = "Password") -> str:
    """Return a password from ``file`` (- is stdin), a pipe or the terminal; never from a flag.

    Only the line's end and a byte order mark are removed, because blanks may belong to a password.
    Raises Failure.
    """
    if file is not None and file != "-":
        try:
            secret = Path(file).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not UTF-8 text"
            raise usage(f"cannot read the password from {file}: {reason}") from None
    elif file == "-" or sys.stdin is None or not sys.stdin.isatty():
        secret = _from_pipe(sys.stdin.read) if sys.stdin else ""
    elif line.options.no_input:
        raise usage("no password: give --password-file, or pipe it to stdin")
    else:
        secret = _from_terminal(label, twice=twice)
    # Some editors begin a file with a mark of its encoding, which nobody types.
    secret = secret.removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
    if not secret:
        raise usage("the password is empty")
    return secret


def _from_pipe(read: Callable[[int], str]) -> str:
    try:
        return read(_PIPE_LIMIT)
    except UnicodeDecodeError:
        raise usage("stdin is not UTF-8 text") from None


def _from_terminal(label: str, *, twice: bool) -> str:
    from getpass import getpass

    try:
        secret = getpass(f"{label}: ", stream=sys.stderr)
        if twice and getpass("Once more: ", stream=sys.stderr) != secret:
            raise usage("the two passwords differ")
    except EOFError:
        raise usage(f"no {label.lower()} was given") from None
    return secret
