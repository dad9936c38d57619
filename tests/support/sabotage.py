"""A deliberate mistake: a change of one place, and the test that must catch it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sabotage:
    """One mistake: ``old``, found exactly once in ``file``, becomes ``new``."""

    name: str
    file: str
    old: str
    new: str
    test: str
    """The test that must fail, as pytest names it."""
