"""Whole screens as text, at three sizes: nothing cut off, nothing out of line."""

from pathlib import Path

import pytest

from tests.tui.golden import expect
from tests.tui.scenes import SCENES
from tests.tui.screens import staged

SIZES = [(80, 24), (120, 40), (200, 60)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: "{}x{}".format(*size))
@pytest.mark.parametrize("name", SCENES)
async def test_a_scene(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    """It looks as it did when somebody last looked at it."""
    async with staged(SCENES[name](), tmp_path, size=size) as desktop:
        lines = desktop.text().splitlines()
    expect("screen-{}-{}x{}".format(name, *size), "".join(f"|{line}|\n" for line in lines))
