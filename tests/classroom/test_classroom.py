"""The class page with two students (the short form of `make class`)."""

from pathlib import Path

import pytest

from tests.classroom.campaign import Walk, serving


@pytest.mark.timeout(600)
def test_the_page_holds(tmp_path: Path) -> None:
    """Every command of the page works, from the accounts to the back-up."""
    with serving(tmp_path, f"sqlite:///{tmp_path / 'exchange' / 'predmarket.db'}") as (
        url,
        password,
    ):
        tally = Walk(tmp_path, url, password, 2).go()
    assert (tally.orders, tally.trades) == (4, 1)
