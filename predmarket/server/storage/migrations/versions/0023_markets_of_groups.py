"""Markets and events of groups: they exist for the members alone."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let markets and events name a group, and count what is announced to each group."""
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    for table in ("events", "markets"):
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN group_id {kind} "
            f"CONSTRAINT fk_{table}_group_id REFERENCES user_groups (id)"
        )
    seqs = sa.Column("group_seqs", sa.Text(), nullable=False, server_default=sa.text("'{}'"))
    op.add_column("core_state", seqs)
