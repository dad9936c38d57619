"""A database with rows put in by hand, and a look at how queries go through them."""

from tests.support.database_rows import db

__all__ = ["db"]
