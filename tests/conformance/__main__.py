"""`make contract` runs EXAMPLES requests for each call, as the seed's user and as its admin."""

import argparse
import sys
import tempfile
from pathlib import Path

from predmarket.server.process.seed import ADMIN, USER
from tests.conformance.campaign import campaign, exchange


def main() -> int:
    """Run both campaigns, each on a fresh exchange; return 1 when one found a failure."""
    parser = argparse.ArgumentParser(prog="contract", description=__doc__)
    parser.add_argument("--examples", type=int, default=200, help="for each call")
    parser.add_argument("--seed", type=int, help="repeat what printed it")
    given = parser.parse_args()
    flags = [f"--max-examples={given.examples}"]
    if given.seed is not None:
        flags.append(f"--seed={given.seed}")
    failed = False
    for who in (USER, ADMIN):
        with tempfile.TemporaryDirectory() as folder:
            daemon = exchange(Path(folder))
            daemon.start()
            found = campaign(daemon.url, who, *flags)
            code = daemon.stop()
            print(f"== as {who.email} ==\n{found.stdout}{found.stderr}", flush=True)
            failed |= found.returncode != 0 or code != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
