"""Write docs/errors.md, all errors with their remedies: `python -m tools.error_docs`.

The codes of the API come from the one table that the server, the client and the command line share
(predmarket/contracts/errors.py); those of the command line itself from predmarket/cli/failure.py.
"""

from pathlib import Path
from typing import NamedTuple

from predmarket.cli.failure import OWN_EXIT_CODES
from predmarket.contracts.errors import ERRORS, EXIT_CODES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "errors.md"

INTRODUCTION = """\
# Errors

<!-- Written by `python -m tools.error_docs` of the table in predmarket/contracts/errors.py. -->

A refusal is one JSON object, over HTTP with the status below, on a socket in a message of type
`error`:

```json
{
  "error": {"code": "NO_LIQUIDITY", "message": "nothing rests on the other side", "details": {}},
  "requestId": "b2ec35288d49-6"
}
```

The meaning of a `code` never changes. A `message` is for people and may change. `details` is for
programs: a list of `path` and `message` for `VALIDATION_FAILED`, figures such as `required` and
`available` for others. The log has every refused request under its `requestId`. A refused request
changed nothing, unless the code is `OUTCOME_UNKNOWN` or `INTERNAL`.

The command line writes the error to stderr, as JSON with `-o json`, and ends with the exit code
below.
"""


class OwnError(NamedTuple):
    """An error that the command line finds by itself."""

    meaning: str
    remedy: str


OWN_ERRORS = {
    "USAGE": OwnError("the command or its options are not valid", "Read `--help` of the command."),
    "CONFIGURATION": OwnError(
        "a setting, a profile or a file cannot be used",
        "Correct what the message names. `predmarket config show` lists the source of each value.",
    ),
    "CONFIRMATION_NEEDED": OwnError(
        "the command needs a confirmation, and has no terminal to ask", "Add `--yes` in a script."
    ),
    "UNREACHABLE": OwnError(
        "no exchange answers at the address",
        "Start the exchange, or give another address with `--url`. The message names the source of "
        "the address.",
    ),
    "UNREADABLE": OwnError(
        "the answer does not come from an exchange", "Check which program listens at the address."
    ),
    "OUTPUT_LOST": OwnError(
        "the command was done, but its output could not be written",
        "Check the disk or the pipe. Look at the result before you repeat the command.",
    ),
    "UNAVAILABLE": OwnError("the database does not answer", "Start it, and try again."),
    "REFUSED": OwnError(
        "the database is damaged, or belongs to another version", "Follow the message."
    ),
    "NOT_FILLED": OwnError("the order ended before it was filled", "Look at its reason."),
    "NOT_FOUND": OwnError(
        "there is no exchange or no user of that name",
        "Give the right data folder, database or e-mail address.",
    ),
    "STILL_WORKING": OwnError(
        "the order is still open at the end of the wait", "Wait longer, or cancel the order."
    ),
    "UNHEALTHY": OwnError("`predmarket doctor` found a problem", "Follow its lines."),
    "AUDIT_FAILED": OwnError(
        "the sums of the database do not agree", "Stop the exchange. Keep a copy of the database."
    ),
    "INTERRUPTED": OwnError(
        "Ctrl-C, or the answer no to a question", "Requests sent before may have been done."
    ),
    "INTERNAL": OwnError(
        "the command line has a defect", "Report it, with the output under PREDMARKET_TRACEBACK=1."
    ),
}


def page() -> str:
    """Return the page."""
    rows = [
        INTRODUCTION,
        "\n## Of the exchange\n",
        "\n| code | status | exit code | what it means | what to do |\n|---|---|---|---|---|\n",
    ]
    for code, kind in sorted(ERRORS.items()):
        rows.append(
            f"| `{code}` | {kind.status} | {EXIT_CODES[code]} | {kind.meaning} | {kind.remedy} |\n"
        )
    rows += [
        "\n## Of the command line itself\n",
        "\n| code | exit code | what it means | what to do |\n|---|---|---|---|\n",
    ]
    for name, own in sorted(OWN_ERRORS.items()):
        rows.append(f"| `{name}` | {OWN_EXIT_CODES[name]} | {own.meaning} | {own.remedy} |\n")
    return "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
