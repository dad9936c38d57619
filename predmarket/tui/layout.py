"""How the trader has laid the screen out, kept in a file beside keys.toml.

Sizes are kept for each class of terminal (app.py, breakpoints): a ladder as wide as it is wanted at
200 columns would leave no room at 80. What cannot be read is said, and the screen has its standard
layout; a file that cannot be written is said, too, and changes nothing on the screen.
"""

import asyncio
import json
from collections.abc import Callable, Collection
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from predmarket.files import replace_file

FILE = "screen.json"
MOST_CELLS = 1_000
PAUSE_S = 0.5
"""How long further changes are waited for before a layout is kept."""
_LARGEST_BYTES = 65_536


@dataclass(slots=True)
class Layout:
    """``sizes`` are cells by terminal class and pane; ``hidden`` names panes."""

    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)

    def size(self, terminal: str, pane: str) -> int | None:
        """Return how large a pane is wanted; None: as large as usual."""
        return self.sizes.get(terminal, {}).get(pane)

    def resize(self, terminal: str, pane: str, cells: int) -> None:
        """Note how large a pane is wanted."""
        self.sizes.setdefault(terminal, {})[pane] = cells


def load(folder: Path, panes: Collection[str]) -> tuple[Layout, list[str]]:
    """Return the layout that was kept for ``panes``, and what was wrong with the file."""
    path = folder / FILE
    try:
        with path.open("rb") as file:
            read = json.loads(file.read(_LARGEST_BYTES))
        return _layout(read, panes), []
    except FileNotFoundError:
        return Layout(), []
    except (OSError, ValueError, TypeError, RecursionError) as error:
        return Layout(), [f"{path}: {error}; the panes are as usual"]


def save(folder: Path, layout: Layout) -> None:
    """Keep a layout. Raises OSError."""
    kept = {"sizes": layout.sizes, "hidden": sorted(layout.hidden)}
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / FILE, json.dumps(kept, indent=2) + "\n")


class Keeper:
    """Keeps a layout a moment after it was changed, off the event loop; ``say`` tells failures."""

    def __init__(self, folder: Path, layout: Layout, say: Callable[[str], None]) -> None:
        self._folder = folder
        self._layout = layout
        self._say = say
        self._changed = False
        self._task: asyncio.Task[None] | None = None
        self._saving: asyncio.Future[None] | None = None

    def note(self) -> None:
        """Note that the layout is another one."""
        self._changed = True
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._later())

    async def end(self) -> None:
        """Keep what was not kept yet."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._saving is not None:  # a thread goes on, though its task was cancelled
            await asyncio.wait([self._saving])
        await self._keep()

    async def _later(self) -> None:
        while self._changed:
            await asyncio.sleep(PAUSE_S)
            await self._keep()

    async def _keep(self) -> None:
        if not self._changed:
            return
        self._changed = False
        kept = deepcopy(self._layout)
        try:
            self._saving = asyncio.ensure_future(asyncio.to_thread(save, self._folder, kept))
            await asyncio.shield(self._saving)
        except OSError as error:
            self._say(f"the layout is not kept: {error}")


def _layout(read: Any, panes: Collection[str]) -> Layout:  # noqa: ANN401  (as it was read)
    """Return what was read, without panes that there are not. Raises TypeError."""
    if not isinstance(read, dict):
        raise TypeError("must be an object")
    layout = Layout()
    sizes, hidden = read.get("sizes", {}), read.get("hidden", [])
    if not isinstance(sizes, dict) or not isinstance(hidden, list):
        raise TypeError("sizes must be an object, hidden a list")
    layout.hidden = {pane for pane in hidden if isinstance(pane, str) and pane in panes}
    for terminal, cells in sizes.items():
        for pane, size in (cells if isinstance(cells, dict) else {}).items():
            if pane in panes and type(size) is int and 0 < size <= MOST_CELLS:
                layout.resize(terminal, pane, size)
    return layout
