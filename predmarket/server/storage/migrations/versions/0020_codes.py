"""One-time codes, invitations, and the names under which users are shown."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, and give users a public name and an opening credit."""
    op.create_table(
        "user_codes",
        sa.Column("user_id", BIG, nullable=False, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name="pk_user_codes"),
        sa.UniqueConstraint("hash", name="uq_user_codes_hash"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_codes_user_id"),
    )
    op.create_table(
        "invites",
        sa.Column("id", BIG, nullable=False, autoincrement=True),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("uses", BIG, nullable=False),
        sa.Column("used", BIG, nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.Column("credit", BIG, nullable=False),
        sa.Column("group_id", BIG),
        sa.Column("creator_id", BIG, nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("revoked_at", BIG),
        sa.PrimaryKeyConstraint("id", name="pk_invites"),
        sa.UniqueConstraint("hash", name="uq_invites_hash"),
        sa.ForeignKeyConstraint(["group_id"], ["user_groups.id"], name="fk_invites_group_id"),
        sa.ForeignKeyConstraint(["creator_id"], ["users.id"], name="fk_invites_creator_id"),
        sa.CheckConstraint("used <= uses", name=op.f("ck_invites_used")),
    )
    op.add_column("users", sa.Column("display_name", sa.Text()))
    op.add_column("users", sa.Column("display_key", sa.Text()))
    credit = sa.Column("opening_credit", BIG, nullable=False, server_default=sa.text("0"))
    op.add_column("users", credit)
    chosen = sa.text("display_key IS NOT NULL")
    op.create_index(
        "uq_users_display_key",
        "users",
        ["display_key"],
        unique=True,
        sqlite_where=chosen,
        postgresql_where=chosen,
    )
