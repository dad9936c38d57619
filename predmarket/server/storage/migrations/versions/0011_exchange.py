"""The exchange's own name, from which all its names in Redis are derived."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table. Its one row is made when first asked for (server/redis/naming.py)."""
    op.create_table(
        "exchange",
        sa.Column("id", BIG, nullable=False, autoincrement=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_exchange"),
        sa.CheckConstraint("id = 1", name="single"),
    )
