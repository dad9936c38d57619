"""The admin of a campaign: creates, extends, strikes and resolves events, one act at a time.

A request without an answer before a kill is repeated under the same names. Either it had happened
before, or it happens now.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx

from predmarket.server.core.stores.base import Store
from predmarket.server.process.seed import ADMIN
from tests.crash.ways import UNSETTLED, Gone

Json = dict[str, Any]
_LIVE_AT_MOST = 2
_MARKETS_AT_MOST = 6
_PAUSE_S = 0.03
_NEWEST, _OTHERS = 20, 5
"""So many ended events are looked at in a round."""
_HAPPENED = {
    "create": "SLUG_TAKEN",
    "add": "SLUG_TAKEN",
    "strike": "INVALID_TRANSITION",
    "resolve": "INVALID_TRANSITION",
}
"""Refusal codes for a repeated act that has happened already."""


@dataclass
class Event:
    """A live event and its markets that are not struck."""

    slug: str
    exhaustive: bool
    markets: list[str]
    made: int


class Act(NamedTuple):
    """One act: its request, and the change of the organiser's state once it has succeeded."""

    kind: str
    path: str
    body: Json
    effect: Callable[[], None]
    event: str
    how: str = ""


@dataclass
class Organiser:
    """An admin. ``markets`` are those of live events; ``told`` are the answers to resolutions."""

    draw: random.Random
    markets: list[str] = field(default_factory=list)
    live: dict[str, Event] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    told: dict[str, Json] = field(default_factory=dict)
    did: Counter[str] = field(default_factory=Counter)
    unknown: Act | None = None
    cut: Counter[str] = field(default_factory=Counter)
    """Acts that a kill cut off."""
    token: str = ""
    count: int = 0
    pause_s: float = _PAUSE_S
    """Longest pause between two acts."""

    async def sign_in(self, client: httpx.AsyncClient) -> None:
        """Log in as the seed's admin."""
        body = {"email": ADMIN.email, "password": ADMIN.password}
        answer = await client.post("/v1/auth/login", json=body)
        client.cookies.clear()
        self.token = answer.raise_for_status().json()["accessToken"]

    async def organise(
        self, client: httpx.AsyncClient, finale: asyncio.Event, begun: asyncio.Event
    ) -> None:
        """Act until the exchange is gone.

        Once ``finale`` is set, the next act resolves an event.
        """
        try:
            while True:
                last = finale.is_set() and self.live and not begun.is_set()
                act = self._resolve() if last else self._next()
                if last:
                    begun.set()
                if act is not None:
                    await self._do(client, act)
                await asyncio.sleep(self.draw.uniform(0, self.pause_s))
        except Gone:
            return

    async def find_out(self, client: httpx.AsyncClient) -> None:
        """Repeat the request that a kill cut off, and check the state of events that ended.

        Those are the newest ones and some of the others, as a long campaign has many.
        """
        if (act := self.unknown) is not None:
            self.cut[act.kind] += 1
            code = await self._do(client, act, _HAPPENED[act.kind])
            assert code not in UNSETTLED, code
        ended = [*self.ended]
        others = ended[:-_NEWEST]
        for slug in ended[-_NEWEST:] + self.draw.sample(others, min(_OTHERS, len(others))):
            outcome = self.ended[slug]
            shown = (await client.get(f"/v1/events/{slug}")).json()
            assert (shown["outcome"], shown["openInterest"]) == (outcome, "0.00"), shown
            statuses = {market["status"] for market in shown["markets"]}
            assert statuses <= {"RESOLVED", "VOIDED"}, shown

    async def _do(self, client: httpx.AsyncClient, act: Act, known: str = "") -> str:
        """Send a request; return the code of its refusal, which may be only ``known``."""
        self.unknown = act
        headers = {"authorization": f"Bearer {self.token}"}
        try:
            reply = await client.post(act.path, json=act.body, headers=headers)
        except httpx.TransportError as error:
            raise Gone from error
        code = "" if reply.is_success else str(reply.json()["error"]["code"])
        if code in UNSETTLED:
            raise Gone
        assert code in ("", known), (act, reply.text)
        self.unknown = None
        act.effect()
        self.did[act.kind] += 1
        if act.kind == "resolve":
            self.did[act.how] += 1
            if not code and (payouts := reply.json()["payouts"]) is not None:
                self.told[act.event] = payouts
        return code

    # --- choice of the next act --------------------------------------------------------------

    def _next(self) -> Act | None:
        if len(self.live) < _LIVE_AT_MOST:
            return self._create()
        event = self.draw.choice([*self.live.values()])
        draw = self.draw.random()
        if draw < 0.1 and not event.exhaustive and event.made < _MARKETS_AT_MOST:
            return self._add(event)
        if draw < 0.2 and len(event.markets) > 2:
            return self._strike(event)
        return self._resolve() if draw > 0.95 else None

    def _create(self) -> Act:
        self.count += 1
        slug = f"race-{self.count}"
        made = self.draw.randint(3, 4)
        names = [f"{slug}-{number}" for number in range(made)]
        event = Event(slug, self.draw.random() < 0.4, names, made)
        body = {
            "slug": slug,
            "title": "Who wins the race?",
            "exhaustive": event.exhaustive,
            "takerFeeRate": "0.02",
            "markets": [{"slug": name, "question": "Does this one win?"} for name in names],
        }

        def effect() -> None:
            self.live[slug] = event
            self.markets += names

        return Act("create", "/v1/events", body, effect, slug)

    def _add(self, event: Event) -> Act:
        name = f"{event.slug}-{event.made}"

        def effect() -> None:
            event.made += 1
            event.markets.append(name)
            self.markets.append(name)

        body = {"slug": name, "question": "Does this one win?"}
        return Act("add", f"/v1/events/{event.slug}/markets", body, effect, event.slug)

    def _strike(self, event: Event) -> Act:
        name = self.draw.choice(event.markets)

        def effect() -> None:
            event.markets.remove(name)
            self.markets.remove(name)

        path = f"/v1/markets/{name}/resolve"
        return Act("strike", path, {"outcome": "NO"}, effect, event.slug)

    def _resolve(self) -> Act:
        event = next(iter(self.live.values()))  # the market with the most trades
        how = self.draw.choice(
            ["WINNER", "WEIGHTS", "VOID", *([] if event.exhaustive else ["NONE"])]
        )
        shown, body = how, {"outcome": how}
        if how == "WINNER":
            shown = self.draw.choice(event.markets)
            body = {"outcome": shown}
        elif how == "WEIGHTS":
            weights = dict(zip(self.draw.sample(event.markets, 2), ("0.3", "0.7"), strict=True))
            body = {"weights": weights}  # type: ignore[dict-item]

        def effect() -> None:
            del self.live[event.slug]
            self.ended[event.slug] = shown
            for name in event.markets:
                self.markets.remove(name)

        path = f"/v1/events/{event.slug}/resolve"
        return Act("resolve", path, body, effect, event.slug, how)

    # --- checks against the database ------------------------------------------------------------

    def check_payouts(self, store: Store) -> int:
        """Check that each resolved event has paid each user once, for all holdings and as answered.

        Return how many payments there were.
        """
        paid: dict[str, Counter[int]] = {}
        rows = store.read(
            "SELECT e.slug, l.user_id, l.counterpart, COUNT(*), SUM(l.amount) FROM ledger l"
            " JOIN events e ON e.id = l.event_id GROUP BY e.slug, l.user_id, l.counterpart"
        )
        for slug, user, _, count, amount in rows:
            assert count == 1, f"event {slug} has paid user {user} {count} times"
            paid.setdefault(slug, Counter())[user] += int(amount)
        assert paid.keys() <= self.ended.keys()
        left = store.read(
            "SELECT e.slug, SUM(l.amount) FROM ledger l LEFT JOIN markets m ON m.id = l.market_id"
            " JOIN events e ON e.id = coalesce(l.event_id, m.event_id)"
            " WHERE l.counterpart = 'COLLATERAL' AND e.outcome IS NOT NULL"
            " GROUP BY e.slug HAVING SUM(l.amount) <> 0"
        )
        assert left == [], "an event paid more or less than its trades had brought"
        for slug, payouts in self.told.items():
            amounts = paid.get(slug, Counter())
            total = round(float(payouts["total"]) * 1_000_000)
            told = (payouts["accounts"], total)
            assert told == (len(amounts), amounts.total()), (slug, self.ended[slug])
        twice = store.read(
            "SELECT action, target FROM admin_log WHERE action <> 'TRANSFER'"
            " GROUP BY action, target HAVING COUNT(*) > 1"
        )
        assert twice == [], "an act was recorded twice"
        return len(rows)
