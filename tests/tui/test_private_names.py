"""Textual's private names are used in two files, and no name of ours collides with them."""

import ast
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import textual
from textual._compositor import Compositor, CompositorUpdate
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

import predmarket.tui
from predmarket.tui.widgets import component_styles, direct_paint

FOLDER = Path(predmarket.tui.__file__).parent
THEIRS = {Path(direct_paint.__file__), Path(component_styles.__file__)}
OURS = sorted(set(FOLDER.rglob("*.py")) - THEIRS)
_PRIVATE = re.compile(r"\bself\.(_[a-z]\w*)|def (_[a-z]\w*)")


def module(path: Path) -> ModuleType:
    """Import a file of the screen."""
    name = path.relative_to(FOLDER.parents[1]).with_suffix("").as_posix().replace("/", ".")
    return importlib.import_module(name.removesuffix(".__init__"))


def classes() -> Iterator[type]:
    """Yield every class of ours that derives from a class of Textual."""
    for path in OURS:
        found = module(path)
        for each in vars(found).values():
            if isinstance(each, type) and each.__module__ == found.__name__ and theirs(each):
                yield each


def theirs(ours: type) -> list[type]:
    """Return the classes of Textual that a class of ours derives from."""
    return [each for each in ours.__mro__ if each.__module__.split(".")[0] == textual.__name__]


@cache
def private(name: str) -> frozenset[str]:
    """Return the private names that a module's classes define or use on themselves."""
    source = Path(inspect.getfile(sys.modules[name])).read_text(encoding="utf-8")
    return frozenset(name for pair in _PRIVATE.findall(source) for name in pair if name)


def test_only_two_files_take_what_is_private_to_textual() -> None:
    """No other file imports a private module or name of Textual or uses private members."""
    for path in OURS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("textual"):
                parts = [*(node.module or "").split("."), *(each.name for each in node.names)]
                assert not any(part.startswith("_") for part in parts), (path, parts)
            elif isinstance(node, ast.Attribute) and node.attr.startswith("_"):
                own = isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}
                common = node.attr == "_replace" or node.attr.endswith("__")
                assert own or common, (path, node.lineno, node.attr)


def test_no_private_name_of_ours_is_one_of_textual() -> None:
    """No private name of ours exists in Textual, where one would override the other."""
    met = {(ours.__module__, each.__module__) for ours in classes() for each in theirs(ours)}
    assert len(met) > 50
    for ours, each in met:
        assert private(ours) & private(each) == set(), (ours, each)


def taken_from_others(file: ModuleType) -> set[str]:
    """Return the private names that a file uses on objects other than ``self``."""
    source = Path(file.__file__ or "").read_text(encoding="utf-8")
    return {node.attr for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Attribute) and node.attr.startswith("_")
            and not node.attr.startswith("__")
            and not (isinstance(node.value, ast.Name) and node.value.id == "self")}  # fmt: skip


def test_what_the_two_files_take_is_still_there() -> None:
    """The installed Textual has the private names that the two files use."""
    assert taken_from_others(component_styles) == {
        "_get_component_classes",
        "_process_component_classes",
    }
    assert "_process_component_classes" in vars(Stylesheet)
    assert "_get_component_classes" in vars(DOMNode)
    ours = private("predmarket.tui.widgets.component_styles") - {"_process_component_classes"}
    assert ours & private("textual.css.stylesheet") == set()
    assert taken_from_others(direct_paint) == {"_compositor", "_batch_count", "_display"}
    assert {"_batch_count", "_display"} <= private("textual.app")
    assert "_compositor" in private("textual.screen")
    assert isinstance(inspect.getattr_static(Compositor, "visible_widgets"), property)
    assert "render_segments" in vars(CompositorUpdate)
