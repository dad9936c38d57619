"""The modules that the screen's parts load, in a fresh interpreter."""

import pytest

from tests.support.imports import loaded_by


@pytest.mark.parametrize("name", ["predmarket.tui.trader", "predmarket.tui.actions"])
def test_the_headless_half_needs_no_terminal(name: str) -> None:
    """A desk without a screen loads neither Textual nor Rich."""
    assert {each.split(".")[0] for each in loaded_by(name)} & {"textual", "rich"} == set()
