"""A ledger entry keeps the cash after it, so that a page of a statement adds nothing up."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BALANCES = """
    UPDATE ledger SET balance = sums.balance
    FROM (
        SELECT user_id, id, SUM(amount) OVER (PARTITION BY user_id ORDER BY id) AS balance
        FROM ledger
    ) AS sums
    WHERE ledger.user_id = sums.user_id AND ledger.id = sums.id
"""


def upgrade() -> None:
    """Add the column, and each user's entries up to each of them."""
    op.add_column("ledger", sa.Column("balance", BIG, nullable=False, server_default=sa.text("0")))
    op.execute(_BALANCES)
