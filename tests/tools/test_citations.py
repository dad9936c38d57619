"""Comments, docstrings and pages cite pages of docs/ that exist, with headings that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CITING = [
    path
    for folder in ("predmarket", "tests", "tools", "benchmarks", "docs")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".md"} and path.parent != Path(__file__).parent
]

_HEADING = r"[A-Z]\w+(?: groups| examples)?"
_RULES = re.compile(
    rf"docs/market_rules\.md((?:,\s+{_HEADING})+)|\]\((?:docs/)?market_rules\.md#([\w-]+)\)"
)


def page_names(text: str) -> set[str]:
    """Return the pages of docs/ that a text names by their path from the root."""
    return set(re.findall(r"\bdocs/((?:adr/)?[\w-]+\.md)", text))


def rule_headings(text: str) -> set[str]:
    """Return the headings of the market rules that a text cites."""
    return {
        name
        for words, anchor in _RULES.findall(text)
        for name in (
            *re.findall(_HEADING, words),
            *([anchor.replace("-", " ").capitalize()] if anchor else []),
        )
    }


@pytest.mark.parametrize(
    ("text", "pages", "headings"),
    [
        ("Source: docs/market_rules.md, Fees, Bounds.", {"market_rules.md"}, {"Fees", "Bounds"}),
        ("(docs/market_rules.md, Positions)", {"market_rules.md"}, {"Positions"}),
        ("[x](docs/adr/0004-one-bare-route.md)", {"adr/0004-one-bare-route.md"}, set()),
        ("[x](market_rules.md#fees)", set(), {"Fees"}),
        ("docs/market_rules.md, Worked examples.", {"market_rules.md"}, {"Worked examples"}),
    ],
)
def test_a_citation_is_recognised(text: str, pages: set[str], headings: set[str]) -> None:
    """Paths and headings are found, also several in one text."""
    assert (page_names(text), rule_headings(text)) == (pages, headings)


def test_cited_pages_exist() -> None:
    """Every cited page exists, and every cited rule has its heading."""
    rules = (DOCS / "market_rules.md").read_text(encoding="utf-8")
    headings = set(re.findall(r"^## (.+)$", rules, re.MULTILINE))
    missing = []
    for path in CITING:
        text = path.read_text(encoding="utf-8")
        lost = {page for page in page_names(text) if not (DOCS / page).exists()}
        lost |= rule_headings(text) - headings
        missing += [f"{path.relative_to(ROOT)}: {name}" for name in sorted(lost)]
    assert missing == []


def test_sources_outside_the_repository_are_not_cited() -> None:
    """The code cites no page that only its author has."""
    outside = re.compile(
        r"\b(?:MARKET_RULES|API\.md|TERMINAL\.md|ARCHITECTURE,|REQUIREMENTS [A-Z]\d)"
    )
    citing = [str(path) for path in CITING if outside.search(path.read_text(encoding="utf-8"))]
    assert citing == []
