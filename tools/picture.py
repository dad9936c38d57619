"""Draw docs/screen.svg, the picture of the trading screen: `python -m tools.picture`.

The busy market of the screen's goldens, drawn by the real screen and exported by Textual. The fonts
that its SVG asks a remote host for are left out: whoever shows the picture has a monospaced one.
"""

import asyncio
import re
import tempfile
from pathlib import Path

from tests.tui.scenes import deep
from tests.tui.screens import staged

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "screen.svg"
SIZE = (120, 40)
_REMOTE = re.compile(r"@font-face\s*\{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)
_FAMILY = re.compile(r"font-family: (Fira Code, ?)?monospace")
_LOCAL = "font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace"


async def draw() -> str:
    """Return the picture as SVG text."""
    with tempfile.TemporaryDirectory() as folder:
        async with staged(deep(), Path(folder), size=SIZE) as desktop:
            svg = desktop.app.export_screenshot(title="predmarket tui")
    return _FAMILY.sub(_LOCAL, _REMOTE.sub("", svg))


if __name__ == "__main__":
    PICTURE.write_text(asyncio.run(draw()), encoding="utf-8")
