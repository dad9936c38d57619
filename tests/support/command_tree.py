"""All commands of the command line, by full name, from the registry."""

from collections.abc import Mapping

from predmarket.cli.registry import TREE, Branch, Entry, Leaf

LEAVES: dict[str, Leaf] = {}
GROUPS: list[str] = []


def _collect(tree: Mapping[str, Entry], above: str = "") -> None:
    for name, entry in tree.items():
        path = f"{above} {name}".strip()
        if isinstance(entry, Branch):
            GROUPS.append(path)
            _collect(entry.leaves, path)
        else:
            LEAVES[path] = entry


_collect(TREE)
