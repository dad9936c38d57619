"""The series of an event."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Give each event its slug for a series."""
    op.add_column("events", sa.Column("series", sa.Text(), nullable=False, server_default=""))
    op.execute("UPDATE events SET series = slug")
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("events", "series", server_default=None)
