"""An exchange that trades for two seconds; `make soak` goes on for an hour."""

from pathlib import Path

import pytest

from tests.soak.campaign import MORE, SLACK_MIB, Sample, Soaked, soak


def test_it_holds(tmp_path: Path) -> None:
    """Every request is answered, every order exists once, and money is conserved."""
    soaked = soak(tmp_path, f"sqlite:///{tmp_path / 'predmarket.db'}", 2, seed=1)
    assert soaked.acknowledged > 0
    assert soaked.sockets > 0
    assert min(sample.tasks for sample in soaked.samples) > 0


@pytest.mark.parametrize(
    "grown",
    [
        Sample(200 * 1.1 + SLACK_MIB + 1, 10, 5, 20),
        Sample(200, 11 + MORE, 5, 20),
        Sample(200, 10, 6 + MORE, 20),
        Sample(200, 10, 5, 21 + MORE),
    ],
    ids=["memory", "descriptors", "threads", "tasks"],
)
def test_what_grows_is_found(grown: Sample) -> None:
    """Growth is measured between the second and the last quarter, as the first is the start."""
    usual = Sample(200, 10, 5, 20)
    Soaked([Sample(1, 1, 1, 1), usual, usual, usual]).check()
    with pytest.raises(AssertionError):
        Soaked([usual, usual, usual, grown]).check()
