"""The names of metrics that docs/monitoring.md explains."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "monitoring.md"


def explained() -> set[str]:
    """Return the names in the first column of the page's table of metrics."""
    table = PAGE.read_text().partition("## The metrics")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}
