"""A database with rows inserted by hand, and a view of the query plans."""

from tests.support.database_rows import db

__all__ = ["db"]
