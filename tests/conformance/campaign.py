"""Runs schemathesis with all its checks over the document of a running exchange."""

import os
import subprocess
import sys
from pathlib import Path

from predmarket.server.process.seed import SeedUser
from tests.support.exchange import QUICK, ExchangeProcess

ROOT = Path(__file__).parents[2]


def exchange(folder: Path) -> ExchangeProcess:
    """Return an exchange with the seed data on SQLite, not started.

    Password hashing is cheap, because every attempted login hashes a password.
    """
    url = f"sqlite:///{folder / 'predmarket.db'}"
    return ExchangeProcess(folder, url, "--seed", program=QUICK)


def campaign(url: str, who: SeedUser, *flags: str) -> subprocess.CompletedProcess[str]:
    """Run schemathesis as a user.

    Its output names each failure, the seed and the command to repeat it.
    """
    who_is_asking = {
        "CONTRACT_URL": url,
        "CONTRACT_EMAIL": who.email,
        "CONTRACT_PASSWORD": who.password,
    }
    config = ROOT / "tests/conformance/schemathesis.toml"
    command = ["-m", "schemathesis.cli", "--config-file", str(config), "run"]
    return subprocess.run(
        [sys.executable, *command, f"{url}/openapi.json", "--checks", "all", "--no-color", *flags],
        env=os.environ | who_is_asking,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
