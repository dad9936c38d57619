"""The core remembers how far it has dealt with the command stream, in the batch's transaction.

An exchange that has run in one process begins at the beginning of its first stream.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the stream's epoch and the place in it."""
    epoch = sa.Column("stream_epoch", BIG, nullable=False, server_default=sa.text("0"))
    place = sa.Column("stream_place", sa.Text(), nullable=False, server_default=sa.text("'0-0/0'"))
    op.add_column("core_state", epoch)
    op.add_column("core_state", place)
