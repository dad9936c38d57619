"""Where a fork comes from."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Note an exchange's origin; it is empty for one that is no fork."""
    origin = sa.Column("origin", sa.Text(), nullable=False, server_default=sa.text("''"))
    op.add_column("core_state", origin)
