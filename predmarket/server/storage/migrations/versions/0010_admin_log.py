"""The admin log: every act of an admin, from now on.

The commands before are not in it, since the journal does not say who gave some of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table and remember after which command it begins."""
    op.create_table(
        "admin_log",
        sa.Column("id", BIG, nullable=False, autoincrement=True),
        sa.Column("at", BIG, nullable=False),
        sa.Column("actor_id", BIG),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("seq", BIG),
        sa.PrimaryKeyConstraint("id", name="pk_admin_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_admin_log_actor_id", "admin_log", ["actor_id", "id"])
    op.create_index("ix_admin_log_action", "admin_log", ["action", "id"])
    op.create_index("ix_admin_log_actor_id_action", "admin_log", ["actor_id", "action", "id"])
    op.create_index(
        "uq_admin_log_seq",
        "admin_log",
        ["seq"],
        unique=True,
        sqlite_where=sa.text("seq IS NOT NULL"),
        postgresql_where=sa.text("seq IS NOT NULL"),
    )
    begins = sa.Column("logged_from", BIG, nullable=False, server_default=sa.text("0"))
    op.add_column("core_state", begins)
    op.execute("UPDATE core_state SET logged_from = last_seq")
