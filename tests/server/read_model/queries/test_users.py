"""The query for a page of users, and its plan."""

from predmarket.server.read_model.queries.users import find_users
from predmarket.server.storage.database import Database
from tests.support.database_rows import Sent


async def test_a_page_of_all_users_is_not_sorted(db: Database) -> None:
    """The index of ids gives the order, so a page costs the same among any number of users."""
    async with db.read() as connection:
        sent = Sent(connection)
        await find_users(connection, None, limit=10, after=1)
        sent.statements.pop()  # the last one counts
        plan = await sent.plan()
    assert "pk_users" in plan or "USING INTEGER PRIMARY KEY" in plan
    assert not {"Sort", "B-TREE"} & set(plan.split()), plan
