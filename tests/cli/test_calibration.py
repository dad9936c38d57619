"""calibration: its requests, its chart in the terminal and its chart in a file."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from predmarket.cli.reliability_diagram import text
from predmarket.client.response_types import CalibrationBin
from tests.cli.answers import CALIBRATION, answer_all
from tests.support.command_line import Run
from tests.support.stub_exchange import Answer, Stub

CIRCLE = "{http://www.w3.org/2000/svg}circle"


def dot(price: str, share: str) -> CalibrationBin:
    """Return a bin of one market."""
    return {"above": "", "to": "", "markets": 1, "price": price, "share": share}


@pytest.fixture(autouse=True)
def _answers(stub: Stub) -> None:
    answer_all(stub)


def test_what_is_asked_and_printed(run: Run, stub: Stub) -> None:
    """People get scores, table and chart; JSON is the API's own; CSV has the bins alone."""
    words = ("--before", "7d", "--event", "vote", "--category", "wet", "--tag", "a", "--tag", "b")
    table = run("calibration", *words)
    query = {"before": "7d", "event": "vote", "category": "wet", "tags": "a,b"}
    assert (table.code, stub.requests[0].query) == (0, query)
    assert "0.154321" in table.out
    assert "\n 1.00 |" in table.out
    assert json.loads(run("calibration", "-o", "json").out) == CALIBRATION
    lines = run("calibration", "-o", "csv").out.splitlines()
    assert lines[0] == "above,to,markets,price,share"
    assert len(lines) == 3


def test_the_picture_has_a_dot_for_each_bin(run: Run, tmp_path: Path) -> None:
    """The chart file has a dot for each bin, is self-contained, and overwrites no file."""
    file = tmp_path / "picture.svg"
    assert run("calibration", "--svg", str(file)).code == 0
    circles = ElementTree.fromstring(file.read_text(encoding="utf-8")).findall(CIRCLE)
    assert [(one.get("cx"), one.get("cy")) for one in circles] == [
        ("160", "402.86"),
        ("352.4", "140"),
    ]
    again = run("calibration", "--svg", str(file))
    assert (again.code, "exists already" in again.err) == (2, True)


def test_without_a_market_there_is_no_picture(run: Run, stub: Stub) -> None:
    """Without a market there is no chart and no error."""
    nothing = {**CALIBRATION, "markets": 0, "brierScore": None, "baseRate": None, "bins": []}
    stub.on("GET", "/v1/calibration", Answer(body=nothing))
    ran = run("calibration")
    assert (ran.code, "|" in ran.out) == (0, False)


def test_dots_lie_where_they_belong() -> None:
    """Dots at the corners and anywhere between have the right coordinates."""
    ends = text([dot("0.0001", "1"), dot("1", "0")])
    lines = ends.splitlines()
    assert (lines[1][7], lines[21][57]) == ("o", "o")
    middle = text([dot("0.5", "0.25")]).splitlines()
    assert middle[16][7 + 25] == "o"
