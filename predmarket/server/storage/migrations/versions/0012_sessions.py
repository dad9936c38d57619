"""Sessions say when, where and by which program they were last used."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns. Of older sessions nothing is known until they are used."""
    op.add_column("sessions", sa.Column("last_used_at", BIG))
    op.add_column("sessions", sa.Column("address", sa.Text()))
    op.add_column("sessions", sa.Column("agent", sa.Text()))
