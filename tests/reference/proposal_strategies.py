"""Hypothesis strategies for proposed resolutions, beside those of strategies.py."""

from __future__ import annotations

from hypothesis import strategies as st

from .exchange import ReferenceExchange
from .records import Command
from .strategies import Step, concrete, endings, resolves, strikes

_actors = st.sampled_from((1, 2))
_distances = st.sampled_from((None, 1, 1_000, 1_000_000, 1_000_000, -1))


def proposing() -> st.SearchStrategy[Step]:
    """Return a strategy for proposals: of markets, of strikes, of events; most have a time soon."""
    return st.fixed_dictionaries(
        {
            "op": st.just("propose"),
            "resolution": st.one_of(resolves(), strikes(), endings()),
            "at_in": _distances,
            "by_two": st.sampled_from((False, False, True)),
            "actor": _actors,
        }
    )


def deciding() -> st.SearchStrategy[Step]:
    """Return a strategy for confirming and withdrawing what is proposed."""
    return st.fixed_dictionaries(
        {
            "op": st.sampled_from(("confirm", "confirm", "withdraw")),
            "index": st.integers(0, 5),
            "actor": _actors,
        }
    )


def concrete_proposal(step: Step, exchange: ReferenceExchange) -> Command:
    """Return the step as a command for the exchange as it now stands."""
    if step["op"] == "propose":
        resolution = concrete(step["resolution"], exchange)
        ts, distance = resolution["ts"], step["at_in"]
        at = None if distance is None else ts + distance
        said = {"by_two": step["by_two"], "actor": step["actor"]}
        return {"op": "propose", "ts": ts, "resolution": resolution, "at": at, **said}
    subjects, index = [*exchange.ledger.proposals], step["index"]
    kind, id_ = subjects[index % len(subjects)] if subjects else ("market", index + 1)
    market, event = (id_, None) if kind == "market" else (None, id_)
    about = {"market": market, "event": event, "actor": step["actor"]}
    return {"op": step["op"], "ts": exchange.now, **about}
