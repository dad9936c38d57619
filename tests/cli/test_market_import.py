"""market import and event import: requests from files, reports, and problems with line numbers."""

import json
from pathlib import Path

import pytest

from tests.support.command_line import Run
from tests.support.stub_exchange import Answer, Stub, refusal

MARKETS = """slug,question,tick,tags,closes,status
snow,"Snow,
or not?",0.001,winter; oslo,2030-01-01T00:00:00Z,draft

hail,Hail?,,,,
"""
SNOW = {
    "slug": "snow",
    "question": "Snow,\nor not?",
    "tickSize": "0.001",
    "tags": ["winter", "oslo"],
    "closesAt": "2030-01-01T00:00:00.000000Z",
    "status": "DRAFT",
}
HAIL = {"slug": "hail", "question": "Hail?"}
VOTE = {
    "slug": "vote",
    "title": "Who wins?",
    "exhaustive": True,
    "markets": [
        {"slug": "ann", "question": "Ann?", "label": "Ann"},
        {"slug": "bob", "question": "Bob?"},
    ],
}
EVENTS = """event,title,exhaustive,slug,question,label
vote,Who wins?,yes,ann,Ann?,Ann
vote,,,bob,Bob?,
"""


Element = tuple[str, str, str, list[str]]


def report(*rows: Element, dry_run: bool = False) -> Answer:
    """Return the answer of an import: kind, slug, status and differences of each element."""
    items = [
        {"kind": kind, "slug": slug, "status": status, "id": None, "differs": differs}
        for kind, slug, status, differs in rows
    ]
    return Answer(body={"dryRun": dry_run, "items": items})


@pytest.mark.parametrize(
    "text",
    [
        MARKETS,
        json.dumps([SNOW, HAIL]),
        json.dumps({"markets": [SNOW, HAIL]}),
        f"{json.dumps(SNOW)}\n\n{json.dumps(HAIL)}\n",
    ],
)
def test_markets_of_any_file(run: Run, stub: Stub, tmp_path: Path, text: str) -> None:
    """One request has all markets; the report gives each its place, and the totals."""
    file = tmp_path / "markets"
    file.write_text(text, encoding="utf-8")
    rows: list[Element] = [
        ("MARKET", "snow", "CREATED", []),
        ("MARKET", "hail", "EXISTS", ["question"]),
    ]
    stub.on("POST", "/v1/import", report(*rows))
    ran = run("market", "import", str(file), "-o", "json")
    assert ran.code == 0
    assert [request.body for request in stub.requests] == [{"markets": [SNOW, HAIL]}]
    places = ["line 2", "line 5"] if text is MARKETS else None
    if text.startswith("{") and "\n" in text:
        places = ["line 1", "line 3"]
    shown = json.loads(ran.out)
    assert [one["place"] for one in shown] == (places or ["market 1", "market 2"])
    assert [one["differs"] for one in shown] == [[], ["question"]]
    assert ran.err == "1 created, 1 there already and left as they are\n"


@pytest.mark.parametrize("text", [EVENTS, json.dumps([VOTE])])
def test_events_of_any_file(run: Run, stub: Stub, text: str) -> None:
    """A CSV line is a market; the event's own fields are in its first line."""
    stub.on("POST", "/v1/import", report(("EVENT", "vote", "NEW", []), dry_run=True))
    ran = run("event", "import", "-", "--dry-run", stdin=text)
    assert (ran.code, ran.err) == (0, "1 would be created\n")
    assert [request.body for request in stub.requests] == [{"events": [VOTE], "dryRun": True}]


@pytest.mark.parametrize(
    ("kind", "text", "path", "place"),
    [
        ("market", MARKETS, "markets.1.question", "line 5: question"),
        ("market", json.dumps([SNOW, HAIL]), "markets.1.question", "market 2: question"),
        ("market", MARKETS, "markets.0", "line 2"),
        ("event", EVENTS, "events.0.markets.1.slug", "line 3: slug"),
        ("event", EVENTS, "events.0.title", "line 2: title"),
        ("event", json.dumps([VOTE]), "events.0.markets.1.slug", "event 1: markets.1.slug"),
    ],
)
def test_problems_are_told_by_line(
    run: Run, stub: Stub, kind: str, text: str, path: str, place: str
) -> None:
    """All problems of the exchange are reported at once, with the file's line numbers."""
    problems = [{"path": path, "message": "is bad"}, {"path": "dryRun", "message": "is odd"}]
    stub.on("POST", "/v1/import", refusal(400, "VALIDATION_FAILED", "malformed", problems))
    ran = run(kind, "import", "-", stdin=text)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("nothing was created\n")
    assert f"  {place}: is bad\n  dryRun: is odd\n" in ran.err


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("market", "slug,colour\nsnow,red\n", "'colour' is no field of a market"),
        ("market", '[{"slug": "snow", "questoin": "?"}]', "market 1: 'questoin' is no field"),
        ("market", "slug,closes\nsnow,soon\n", "line 2: closesAt takes a time"),
        ("market", "slug\n", "holds no market"),
        ("event", "title,slug\nWho?,ann\n", "line 2 has no event"),
        (
            "event",
            "event,title\nvote,Who?\nvote,What?\n",
            "line 3: the event vote has another title",
        ),
        ("event", "event,exhaustive\nvote,perhaps\n", "exhaustive is true or false"),
    ],
)
def test_files_that_are_refused(run: Run, stub: Stub, kind: str, text: str, said: str) -> None:
    """An invalid file is refused before any request."""
    ran = run(kind, "import", "-", stdin=text)
    assert (ran.code, said in ran.err, stub.requests) == (2, True, []), ran.err
