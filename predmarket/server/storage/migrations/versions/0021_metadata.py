"""Category, tags and source of markets and events."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, empty."""
    for table in ("markets", "events"):
        for name in ("category", "tags", "source"):
            op.add_column(table, sa.Column(name, sa.Text()))
