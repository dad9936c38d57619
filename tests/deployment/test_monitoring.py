"""Dashboard, alerts and units, held to the metrics and settings that there are."""

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
    """Return the dashboard's panels that show something."""
    board = json.loads((DEPLOY / "grafana" / "predmarket.json").read_text())
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions() -> Iterator[str]:
    """Yield every expression, as Prometheus gets it."""
    yield from (rule["expr"] for rule in alerts())
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"].replace("$__rate_interval", "1m").replace("$job", ".+")


def metrics_of(expression: str) -> set[str]:
    """Return the names of the metrics in an expression. Raises ValueError if it is no PromQL."""
    promql_parser.parse(expression)
    return {_PART.sub("", name) for name in re.findall(r"\b(\w+)\{", expression)}


def test_every_expression_is_of_metrics_that_there_are() -> None:
    """A panel of a metric that nobody makes is empty for ever, and an alert never fires."""
    used = {name for expression in expressions() for name in metrics_of(expression)}
    assert used - explained() == {"up"}  # Prometheus' own
    assert len(used) > 15


@pytest.mark.parametrize("wrong", ["sum(rate(x[5m])", "x{job=predmarket}", ""])
def test_what_is_no_expression_is_found(wrong: str) -> None:
    """So that the test above can fail."""
    with pytest.raises(ValueError, match=r"unclosed|unexpected|no expression"):
        metrics_of(wrong)


def test_every_alert_has_its_section() -> None:
    """In the run-book, under its name."""
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
    """Each has a place of its own, within the 24 columns."""
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
    """With flags of `serve`; it is given more time to stop than it takes, and no rights."""
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
