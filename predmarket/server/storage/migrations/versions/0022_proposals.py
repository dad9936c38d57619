"""Proposed resolutions of markets and events."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a market and an event keep what is proposed for it."""
    for table in ("markets", "events"):
        op.add_column(table, sa.Column("proposal", sa.Text()))
