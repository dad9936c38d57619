"""Whole screens as text at three sizes: complete and aligned."""

from pathlib import Path

import pytest

from tests.tui.golden import expect
from tests.tui.scenes import SCENES
from tests.tui.screens import staged

SIZES = [(80, 24), (120, 40), (200, 60)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "{}x{}".format(*size))
@pytest.mark.parametrize("name", SCENES)
async def test_a_scene(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    """The screen equals its reviewed text."""
    async with staged(SCENES[name](), tmp_path, size=size) as desktop:
        lines = desktop.text().splitlines()
    expect("screen-{}-{}x{}".format(name, *size), "".join(f"|{line}|\n" for line in lines))
