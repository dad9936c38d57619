"""The README in the form that a package index shows."""

from pathlib import Path

from tests.deployment.package import relative_links
from tools.package_readme import addresses, described

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
TEXT = "![The screen](docs/screen.svg) See [the docs](docs/a.md), [home](https://example.com/x)."


def test_links_lead_to_the_repository() -> None:
    """With a known repository, links point to its commit and pictures to its raw files."""
    at = {
        "GITHUB_SERVER_URL": "https://forge.example",
        "GITHUB_REPOSITORY": "ann/market",
        "GITHUB_SHA": "abc",
    }
    base = "https://forge.example/ann/market"
    assert described(TEXT, at) == (
        f"![The screen]({base}/raw/abc/docs/screen.svg) See [the docs]({base}/blob/abc/docs/a.md), "
        "[home](https://example.com/x)."
    )
    assert not relative_links(described(README, at))


def test_links_become_text_elsewhere() -> None:
    """Without a repository links become text, and all other text stays."""
    assert described(TEXT, {}) == " See the docs, [home](https://example.com/x)."
    assert relative_links(README)
    shown = described(README, {})
    assert not relative_links(shown)
    assert len(shown.splitlines()) == len(README.splitlines())


def test_addresses_are_those_of_the_repository_that_builds() -> None:
    """Every linked page exists; without a known repository there are no addresses."""
    at = {"GITHUB_SERVER_URL": "https://forge.example", "GITHUB_REPOSITORY": "ann/market"}
    base = "https://forge.example/ann/market"
    found = addresses(at)
    assert (found.pop("Source"), found.pop("Issues")) == (base, f"{base}/issues")
    for address in found.values():
        assert (ROOT / address.removeprefix(f"{base}/blob/HEAD/")).is_file()
    assert addresses({}) == {}
