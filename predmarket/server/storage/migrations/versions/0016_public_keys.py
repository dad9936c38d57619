"""Public keys of API keys, for signed requests."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a key have a public key, and a name to sign under."""
    op.add_column("api_keys", sa.Column("access_id", sa.Text()))
    op.add_column("api_keys", sa.Column("public_key", sa.LargeBinary()))
    given = sa.text("access_id IS NOT NULL")
    op.create_index(
        "uq_api_keys_access_id",
        "api_keys",
        ["access_id"],
        unique=True,
        sqlite_where=given,
        postgresql_where=given,
    )
