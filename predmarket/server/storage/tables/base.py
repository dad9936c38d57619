"""Common parts of all tables: metadata, names of constraints, kinds of columns."""

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, MetaData, text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

BigInt = BigInteger().with_variant(Integer(), "sqlite")
"""64 bits on both: SQLite makes only a column named INTEGER its row id."""


def counter(name: str) -> Column[int]:
    """Return the column of a topic's counter, which counts its changes (read_model/changes.py)."""
    return Column(name, BigInt, nullable=False, server_default=text("0"))


def reference(target: str) -> ForeignKey:
    """Return a foreign key that only SQLite checks.

    In SQLite a check is one search in a tree. In PostgreSQL it is a query and a lock, which
    together would be a quarter of an order's cost in the database (docs/performance.md).
    """
    return ForeignKey(target, info={"dialect": "sqlite"})
