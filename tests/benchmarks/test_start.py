"""The commands that the row start measures."""

import pytest

from benchmarks.rows.start import WORK, answer
from tests.support.command_line import Run, environment, home, run, stub
from tests.support.stub_exchange import Stub

__all__ = ["environment", "home", "run", "stub"]


@pytest.mark.parametrize("words", [words for _, words, extra, _ in WORK if not extra])
def test_they_are_answered(
    run: Run, stub: Stub, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    """The stub exchange answers whatever a command asks for."""
    answer(stub)
    monkeypatch.setenv("PREDMARKET_API_KEY", "of-no-account")
    done = run(*words)
    assert done.code == 0, done.err
