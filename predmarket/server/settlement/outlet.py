"""Whoever is told of committed batches. The core knows no gateway; it is handed one of these."""

from collections.abc import Sequence
from typing import Protocol

from predmarket.server.changes import Changes


class Outlet(Protocol):
    """Told from the event loop of each committed batch, once and in order.

    A batch is told of after its own commands were answered. Must be quick and must not raise.
    """

    def committed(self, changes: Changes, encoded: bytes) -> None:
        """Take a batch that has just been committed; ``encoded``: as the outbox holds it."""

    def reloaded(self, recent: Sequence[Changes]) -> None:
        """Take what the outbox holds of the batches that it was not told of yet, in order.

        Called when the core has started, with what was committed before, and after each recovery:
        then with the batch whose commit had no answer, if it was committed. The market view holds
        these batches already.
        """


class NoOutlet:
    """Tells nobody."""

    def committed(self, changes: Changes, encoded: bytes) -> None:
        """Ignore it."""

    def reloaded(self, recent: Sequence[Changes]) -> None:
        """Ignore it."""
