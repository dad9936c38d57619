"""Migrations form one line, so that two written side by side are found at once."""

import ast
from itertools import pairwise

from tests.support.sources import trees

VERSIONS = "predmarket/server/storage/migrations/versions"


def revisions() -> list[tuple[str, dict[str, object]]]:
    """Return the number in each migration's file name with the strings that the file assigns."""
    return [
        (
            path.name.partition("_")[0],
            {
                target.id: node.value.value
                for node in tree.body
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
                for target in node.targets
                if isinstance(target, ast.Name)
            },
        )
        for path, tree in trees(VERSIONS)
    ]


def test_each_number_is_given_once() -> None:
    """Numbers start at 0001 without a gap, and each file's number is its revision."""
    found = revisions()
    assert [number for number, _ in found] == [f"{n:04}" for n in range(1, len(found) + 1)]
    assert [stated["revision"] for _, stated in found] == [number for number, _ in found]


def test_there_is_one_head() -> None:
    """Each migration follows the one before it; the first follows none."""
    found = revisions()
    assert found[0][1]["down_revision"] is None
    follows = [(before, stated["down_revision"]) for (before, _), (_, stated) in pairwise(found)]
    assert [before for before, _ in follows] == [stated for _, stated in follows]
