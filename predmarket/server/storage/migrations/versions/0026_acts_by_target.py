"""An index of the admin log by what an act was done to."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Find the acts on a market or an event without reading all others."""
    op.create_index("ix_admin_log_target", "admin_log", ["target", "id"])
