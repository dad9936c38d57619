"""Whoever counts what the core does. The core knows no metrics; it is handed one of these."""

from typing import Protocol


class Observer(Protocol):
    """Told from the event loop, after the fact. Must be quick and must not raise."""

    def settled(self, commands: int, trades: int) -> None:
        """Take note of a batch that is committed: its commands and its trades."""

    def commit_took(self, seconds: float) -> None:
        """Take note of how long a commit took that succeeded."""

    def recovered(self) -> None:
        """Take note of a repair."""


class Nobody:
    """Counts nothing."""

    def settled(self, commands: int, trades: int) -> None:
        """Ignore it."""

    def commit_took(self, seconds: float) -> None:
        """Ignore it."""

    def recovered(self) -> None:
        """Ignore it."""
