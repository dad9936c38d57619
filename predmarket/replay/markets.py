"""Makes the markets that a recording needs and the exchange does not have."""

from collections.abc import Callable

from predmarket.client import ApiError, Client


class MissingMarkets:
    """Looks for each market once. ``make`` makes one with a slug and a tick, without fees."""

    def __init__(self, admin: Client, make: Callable[[str, str], object] | None = None) -> None:
        self._admin = admin
        self._make = make or self._create
        self._there: set[str] = set()

    def require(self, slug: str, tick: str) -> None:
        """Make a market if it is missing. Raises ApiError, Unreachable."""
        if slug in self._there:
            return
        try:
            self._admin.market(slug)
        except ApiError as error:
            if error.status != 404:
                raise
            self._make(slug, tick)
        self._there.add(slug)

    def _create(self, slug: str, tick: str) -> None:
        self._admin.create_market(slug, f"{slug}? (replayed)", tick_size=tick)
