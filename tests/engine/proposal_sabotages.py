"""Deliberate mistakes in proposed resolutions, and for each the test that must catch it."""

from tests.support.sabotage import Sabotage

RESOLUTIONS = "predmarket/engine/resolutions.py"
LIFECYCLE = "predmarket/engine/lifecycle.py"
EVENT_LIFECYCLE = "predmarket/engine/event_lifecycle.py"
SNAPSHOT = "predmarket/engine/snapshot.py"


def _test(name: str) -> str:
    return f"tests/engine/test_proposals.py::test_{name}"


PROPOSAL_SABOTAGES = (
    Sabotage(
        "a proposer confirms alone",
        RESOLUTIONS,
        "    if proposal.by_two and",
        "    if False and",
        _test("by_two_only_another_admin_makes_it"),
    ),
    Sabotage(
        "what is proposed can be opened",
        LIFECYCLE,
        "    if status is not None and market.proposed:\n",
        "    if False:\n",
        _test("withdrawn_it_stays_closed_until_opened"),
    ),
    Sabotage(
        "a market of a proposed event is struck",
        EVENT_LIFECYCLE,
        "    if event.proposal is not None:\n        return _decides",
        "    if False:\n        return _decides",
        _test("an_event_is_proposed_with_all_its_markets"),
    ),
    Sabotage(
        "a proposal is no part of the state",
        SNAPSHOT,
        '        parts["proposals"] = proposals\n',
        "        pass\n",
        _test("a_proposal_closes_and_pays_nothing"),
    ),
    Sabotage(
        "an event leaves its markets' proposals",
        RESOLUTIONS,
        "        state.drop_proposal(market)\n    event.proposal",
        "        pass\n    event.proposal",
        _test("a_proposed_strike_leaves_two_outcomes"),
    ),
)
