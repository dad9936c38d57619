"""The repository's own Python files, read and parsed once a process."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@cache
def trees(folder: str) -> list[tuple[Path, ast.Module]]:
    """Return the files below a folder, by their path from the root, with their syntax trees."""
    return [
        (path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8")))
        for path in sorted((ROOT / folder).rglob("*.py"))
    ]
