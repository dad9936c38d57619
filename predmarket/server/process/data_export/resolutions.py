"""The rows of the export's resolutions: the admin log's steps, with their details apart."""

from collections.abc import Iterator

import msgspec

from predmarket.contracts.amounts import Time
from predmarket.server.core.stores.base import Store
from predmarket.server.core.stores.rows import StoredRow
from predmarket.units import PRICE_DECIMALS, Micros, parse


class _Details(msgspec.Struct, rename="camel"):
    """What the admin log says of a step (server/core/admin_acts.py)."""

    outcome: str
    proposed_by: int | None = None
    settlement_price: str | None = None
    winner: str | None = None
    weights: dict[str, str] | None = None
    note: str | None = None
    source: str | None = None
    effective_at: str | None = None


_details = msgspec.json.Decoder(_Details).decode


def resolution_rows(store: Store, where: str) -> Iterator[StoredRow]:
    """Yield a row for each step of a resolution that a condition on the admin log lets through."""
    standing = _standing(store)
    found = store.stream(
        f"SELECT id, at, action, target, actor_id, details FROM admin_log{where} ORDER BY id"  # noqa: S608 -- own names
    )
    for id, at, action, target, actor_id, details in found:
        said = _details(details)
        yield (
            id,
            at,
            action.partition("_")[2],
            id in standing,
            _id(target, "market"),
            _id(target, "event"),
            actor_id,
            said.proposed_by,
            said.outcome,
            None if said.settlement_price is None else parse(said.settlement_price, PRICE_DECIMALS),
            _id(said.winner, "market"),
            None if said.weights is None else msgspec.json.encode(said.weights).decode(),
            said.note,
            said.source,
            _micros(said.effective_at),
        )


def _standing(store: Store) -> set[int]:
    """Return the steps that proposed what waits to be made: the last ones of those targets."""
    targets = {
        f"{kind}:{id}"
        for kind in ("market", "event")
        for (id,) in store.stream(f"SELECT id FROM {kind}s WHERE proposal IS NOT NULL")  # noqa: S608 -- likewise
    }
    proposed = store.stream(
        "SELECT target, max(id) FROM admin_log"
        " WHERE action IN ('MARKET_PROPOSE', 'EVENT_PROPOSE') GROUP BY target"
    )
    return {id for target, id in proposed if target in targets}


def _id(reference: str | None, kind: str) -> int | None:
    """Return the id in ``market:7``; None for another kind, and for what names no row."""
    named, _, id = (reference or "").partition(":")
    return int(id) if named == kind else None


def _micros(text: str | None) -> Micros | None:
    return None if text is None else Time.read(text).micros
