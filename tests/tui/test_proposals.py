"""Proposed resolutions on the screen: in the messages, the list and the header."""

from dataclasses import replace
from pathlib import Path

import pytest

from predmarket.client import messages as feed
from predmarket.client import response_types
from predmarket.tui.state.proposal import of_wire
from predmarket.tui.state.trading_state import TradingState
from tests.tui.screens import go_live, scripted
from tests.tui.script import LIVE, NOW, change, event, market, snapshot

PROPOSAL: response_types.Proposal = {
    "outcome": "SCALAR",
    "settlementPrice": "0.2500",
    "note": "It rained.\nTwice.",
    "source": "https://example.com",
    "actorId": 3,
    "effectiveAt": "2030-03-18T17:46:40.000000Z",
}


def test_it_is_told_once() -> None:
    """A proposal's author, reason, time and withdrawal each give one message; an end gives none."""
    state = TradingState()
    state.take(LIVE, NOW)
    data: response_types.MarketsSnapshot = {"items": [market()], "events": [event()]}
    state.take(snapshot(feed.MarketsSnapshot, "markets", data), NOW)
    proposed = market(status="CLOSED", proposal=PROPOSAL)
    for seq, wire in enumerate((proposed, proposed, market(status="CLOSED")), 2):
        state.take(change(feed.MarketChanged, "markets", wire, seq), NOW)
    won: response_types.EventProposal = {
        "outcome": "mayor-ann",
        "weights": None,
        "note": None,
        "source": None,
        "actorId": 3,
        "effectiveAt": None,
    }
    state.take(change(feed.EventChanged, "markets", event(proposal=won), 5), NOW)
    assert [note.text for note in state.journal.notes] == [
        "mayor: mayor-ann proposed by user 3",
        "rain: the proposal is withdrawn",
        "rain: 0.2500 proposed by user 3: It rained. Twice. https://example.com",
        "rain is closed",
    ]


@pytest.mark.parametrize(
    ("at", "words"), [(NOW + 3_600_000_000, "in 1 h 0 min"), (NOW, "when an admin confirms")]
)
def test_when(at: int, words: str) -> None:
    """A proposal whose time has passed, or that has none, waits for an admin."""
    proposal = of_wire({**PROPOSAL, "effectiveAt": None})
    assert proposal is not None
    assert proposal.when(NOW) == "when an admin confirms"
    assert replace(proposal, effective_at=at).when(NOW) == words


async def test_it_is_seen(tmp_path: Path) -> None:
    """The header shows outcome and time, the ladder author and reason, the list a mark.

    Opening one shows all of it.
    """
    async with scripted(tmp_path) as (desktop, script, _):
        await go_live(desktop, script)
        snow = market(2, "snow", status="CLOSED", proposal=PROPOSAL)
        data: response_types.MarketsSnapshot = {
            "items": [market(status="CLOSED", proposal=PROPOSAL), snow]
        }
        script.play(snapshot(feed.MarketsSnapshot, "markets", data, 9))
        await desktop.sees("0.2500 proposed")
        await desktop.frame()
        header, *rest = desktop.text().splitlines()
        assert "happens in 1 d" in header
        assert any("? snow" in line for line in rest)
        assert any("0.2500 proposed by user 3: It rained." in line for line in rest)
        await desktop.trader.open(2)
        said = [note.text for note in desktop.trader.state.journal.notes]
        assert any(text.startswith("snow: 0.2500 proposed by user 3") for text in said)
