"""pytest's fixture ``exchange``: a new exchange for each test, audited after it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from predmarket.testing.exchange import Exchange


@pytest.fixture
def exchange() -> "Iterator[Exchange]":
    """An exchange with a stepped clock (predmarket.testing.Exchange)."""
    from predmarket.testing.exchange import Exchange  # noqa: PLC0415  (only for who uses it)

    with Exchange() as made:  # which audits at its end
        yield made
