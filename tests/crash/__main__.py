"""`python -m tests.crash [--kills N] [--seed S] [--database KIND]` runs a long campaign.

On sqlite and postgres it kills the one process. On a fleet of two cores and two gateways it
disturbs every part in turn.
"""

import argparse
import asyncio
import contextlib
import secrets
import sys
import tempfile
from pathlib import Path

from predmarket.server.storage import migrations
from tests.crash import fleet
from tests.crash.campaign import campaign
from tests.support.postgres import PostgresServer, fresh_database


def main() -> None:
    """Run a campaign on each requested database and print its counts."""
    parser = argparse.ArgumentParser(prog="crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="disturbances of each kind")
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    parser.add_argument("--database", choices=["sqlite", "postgres", "fleet"], action="append")
    given = parser.parse_args()
    for kind in given.database or ["sqlite", "postgres", "fleet"]:
        print(f"{kind}: --kills {given.kills} --seed {given.seed} --database {kind}", flush=True)
        with contextlib.ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            if kind == "fleet":
                print(f"{kind}: {fleet.campaign(folder, given.kills, given.seed)}")
                continue
            if kind == "sqlite":
                url = f"sqlite:///{folder / 'predmarket.db'}"
            else:
                server = stack.enter_context(PostgresServer())
                url = stack.enter_context(fresh_database(server.url()))
                migrations.upgrade(url)
            print(f"{kind}: {asyncio.run(campaign(folder, url, given.kills, given.seed))}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
