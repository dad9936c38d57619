"""A real exchange for tests, notebooks and experiments, in the process that asks for it.

    from predmarket.testing import Exchange

    with Exchange() as exchange:
        exchange.market("rain", closes_at="2h")
        exchange.deposit("ann", 100)
        exchange.client("ann").place_order(...)
        exchange.clock.advance("3h")

pytest_plugin.py gives a test the same as the fixture ``exchange``. docs/testing-bots.md has
examples.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from predmarket.testing.exchange import Exchange

__all__ = ["Exchange"]


def __getattr__(name: str) -> object:
    """Load the server at the first use: pytest imports this package in every run."""
    if name == "Exchange":
        from predmarket.testing.exchange import Exchange  # noqa: PLC0415  (see above)

        return Exchange
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
