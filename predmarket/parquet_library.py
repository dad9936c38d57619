"""The library for Parquet files, which only the extra ``parquet`` installs."""

from types import ModuleType


class NoParquet(Exception):
    """The library is not installed; the message says how to install it."""


def pyarrow() -> ModuleType:
    """Return pyarrow, with its part for Parquet files loaded. Raises NoParquet."""
    try:
        import pyarrow  # noqa: PLC0415  (an extra, and slow)
        import pyarrow.parquet  # noqa: PLC0415  (as above)
    except ImportError:
        raise NoParquet(
            'Parquet needs pyarrow: pip install "predmarket-exchange[parquet]", or use CSV'
        ) from None
    found: ModuleType = pyarrow
    return found
