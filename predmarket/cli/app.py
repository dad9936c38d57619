"""Runs one command line and turns every outcome into an exit code.

No error leaves here as a traceback; an unexpected error is one line, too.
"""

import os
import traceback
from collections.abc import Sequence
from itertools import pairwise

import typer

from predmarket.cli import failure
from predmarket.cli.context import Line
from predmarket.cli.failure import Failure
from predmarket.cli.flags import Format
from predmarket.cli.output import ReaderGone
from predmarket.cli.parser import root
from predmarket.cli.usage_errors import refusal
from predmarket.client import ClientError
from predmarket.exit_codes import ExitCode


def run(argv: Sequence[str]) -> int:
    """Execute ``argv`` (without the program's name) and return the exit code."""
    line = Line()
    try:
        return _carry_out(line, argv)
    except ReaderGone:
        return 0
    except Failure as lost:  # the error cannot be written either
        return lost.exit_code


def _carry_out(line: Line, argv: Sequence[str]) -> int:
    words = list(argv) or ["--help"]
    try:
        if any(map(_has_bad_bytes, words)):
            raise failure.usage("the command line is not UTF-8 text")
        code = root().main(words, prog_name="predmarket", standalone_mode=False, obj=line)
    except ReaderGone:
        raise
    except SystemExit:  # the library exits so when the reader of its help has gone
        raise ReaderGone from None
    except Exception as error:  # noqa: BLE001  the last resort: one line, never a traceback
        if not line.options.output.startswith("json"):
            line.options.output = _format_in(argv) or line.options.output
        return line.output.fail(_failure(line, error))
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return code if isinstance(code, int) else 0


def _has_bad_bytes(word: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in word)


def _failure(line: Line, error: Exception) -> Failure:
    if isinstance(error, Failure):
        return error
    if isinstance(error, ClientError):
        try:
            return line.failure(error)
        except ClientError:  # the advice needs an answer, and there is none
            return failure.of_client(error)
    if isinstance(error, typer.Abort):
        return failure.own("INTERRUPTED", "interrupted")
    if isinstance(error, typer.TyperException):
        context = getattr(error, "ctx", None)
        hint = f"see: {context.command_path} --help" if context else None
        return failure.usage(refusal(error), hint)
    if isinstance(error, RecursionError):
        return failure.own("UNREADABLE", "what came is nested too deeply")
    if os.environ.get("PREDMARKET_TRACEBACK"):
        return failure.own("INTERNAL", "".join(traceback.format_exception(error)))
    return failure.own(
        "INTERNAL",
        f"{type(error).__name__}: {error}",
        hint="this is a defect; PREDMARKET_TRACEBACK=1 shows where it is",
    )


def _format_in(argv: Sequence[str]) -> Format | None:
    """Return the JSON format that the line asks for, as far as one can tell without parsing it:
    a line that cannot be parsed must still have its error in the format its caller reads.
    """
    for before, word in pairwise(["", *argv]):
        if before in {"-o", "--output"}:
            value = word
        elif word.startswith(("--output=", "-o")):
            value = word.removeprefix("--output=").removeprefix("-o")
        else:
            value = "json" if word == "--json" else ""
        if value.lower() in {"json", "jsonl"}:
            return Format(value.lower())
    return None
