"""`python -m tests.classroom [--students N] [--database KIND]`: walk the whole class page."""

import argparse
import contextlib
import tempfile
from pathlib import Path

from tests.classroom.campaign import Walk, serving
from tests.support.postgres import PostgresServer, fresh_database


def main() -> None:
    """Walk the page on each database asked for and print what happened."""
    parser = argparse.ArgumentParser(prog="classroom", description=__doc__)
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--database", choices=["sqlite", "postgres"], action="append")
    given = parser.parse_args()
    for kind in given.database or ["sqlite", "postgres"]:
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            url = f"sqlite:///{folder / 'exchange' / 'predmarket.db'}"
            if kind == "postgres":
                server = stack.enter_context(PostgresServer())
                url = stack.enter_context(fresh_database(server.url()))
            at, password = stack.enter_context(serving(folder, url))
            print(f"{kind}: {Walk(folder, at, password, given.students).go()}", flush=True)


if __name__ == "__main__":
    main()
