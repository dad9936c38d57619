"""What a package index shows: README and addresses, a build hook of hatchling (pyproject.toml).

The README's links and its picture are relative, so that they work in a checkout and on a fork. An
index has no files beside the description. Built where the repository is known (GITHUB_REPOSITORY,
as in a workflow), they become addresses of the very commit; elsewhere a link becomes its text and
a picture is left out, so that none leads nowhere.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\]]*)\]\((?P<target>[^)\s]+)\)")
_ABSOLUTE = ("https://", "http://", "#", "mailto:")


def described(text: str, environment: Mapping[str, str]) -> str:
    """Return a README with links that work wherever it is shown."""
    repository = environment.get("GITHUB_REPOSITORY")
    server = environment.get("GITHUB_SERVER_URL", "https://github.com")
    commit = environment.get("GITHUB_SHA", "HEAD")

    def replaced(link: re.Match[str]) -> str:
        picture, text, target = link["picture"], link["text"], link["target"]
        if target.startswith(_ABSOLUTE):
            return link[0]
        if repository:
            kind = "raw" if picture else "blob"
            return f"{picture}[{text}]({server}/{repository}/{kind}/{commit}/{target})"
        return "" if picture else text

    return _LINK.sub(replaced, text)


def addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the repository's pages by their labels, none where it is not known."""
    repository = environment.get("GITHUB_REPOSITORY")
    if not repository:
        return {}
    base = f"{environment.get('GITHUB_SERVER_URL', 'https://github.com')}/{repository}"
    pages = {
        "Documentation": "docs/architecture.md",
        "Changelog": "CHANGELOG.md",
        "Security": "SECURITY.md",
    }
    found = {label: f"{base}/blob/HEAD/{path}" for label, path in pages.items()}
    return {"Source": base, "Issues": f"{base}/issues", **found}


class PackageReadme(MetadataHookInterface):
    """Gives the package its description and its addresses."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set both."""
        metadata["urls"] = addresses(os.environ)
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        readme = {"content-type": "text/markdown", "text": described(text, os.environ)}
        metadata["readme"] = readme
