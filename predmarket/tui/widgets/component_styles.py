"""Works out the styles of a widget's component classes only when they can have changed.

Textual works them out anew whenever it looks at a widget, and it looks at every widget some times
while a screen opens. A widget that draws its own lines has up to thirty of them: this took more
than half of what it takes to open the screen.

Textual has no public interface for this, so this module overrides a private method
(tests/tui/test_private_names.py). tests/tui/test_component_styles.py compares the result with
Textual's own.
"""

from typing import NamedTuple
from weakref import WeakKeyDictionary

from textual.css.model import RuleSet, SelectorType
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

State = tuple[tuple[str | None, frozenset[str], tuple[bool, ...]], ...]
"""What rules can ask of a widget and what it stands in, outermost first."""


class _Rules(NamedTuple):
    """The rules for the components of one class of widgets, and what they ask for."""

    rules: list[RuleSet]
    pseudo_classes: list[str]
    classes: frozenset[str]


class CachingStylesheet(Stylesheet):
    """Textual's stylesheet, which keeps component styles while rules and widget stay the same."""

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._read_from: list[RuleSet] | None = None
        self._by_class: dict[type[DOMNode], _Rules] = {}
        self._styled: WeakKeyDictionary[DOMNode, tuple[list[RuleSet], State]] = WeakKeyDictionary()

    def reparse(self) -> None:
        """Apply new variables, or new sources, of which what is parsed stays."""
        self.parse()

    def _process_component_classes(self, node: DOMNode) -> None:
        asked = self._rules_for(type(node))
        if asked is None:
            return
        state = tuple(
            (
                each.id,
                each.classes & asked.classes,
                tuple(each.has_pseudo_classes({name}) for name in asked.pseudo_classes),
            )
            for each in node.css_path_nodes
        )
        if self._styled.get(node) != (asked.rules, state):
            super()._process_component_classes(node)
            self._styled[node] = asked.rules, state

    def _rules_for(self, kind: type[DOMNode]) -> _Rules | None:
        """Return the rules for the components of a class, None if it has no components."""
        if (
            self._read_from is not self.rules
        ):  # other rules, or the same beside those of new widgets
            self._read_from = self.rules
            self._by_class.clear()
        if kind in self._by_class:
            return self._by_class[kind]
        components = kind._get_component_classes()  # noqa: SLF001  (see above)
        if not components:
            return None
        # what a component itself is: a node of this type, without an id, of one class
        names = ("*", DOMNode.__name__, *(f".{name}" for name in sorted(components)))
        rules = [rule for name in names for rule in self.rules_map.get(name, ())]
        selectors = [
            one
            for rule in rules
            for way in rule.selector_set
            if not way.selectors[-1].pseudo_classes  # which no component is ever in
            for one in way.selectors
        ]
        pseudo_classes = set[str]().union(*(one.pseudo_classes for one in selectors))
        classes = {one.name for one in selectors if one.type is SelectorType.CLASS}
        found = _Rules(rules, sorted(pseudo_classes), frozenset(classes - components))
        self._by_class[kind] = found
        return found
