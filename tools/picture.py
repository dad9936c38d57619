"""Draw docs/screen.svg and docs/event.svg, pictures of the screen: `python -m tools.picture`.

The busy market and the event of the screen's goldens, drawn by the real screen and exported by
Textual. The fonts that its SVG asks a remote host for are left out: whoever shows the picture has a
monospaced one.
"""

import asyncio
import re
import tempfile
from pathlib import Path

from tests.tui.event_scenes import election
from tests.tui.scenes import deep
from tests.tui.screens import event_view, staged

DOCS = Path(__file__).resolve().parent.parent / "docs"
SIZE, EVENT_SIZE = (120, 40), (160, 40)
_REMOTE = re.compile(r"@font-face\s*\{.*?\}\s*|<!--.*?-->\s*", re.DOTALL)
_FAMILY = re.compile(r"font-family: (Fira Code, ?)?monospace")
_LOCAL = "font-family: 'DejaVu Sans Mono', Menlo, Consolas, monospace"


async def draw() -> dict[str, str]:
    """Return the pictures by their names, as SVG text."""
    with tempfile.TemporaryDirectory() as folder:
        async with staged(deep(), Path(folder), size=SIZE) as desktop:
            screen = desktop.app.export_screenshot(title="predmarket tui")
    with tempfile.TemporaryDirectory() as folder:
        async with event_view(election(), Path(folder), size=EVENT_SIZE) as (desktop, _, _client):
            event = desktop.app.export_screenshot(title="predmarket tui: an event")
    return {"screen.svg": _local(screen), "event.svg": _local(event)}


def _local(svg: str) -> str:
    """Return a picture that asks no host for a font."""
    return _FAMILY.sub(_LOCAL, _REMOTE.sub("", svg))


if __name__ == "__main__":
    for name, svg in asyncio.run(draw()).items():
        (DOCS / name).write_text(svg, encoding="utf-8")
