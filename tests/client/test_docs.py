"""The page on writing a client: its examples are valid Python and their imports exist."""

import ast
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "client.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example(example: str) -> None:
    """The example parses, and its imports work."""
    tree = ast.parse(example)
    imports: list[ast.stmt] = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    exec(compile(ast.Module(imports, []), str(PAGE), "exec"), {})


def test_there_are_examples() -> None:
    """The expression above finds examples."""
    assert len(EXAMPLES) >= 3
