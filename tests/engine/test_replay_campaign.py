"""The journal of random commands leads to one state under any hash seed; the campaign says when
it does not."""

from pathlib import Path

import pytest

from tests.engine import replay_campaign, replayed
from tests.engine.replay_campaign import campaign, main, python_of, replay, write


def test_a_journal_leads_to_one_state_under_any_hash_seed(tmp_path: Path) -> None:
    """In this process, which has a seed of its own, and in another one with a given seed."""
    path = tmp_path / "journal"
    for seed in (1, 31):  # markets alone, and events with proposals
        wanted = write(path, 300, seed)
        assert wanted.commands >= 300
        assert replayed.replay(path) == wanted
    wanted = write(path, 300, 7)
    version = wanted.python.rpartition(".")[0]
    assert replay(python_of(version, tmp_path), "0", path) == wanted


def test_a_difference_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """So is an interpreter that is not here; neither is a success."""
    path = tmp_path / "journal"
    wanted = write(path, 50, 1)
    other = write(tmp_path / "other", 50, 2)
    monkeypatch.setattr(replay_campaign, "HASH_SEEDS", ("0",))
    monkeypatch.setattr(replay_campaign, "replay", lambda *_: other)
    version = wanted.python.rpartition(".")[0]
    assert not campaign(path, wanted, [version], tmp_path)
    assert "DIFFERS" in capsys.readouterr().out
    assert campaign(path, other, [version], tmp_path)
    assert main(["--commands", "20", "--python", "3.999"]) == 1
    assert "Python 3.999 is missing" in capsys.readouterr().out
