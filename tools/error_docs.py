"""Write docs/errors.md, every error with its remedy: `python -m tools.error_docs`.

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

`code` never changes its meaning; `message` is for people and may. `details` has what a program can
use: for `VALIDATION_FAILED` a list of `path` and `message`, for others figures such as `required`
and `available`. The log has every refused request under its `requestId`. Nothing was changed,
unless the code is `OUTCOME_UNKNOWN` or `INTERNAL`.

The command line says it on stderr (as JSON with `-o json`) and ends with the exit code below.
"""


class OwnError(NamedTuple):
    """An error that the command line finds by itself."""

    meaning: str
    remedy: str


OWN_ERRORS = {
    "USAGE": OwnError("the command line cannot be carried out", "Read `--help` of the command."),
    "CONFIGURATION": OwnError(
        "a setting, a profile or a file cannot be used",
        "Mend what the message names; `predmarket config show` says where each value comes from.",
    ),
    "CONFIRMATION_NEEDED": OwnError(
        "the command asks first, and nobody is there to answer", "Add `--yes` in a script."
    ),
    "UNREACHABLE": OwnError(
        "no exchange answers at the address",
        "Start it, or name another with `--url`; the message says where the address came from.",
    ),
    "UNREADABLE": OwnError(
        "the answer is no answer of an exchange", "Look at what listens at the address."
    ),
    "OUTPUT_LOST": OwnError(
        "the output could not be written; the command was carried out",
        "Mend the disk or the pipe, and look before you send it again.",
    ),
    "UNAVAILABLE": OwnError("the database does not answer", "Try again once it does."),
    "REFUSED": OwnError("the database is damaged or not this version's", "See the message."),
    "NOT_FILLED": OwnError(
        "the order that was waited for ended before it was filled", "Look at its reason."
    ),
    "NOT_FOUND": OwnError(
        "there is no exchange, or no user, by that name",
        "Name the right data folder, database or e-mail.",
    ),
    "STILL_WORKING": OwnError(
        "the order still works when the wait for it is over", "Wait on, or cancel the order."
    ),
    "UNHEALTHY": OwnError(
        "`predmarket doctor` has found something wrong", "Mend what its lines name."
    ),
    "AUDIT_FAILED": OwnError(
        "the database does not add up", "Stop the exchange and keep the database as it is."
    ),
    "INTERRUPTED": OwnError(
        "Ctrl-C, or a question answered with no", "What was sent before may have been done."
    ),
    "INTERNAL": OwnError(
        "a defect of the command line", "Report it, with PREDMARKET_TRACEBACK=1 set."
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
