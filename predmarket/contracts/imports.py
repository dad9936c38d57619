"""Imports in the API: many markets and events, all of them created or none."""

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Raw

from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Request
from predmarket.units import MAX_CREATED_MARKETS

_Elements = Annotated[list[Raw], Meta(min_length=1, max_length=MAX_CREATED_MARKETS)]


class ImportRequest(Request, frozen=True):
    """POST /v1/import; each element is decoded separately, as the request that creates one.

    With ``dry_run`` nothing is created.
    """

    markets: _Elements | None = None
    events: _Elements | None = None
    dry_run: bool | None = None

    def problems(self) -> list[Problem]:
        """Return the problems: there is an element, and each is an object."""
        if self.markets is None and self.events is None:
            return [Problem("markets", "give markets or events")]
        return [
            Problem(f"{name}.{number}", "must be an object")
            for name, elements in (("markets", self.markets), ("events", self.events))
            for number, element in enumerate(elements or ())
            if bytes(element)[:1] != b"{"
        ]


class ImportKind(StrEnum):
    """What an imported element is."""

    MARKET = "MARKET"
    EVENT = "EVENT"


class ImportStatus(StrEnum):
    """What becomes of an imported element: NEW only in a dry run."""

    NEW = "NEW"
    CREATED = "CREATED"
    EXISTS = "EXISTS"


class Imported(msgspec.Struct, frozen=True, rename="camel"):
    """A market or an event of an import. ``id`` is null for NEW.

    One that EXISTS stays as it is; ``differs`` names the fields that it has otherwise.
    """

    kind: ImportKind
    slug: str
    status: ImportStatus
    id: int | None
    differs: list[str]


class ImportReport(msgspec.Struct, frozen=True, rename="camel"):
    """The markets, then the events of an import, in its order."""

    dry_run: bool
    items: list[Imported]
