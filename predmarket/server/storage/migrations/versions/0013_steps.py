"""The core remembers the commands that are carried out in steps, in the batch's transaction.

A closing or a resolution that an older core began is found by its market (core/state_loader.py).
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no command has steps left so far."""
    unfinished = sa.Column("unfinished", sa.Text(), nullable=False, server_default=sa.text("'[]'"))
    op.add_column("core_state", unfinished)
