"""Whole screens as pictures: colours and grounds too, which the texts of test_scenes.py leave out.

A picture is the SVG that Textual exports, an element a line, without the addresses of its fonts,
the numbers that change with every letter, and what no eye sees. To look at one, open
tests/tui/golden/*.svg in a browser.
"""

import re
from pathlib import Path

import pytest

from predmarket.tui.themes import DARK, LIGHT
from tests.tui.golden import expect
from tests.tui.scenes import deep
from tests.tui.screens import staged

WIDE, SMALL = (120, 40), (80, 24)


@pytest.mark.parametrize(
    ("name", "size", "theme", "keys"),
    [
        ("trading-dark", WIDE, DARK, ()),
        ("trading-light", WIDE, LIGHT, ("down", "down", "f8")),
        ("markets", SMALL, DARK, ("f2",)),
        ("portfolio", WIDE, DARK, ("f4",)),
    ],
)
async def test_a_picture(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    size: tuple[int, int],
    theme: str,
    keys: tuple[str, ...],
) -> None:
    """The screen equals its reviewed picture."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    async with staged(deep(), tmp_path, size=size) as desktop:
        desktop.app.theme = theme
        await desktop.press(*keys)
        for _ in range(3):
            await desktop.frame()
        svg = desktop.app.export_screenshot(title=name)
    expect(f"{name}.svg", plain(svg))


def plain(svg: str) -> str:
    """Return a picture without differences that no viewer sees."""
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<clipPath.*?</clipPath>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' clip-path="[^"]*"', "", svg)
    svg = re.sub(r"terminal-\d+-", "", svg)
    svg = re.sub(r">\s*<", ">\n<", svg)
    return "\n".join(line.strip() for line in svg.splitlines() if line.strip()) + "\n"
