"""Category, tags and source: from requests to commands, and as filters and in searches of
lists."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Annotated, TypeAlias

from litestar.params import QueryParameter
from msgspec import UNSET, UnsetType

from predmarket.contracts.events import CreateEventRequest, UpdateEventRequest
from predmarket.contracts.markets import CreateMarketRequest, UpdateMarketRequest
from predmarket.contracts.text import LINE
from predmarket.engine.metadata import Metadata, MetadataChange

CategoryFilter: TypeAlias = Annotated[
    str | None,
    QueryParameter(max_length=64, pattern=LINE, description="Of one category, in any case"),
]
TagsFilter: TypeAlias = Annotated[
    list[str] | None,
    QueryParameter(
        description="With a tag, or several with commas, in any case; given more than once, with "
        "all of them"
    ),
]
SourceFilter: TypeAlias = Annotated[
    str | None,
    QueryParameter(max_length=500, pattern=LINE, description="Looked for in the source"),
]


def metadata_of(data: CreateMarketRequest | CreateEventRequest) -> Metadata:
    """Return the metadata of a new market or event."""
    return Metadata(data.category, tuple(data.tags or ()), data.source)


def change_of(data: UpdateMarketRequest | UpdateEventRequest) -> MetadataChange | None:
    """Return the change of metadata that a request asks for, None for none."""
    if data.category is UNSET and data.tags is UNSET and data.source is UNSET:
        return None
    tags = None if isinstance(data.tags, UnsetType) else tuple(data.tags or ())
    return MetadataChange(_text(data.category), tags, _text(data.source))


def _text(value: str | UnsetType | None) -> str | None:
    return None if isinstance(value, UnsetType) else value or ""


def text_filter(q: str | None) -> Callable[[str, str, Metadata], bool]:
    """Return a test of slug, title and metadata: whether one of slug, title, category and tags
    holds the text, in any case."""
    wanted = (q or "").casefold()

    def matches(slug: str, title: str, one: Metadata) -> bool:
        return wanted in slug or wanted in title.casefold() or wanted in _folded(one)

    return matches


@lru_cache(maxsize=16_384)
def _folded(one: Metadata) -> str:
    """Return category and tags as a search reads them, on a line each.

    It is cached: joining them costs a search more than the rest of a market.
    """
    return "\n".join((one.category or "", *one.tags)).casefold()


def metadata_filter(
    category: str | None, tags: Sequence[str] | None, source: str | None
) -> Callable[[Metadata], bool]:
    """Return a test of metadata: of the category, with all tags, the source holding the text."""
    asked = [tag.strip().casefold() for text in tags or () for tag in text.split(",")]
    sought, of, found_in = set(asked) - {""}, (category or "").casefold(), (source or "").casefold()

    def matches(one: Metadata) -> bool:
        return (
            of in ("", (one.category or "").casefold())
            and found_in in (one.source or "").casefold()
            and (not sought or sought <= {tag.casefold() for tag in one.tags})
        )

    return matches
