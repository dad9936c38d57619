"""E-mails are stored as they are compared: NFC and case-folded."""

import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_AT_ONCE = 1_000

_users = sa.table("users", sa.column("id", sa.BigInteger), sa.column("email", sa.Text))


def _normal(email: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", email.strip()).casefold())


def upgrade() -> None:
    """Rewrite e-mails into their normal form; one stays when another user has that form."""
    connection, last = op.get_bind(), 0
    of_email = sa.select(_users.c.id).where(_users.c.email == sa.bindparam("given"))
    while True:
        some = sa.select(_users).where(_users.c.id > last).order_by(_users.c.id).limit(_AT_ONCE)
        rows = connection.execute(some).all()
        if not rows:
            return
        last = rows[-1].id
        for id, email in rows:
            normal = _normal(email)
            if normal != email and connection.execute(of_email, {"given": normal}).first() is None:
                connection.execute(sa.update(_users).where(_users.c.id == id).values(email=normal))
