"""The columns of a layout, in one word each."""

from decimal import Decimal

from predmarket.cli.grid import Column


def text(heading: str, key: str) -> Column:
    """Return a column of text."""
    return Column(heading, key)


def number(heading: str, key: str) -> Column:
    """Return a column of numbers."""
    return Column(heading, key, numeric=True)


def optional(heading: str, key: str) -> Column:
    """Return a column that is shown if a row has something in it."""
    return Column(heading, key, optional=True)


def no_price(heading: str, key: str) -> Column:
    """Return the column of the price of NO, when ``key`` holds that of YES."""

    def shown(value: object) -> object:
        return str(1 - Decimal(value)) if isinstance(value, str) else None

    return Column(heading, key, numeric=True, shown=shown)


def names(text: str) -> tuple[str, ...]:
    """Return the words of a text, as the fields of CSV."""
    return tuple(text.split())
