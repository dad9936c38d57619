"""How a market or an event is sorted, and where its answer will be found. No rule reads it."""

import msgspec


class Metadata(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Category, tags and source. Without any of them it is ``NO_METADATA``."""

    category: str | None = None
    tags: tuple[str, ...] = ()
    source: str | None = None

    def over(self, event: "Metadata") -> "Metadata":
        """Return a market's metadata; where it has none of its own, that of its event."""
        return Metadata(
            self.category or event.category, self.tags or event.tags, self.source or event.source
        )


class MetadataChange(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """New metadata: None leaves a field as it is, an empty value removes it."""

    category: str | None = None
    tags: tuple[str, ...] | None = None
    source: str | None = None

    def apply(self, to: Metadata) -> Metadata:
        """Return the metadata after the change."""
        return Metadata(
            to.category if self.category is None else self.category or None,
            to.tags if self.tags is None else self.tags,
            to.source if self.source is None else self.source or None,
        )


NO_METADATA = Metadata()
