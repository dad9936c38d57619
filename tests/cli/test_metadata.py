"""Category, tags and source on the command line, and the terms that --like copies."""

import pytest

from tests.cli.answers import answer_all
from tests.support.command_line import Run
from tests.support.stub_data import MARKET
from tests.support.stub_exchange import Answer, Stub

GIVEN = ("--category", "weather", "--tag", "rain", "--tag", "oslo", "--source", "met.example")
FIELDS = {"category": "weather", "tags": ["rain", "oslo"], "source": "met.example"}


@pytest.fixture(autouse=True)
def _answers(stub: Stub) -> None:
    answer_all(stub)


def test_each_command_sends_what_is_given(run: Run, stub: Stub) -> None:
    """create, update and list send the metadata, for markets and for events."""
    new = {"market": ("snow", "Snow?"), "event": ("vote", "Who?", "--market", "ann=Ann?")}
    for kind, old in (("market", "rain"), ("event", "vote")):
        assert run(kind, "create", *new[kind], *GIVEN).code == 0
        assert run(kind, "update", old, *GIVEN).code == 0
        assert run(kind, "list", *GIVEN).code == 0
        created, updated, listed = stub.requests[-3:]
        for request in (created, updated):
            assert isinstance(request.body, dict)
            assert {name: request.body.get(name) for name in FIELDS} == FIELDS
        assert listed.query == {**FIELDS, "tags": "rain,oslo"}


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (("--category", ""), {"category": None}),
        (("--tag", ""), {"tags": None}),
        (("--tag", "wet", "--source", ""), {"tags": ["wet"], "source": None}),
        (("--description", "d"), {"description": "d"}),
    ],
)
def test_what_is_empty_is_removed(
    run: Run, stub: Stub, words: tuple[str, ...], body: dict[str, object]
) -> None:
    """An empty value removes a field; a field that is not given stays."""
    for kind, old in (("market", "rain"), ("event", "vote")):
        assert run(kind, "update", old, *words).code == 0
        assert stub.requests[-1].body == body


def test_a_market_like_another(run: Run, stub: Stub) -> None:
    """--like copies terms that are not given, but no question, closing time or status."""
    like = {**MARKET, **FIELDS, "tickSize": "0.0010", "description": "d", "closesAt": "2030-01-01"}
    stub.on("GET", "/v1/markets/rain", Answer(body={**like, "status": "HALTED"}))
    create = ("market", "create", "snow", "Snow?", "--like", "rain")
    assert run(*create).code == 0
    assert run(*create, "--tick", "0.1", "--tag", "snow", "--category", "").code == 0
    first, second = [request.body for request in stub.sent("POST", "/v1/markets")]
    terms = {"description": "d", "tickSize": "0.0010", "makerFeeRate": "0.0000", **FIELDS}
    assert first == {"slug": "snow", "question": "Snow?", "takerFeeRate": "0.0700", **terms}
    assert isinstance(second, dict)
    assert (second["tickSize"], second["tags"], second["category"]) == ("0.1", ["snow"], None)
