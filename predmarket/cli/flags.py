"""The values of the global options on one command line."""

from dataclasses import dataclass
from enum import StrEnum


class Format(StrEnum):
    """The format of data on stdout."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"


@dataclass
class Options:
    """The global options; None if the environment or a default decides."""

    url: str | None = None
    profile: str | None = None
    output: Format = Format.TABLE
    no_input: bool = False
    yes: bool = False
    color: bool | None = None
    quiet: bool = False
    raw: bool = False
    timeout: float | None = None
