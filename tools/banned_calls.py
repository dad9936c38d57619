"""Refuse clock, randomness, I/O and floats in the code that must decide the same everywhere.

The journal replayed on another machine, another day, another Python must give the same state byte
for byte. So the deterministic files may import only what is listed here, may not call what reads
the world or a hash seed, and may not form a float. The syntax tree is looked at, not the text:
a comment about time is fine. What no syntax shows (the iteration order of a set of strings) is
left to the replay tests.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DETERMINISTIC = ("predmarket/engine", "predmarket/units.py", "predmarket/enums.py")

ALLOWED_IMPORTS = frozenset(
    {
        "__future__",
        "abc",
        "bisect",
        "collections",
        "dataclasses",
        "decimal",  # exact; the check on / keeps its rounding out
        "enum",
        "functools",
        "hashlib",  # the state hash
        "heapq",
        "itertools",
        "msgspec",  # commands and events are structs
        "operator",
        "predmarket",  # which parts of it is the import contracts' business
        "struct",
        "types",
        "typing",
    }
)
BANNED_CALLS = {
    "__import__": "imports past this check",
    "breakpoint": "talks to a terminal",
    "compile": "hides code from this check",
    "complex": "is a float",
    "eval": "hides code from this check",
    "exec": "hides code from this check",
    "float": "is a float",
    "hash": "depends on PYTHONHASHSEED",
    "id": "depends on where the object lies in memory",
    "input": "is I/O",
    "open": "is I/O",
    "print": "is I/O",
}


def violations(source: str, filename: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the reason of everything in ``source`` that is not deterministic."""
    for node in ast.walk(ast.parse(source, filename)):
        match node:
            case ast.Import(names=names):
                modules = [alias.name for alias in names]
                yield from _imports(node.lineno, modules)
            case ast.ImportFrom(module=str(module), level=0):
                yield from _imports(node.lineno, [module])
            case ast.Call(func=ast.Name(id=name)) if name in BANNED_CALLS:
                yield node.lineno, f"{name}() {BANNED_CALLS[name]}"
            case ast.Constant(value=float() | complex()):
                yield node.lineno, f"{node.value!r} is a float"
            case ast.BinOp(op=ast.Div()) | ast.AugAssign(op=ast.Div()):
                yield node.lineno, "/ makes a float; // and % are exact"


def _imports(line: int, modules: list[str]) -> Iterator[tuple[int, str]]:
    for module in modules:
        if module.partition(".")[0] not in ALLOWED_IMPORTS:
            yield line, f"{module} is not among the imports that deterministic code may use"


def check(root: Path) -> list[str]:
    """Return one line for each violation under ``root``, in the form path:line: reason."""
    found = []
    for part in DETERMINISTIC:
        path = root / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            name = file.relative_to(root).as_posix()
            found += [
                f"{name}:{line}: {why}" for line, why in sorted(violations(file.read_text(), name))
            ]
    return found


def main() -> int:
    """Print what is wrong; the exit code says whether anything is."""
    found = check(ROOT)
    print(*found, sep="\n") if found else print("Deterministic code: nothing banned.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
