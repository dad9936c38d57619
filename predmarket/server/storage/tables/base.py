"""What all tables share: the metadata, the names of constraints, the integer type."""

from sqlalchemy import BigInteger, ForeignKey, Integer, MetaData

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


def reference(target: str) -> ForeignKey:
    """Return a foreign key that SQLite alone checks.

    There a check is one search in a tree; on PostgreSQL it is a query and a lock of its own, which
    together would be a quarter of what an order costs the database (docs/performance.md).
    """
    return ForeignKey(target, info={"dialect": "sqlite"})
