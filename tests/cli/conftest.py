"""Fixtures of the command line's tests: a stub exchange, and two ways to run a command.

`run` runs it inside the test's process, which is fast; `spawn` starts a process, for what only a
process shows: streams, signals, what is imported.
"""

import subprocess
import sys

import pytest

from tests.support.command_line import ENDS_WITHIN_S, Ran, Run, environment, home, run, stub

__all__ = ["environment", "home", "run", "stub"]


@pytest.fixture
def spawn(environment: None) -> Run:
    """Run a command line in a process of its own."""

    def run_there(*words: str, stdin: str = "") -> Ran:
        done = subprocess.run(
            [sys.executable, "-m", "predmarket.cli", *words],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=ENDS_WITHIN_S,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run_there
