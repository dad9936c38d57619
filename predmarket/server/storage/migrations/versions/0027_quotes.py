"""The quotes of markets: from now on, beginning with the present ones."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PRESENT = """
INSERT INTO quotes
SELECT id, width, last_time / width * width, bid, bid, bid, ask, ask, ask, open_interest,
       last_price, volume
FROM (
    SELECT m.id, c.last_time, m.open_interest, m.last_price, m.volume,
        COALESCE((SELECT MAX(price) FROM orders WHERE market_id = m.id AND side = 'BUY'
                  AND status IN ('OPEN', 'PARTIALLY_FILLED')), 0) AS bid,
        COALESCE((SELECT MIN(price) FROM orders WHERE market_id = m.id AND side = 'SELL'
                  AND status IN ('OPEN', 'PARTIALLY_FILLED')), 10000) AS ask
    FROM markets m CROSS JOIN core_state c
) AS present
CROSS JOIN (
    SELECT 60000000 AS width
    UNION ALL SELECT 3600000000
    UNION ALL SELECT 86400000000
) AS widths
"""


def upgrade() -> None:
    """Create the table, and tell how each market stands now."""
    market = sa.ForeignKeyConstraint(["market_id"], ["markets.id"], name="fk_quotes_market_id")
    op.create_table(
        "quotes",
        sa.Column("market_id", BIG, nullable=False),
        sa.Column("width", BIG, nullable=False),
        sa.Column("start", BIG, nullable=False),
        sa.Column("bid_high", BIG, nullable=False),
        sa.Column("bid_low", BIG, nullable=False),
        sa.Column("bid", BIG, nullable=False),
        sa.Column("ask_high", BIG, nullable=False),
        sa.Column("ask_low", BIG, nullable=False),
        sa.Column("ask", BIG, nullable=False),
        sa.Column("open_interest", BIG, nullable=False),
        sa.Column("last_price", BIG),
        sa.Column("volume", BIG, nullable=False),
        sa.PrimaryKeyConstraint("market_id", "width", "start", name="pk_quotes"),
        *([market] if op.get_bind().dialect.name == "sqlite" else []),
        sqlite_with_rowid=False,
    )
    op.execute(_PRESENT)
