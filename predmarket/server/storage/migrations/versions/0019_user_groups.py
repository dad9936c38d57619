"""Groups of users, which markets can belong to."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "user_groups",
        sa.Column("id", BIG, nullable=False, autoincrement=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_user_groups"),
        sa.UniqueConstraint("name_key", name="uq_user_groups_name_key"),
    )
    op.create_table(
        "user_group_members",
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.PrimaryKeyConstraint("group_id", "user_id", name="pk_user_group_members"),
        sa.ForeignKeyConstraint(
            ["group_id"], ["user_groups.id"], name="fk_user_group_members_group_id"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_group_members_user_id"),
    )
    op.create_index("ix_user_group_members_user_id", "user_group_members", ["user_id"])
