"""Runs a command line in the process of the test, against a stub exchange."""

import io
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from predmarket.cli.app import run as run_line
from tests.support.stub_exchange import Stub


@dataclass(frozen=True)
class Ran:
    """The result of a command: exit code and output."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]

ENDS_WITHIN_S = 240.0
"""The time limit of a command on a busy machine. It is shorter than the test's limit, so no process
outlives the test."""


@pytest.fixture
def stub() -> Iterator[Stub]:
    """An exchange of canned answers."""
    with Stub() as server:
        yield server


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The configuration folder."""
    return tmp_path / "config"


@pytest.fixture
def environment(stub: Stub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the stub's address, and hide the machine's own settings."""
    for name in [*os.environ]:
        if name.startswith("PREDMARKET_") or name in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}:
            monkeypatch.delenv(name)
    # unbuffered, stdout has nothing left to lose at exit, and a closed pipe is never noticed there
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    monkeypatch.setenv("PREDMARKET_URL", stub.url)
    monkeypatch.setenv("PREDMARKET_CONFIG_DIR", str(home))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")


@pytest.fixture
def run(
    environment: None, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run a command line in this process; ``stdin`` is its input."""

    def run_here(*words: str, stdin: str = "") -> Ran:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capfd.readouterr()
        code = run_line(words)
        out, err = capfd.readouterr()
        return Ran(code, out, err)

    return run_here
