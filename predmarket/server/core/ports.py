"""The core's ports: what it hands committed batches to, and what counts its work.

The core knows neither gateway nor metrics; it is handed one of each.
"""

from collections.abc import Sequence
from typing import Protocol

from predmarket.server.read_model.changes import Changes


class Observer(Protocol):
    """Told from the event loop, after the fact. Must be quick and must not raise."""

    def settled(self, commands: int, trades: int) -> None:
        """Take note of a batch that is committed: its commands and its trades."""

    def commit_took(self, seconds: float) -> None:
        """Take note of how long a commit took that succeeded."""

    def recovered(self) -> None:
        """Take note of a repair."""


class NullObserver:
    """Counts nothing."""

    def settled(self, commands: int, trades: int) -> None:
        """Ignore it."""

    def commit_took(self, seconds: float) -> None:
        """Ignore it."""

    def recovered(self) -> None:
        """Ignore it."""


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


class NullOutlet:
    """Tells nobody."""

    def committed(self, changes: Changes, encoded: bytes) -> None:
        """Ignore it."""

    def reloaded(self, recent: Sequence[Changes]) -> None:
        """Ignore it."""
