"""`python -m tests.failover [--faults N] [--seed S]` runs a fleet whose database fails over."""

import argparse
import secrets
import tempfile
from pathlib import Path

from tests.failover.campaign import campaign


def main() -> None:
    """Run a campaign and print its counts."""
    parser = argparse.ArgumentParser(prog="failover", description=__doc__)
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--seed", type=int, default=secrets.randbits(32))
    given = parser.parse_args()
    again = f"python -m tests.failover --faults {given.faults} --seed {given.seed}"
    print(f"repeat with: {again}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        print(campaign(Path(folder), given.faults, given.seed), flush=True)


if __name__ == "__main__":
    main()
