"""Dashboard, alerts and units agree with the existing metrics and settings."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from ruamel.yaml import YAML

from predmarket.variables import PREFIX, SERVERS
from tests.support.metric_names import explained

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
_PART = re.compile(r"_(bucket|count|sum)$")


def alerts() -> list[dict[str, Any]]:
    """Return the alert rules."""
    groups = YAML(typ="safe").load(DEPLOY / "prometheus" / "alerts.yml")["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """Return the dashboard's panels that show data."""
    board = json.loads((DEPLOY / "grafana" / "predmarket.json").read_text())
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    """Yield every expression, in the form that Prometheus receives."""
    yield from (rule["expr"] for rule in alerts())
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "1m").replace("$job", ".+")


def metrics_of(expression: str) -> set[str]:
    """Return the names of the metrics in an expression. Raises ValueError for invalid PromQL."""
    promql_parser.parse(expression)
    return {_PART.sub("", name) for name in re.findall(r"\b(\w+)\{", expression)}


def test_every_expression_is_of_metrics_that_there_are() -> None:
    """Every expression uses existing metrics; otherwise a panel is empty, an alert silent."""
    used = {name for expression in expressions() for name in metrics_of(expression)}
    assert used - explained() == {"up"}  # Prometheus' own
    assert len(used) > 15


@pytest.mark.parametrize("wrong", ["sum(rate(x[5m])", "x{job=predmarket}", ""])
def test_what_is_no_expression_is_found(wrong: str) -> None:
    """An invalid expression is found, so the test above can fail."""
    with pytest.raises(ValueError, match=r"unclosed|unexpected|no expression"):
        metrics_of(wrong)


def test_every_alert_has_its_section() -> None:
    """Every alert has a section of its name in the run-book."""
    sections = {
        line.removeprefix("## ").lower()
        for line in (ROOT / "docs" / "runbook.md").read_text().splitlines()
        if line.startswith("## ")
    }
    for rule in alerts():
        assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
        assert rule["alert"].lower() in sections
        assert rule["labels"]["severity"] in {"page", "ticket"}


def test_no_panel_covers_another() -> None:
    """Panels do not overlap, and fit the 24 columns."""
    taken: set[tuple[int, int]] = set()
    for panel in panels():
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


@pytest.mark.parametrize("unit", UNITS, ids=[unit.name for unit in UNITS])
def test_a_unit_starts_what_there_is(unit: Path) -> None:
    """A unit starts `serve` with existing flags, enough time to stop, and no privileges."""
    text = unit.read_text()
    (start,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    program, command, *words = shlex.split(start)
    assert (Path(program).name, command) == ("predmarket", "serve")
    flags = {word.removeprefix("--").replace("-", "_").upper() for word in words if word[0] == "-"}
    assert flags <= SERVERS
    named = {name.removeprefix(PREFIX) for name in re.findall(rf"{PREFIX}\w+", text)}
    assert named <= SERVERS
    for line in ("TimeoutStopSec=15", "NoNewPrivileges=yes", "CapabilityBoundingSet="):
        assert f"\n{line}\n" in text
