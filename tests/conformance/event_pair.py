"""Extends the two exchanges of pair.py with events: created, extended, changed, struck, resolved.

An accepted difference: the gateway refuses invalid content (a size, weights that do not add up)
before it checks whether the event exists or has ended.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from fractions import Fraction

from tests.conformance.expected import Json, event_slug, show_time, slug
from tests.conformance.pair import Pair, is_past, same
from tests.conformance.world import ADMIN
from tests.reference.events import MARKETS_AT_LEAST, MARKETS_AT_MOST, status, unfinished
from tests.reference.records import NONE, Command, Event, Notice
from tests.reference.units import ONE_DOLLAR_PRICE, show_money, show_price, show_qty

_WORDS = ("NONE", "VOID", "WEIGHTS")


class EventPair(Pair):
    """Both exchanges, whose events are compared too."""

    def do(self, command: Command) -> None:
        """Carry out one command of the reference on both exchanges."""
        own: dict[str, Callable[[Command], None]] = {
            "create_event": self._create_event,
            "add_market": self._add_market,
            "update_event": self._update_event,
            "resolve_event": self._resolve_event,
        }
        if command["op"] not in own:
            super().do(command)
            return
        self.world.now = command["ts"]
        own[command["op"]](command)

    def look(self) -> None:
        """Compare everything that the API shows."""
        super().look()
        for id in self.reference.ledger.events:
            same("event", self.event(id), self.world.get(ADMIN, f"/v1/events/{event_slug(id)}"))
        for user in self.world.tokens:
            held = self.world.get(user, "/v1/user/events")["items"]
            same("holdings", list(self._holdings(user)), held)

    # --- commands ----------------------------------------------------------------------------

    def _create_event(self, command: Command) -> None:
        id, first = len(self.reference.ledger.events) + 1, len(self.reference.ledger.markets) + 1
        body = {
            "slug": event_slug(id),
            "title": "Who wins?",
            "exhaustive": command["exhaustive"],
            "markets": [self._market_body(first + n) for n in range(command["markets"])],
            "tickSize": command["tick"],
            "makerFeeRate": command["maker_fee"],
            "takerFeeRate": command["taker_fee"],
            "closesAt": show_time(command["closes_at"]),
            "status": command["status"],
        }
        answer = self.world.call(ADMIN, "POST", "/v1/events", body)
        possible = MARKETS_AT_LEAST <= command["markets"] <= MARKETS_AT_MOST
        if is_past(command) or not possible:
            self.at_the_door(answer, "VALIDATION_FAILED")
        elif self.done(answer, self.apply(command), 201):
            same("event", self.event(id), answer[1])

    def _add_market(self, command: Command) -> None:
        id = len(self.reference.ledger.markets) + 1
        path = f"/v1/events/{command['event']}/markets"
        answer = self.world.call(ADMIN, "POST", path, self._market_body(id))
        if self.known(answer, command) and self.done(answer, self.apply(command), 201):
            same("market", self.expected.market(id), answer[1])

    def _update_event(self, command: Command) -> None:
        id, body = command["event"], {}
        if command["status"] is not None:
            body["status"] = command["status"]
        if "closes_at" in command:
            body["closesAt"] = show_time(command["closes_at"])
        answer = self.world.call(ADMIN, "PATCH", f"/v1/events/{id}", body)
        if not self.known(answer, command):
            return
        if is_past(command):
            self.at_the_door(answer, "VALIDATION_FAILED")
        elif self.done(answer, self.apply(command)):
            self.expected.read(self.reference.advance(command["ts"]))
            same("event", self.event(id), answer[1])

    def _resolve_event(self, command: Command) -> None:
        id, body = command["event"], event_resolution_body(command)
        answer = self.world.call(ADMIN, "POST", f"/v1/events/{id}/resolve", body)
        if not adds_up(body):
            self.at_the_door(answer, "VALIDATION_FAILED")
            return
        if not self.known(answer, command):
            return
        self.expected.read(self.reference.advance(command["ts"]))
        event = self.reference.ledger.events[id]
        sets, ended = self.reference.events()[id][1], unfinished(self.reference.ledger, event)
        notices = self.apply(command)
        if self.done(answer, notices):
            self.expected.outcomes |= {one.id: settled_by_event(command, one.id) for one in ended}
            same("event", self.event(id), answer[1]["event"])
            if command["outcome"] != "VOID":
                paid = (sets - _merged(notices)) * ONE_DOLLAR_PRICE
                same("paid", show_money(paid), answer[1]["payouts"]["total"])

    def known(self, answer: tuple[int, Json], command: Command) -> bool:
        """Tell whether an event exists; if it does not, check the gateway's refusal."""
        known = command["event"] in self.reference.ledger.events
        if not known:
            self.at_the_door(answer, "EVENT_NOT_FOUND")
        return known

    def _market_body(self, id: int) -> Json:
        return {"slug": slug(id), "question": "Does this one win?"}

    # --- state that the API shows ----------------------------------------------------------------

    def event(self, id: int) -> Json:
        """Return an event as the API shows it to admins."""
        ledger = self.reference.ledger
        event = ledger.events[id]
        final = "VOIDED" if event.outcome == "VOID" else "RESOLVED"
        outcome = event.outcome
        if outcome is not None and outcome not in _WORDS:
            outcome = slug(int(outcome))
        return {
            "id": id,
            "slug": event_slug(id),
            "exhaustive": event.exhaustive,
            "status": status(ledger, event) if outcome is None else final,
            "outcome": outcome,
            "openInterest": show_qty(ledger.sets(event)) if event.shares else "0.00",
            "closesAt": show_time(event.closes_at),
            "marketCount": len(event.markets),
            "series": event_slug(id),
            "proposal": self.expected.event_proposal(id),
            "markets": [self.expected.market(market) for market in event.markets],
        }

    def _holdings(self, user: int) -> Iterable[Json]:
        """Yield a user's holdings in each live event."""
        ledger = self.reference.ledger
        for id, event in ledger.events.items():
            if event.outcome is None and self._is_in(user, event):
                held = event.shares_of(user)
                markets = [market.id for market in unfinished(ledger, event)]
                none = None if event.exhaustive else show_money(held[NONE] * ONE_DOLLAR_PRICE)
                yield {
                    "eventId": id,
                    "eventSlug": event_slug(id),
                    "returned": show_money(ledger.returned(user, event) * ONE_DOLLAR_PRICE),
                    "none": none,
                    "payoffs": [
                        {
                            "marketId": market,
                            "marketSlug": slug(market),
                            "payoff": show_money(held[market] * ONE_DOLLAR_PRICE),
                        }
                        for market in markets
                    ],
                }

    def _is_in(self, user: int, event: Event) -> bool:
        """Tell whether a user has shares or a position in an event."""
        ledger = self.reference.ledger
        nets = [ledger.positions.get((user, market)) for market in event.markets]
        return any(event.shares.get(user, {}).values()) or any(
            net is not None and (net.yes.count or net.no.count) for net in nets
        )


def event_resolution_body(command: Command) -> Json:
    """Return an event's resolution as a request body."""
    weights = command["weights"]
    if weights is None:
        return {"outcome": _outcome(command["outcome"])}
    # a market that is named twice: by its id and by its slug
    counts = Counter(named for named, _ in weights)
    names = [
        slug(named) if named != NONE and counts[named] > 1 and n else _outcome(named)
        for n, (named, _) in enumerate(weights)
    ]
    return {"weights": dict(zip(names, (weight for _, weight in weights), strict=True))}


def settled_by_event(command: Command, market: int) -> tuple[str, str | None]:
    """Return the fields by which a market shows the end of its event."""
    outcome = command["outcome"]
    if outcome == "VOID":
        return "VOID", None
    if outcome == "WEIGHTS":
        weight = Fraction(dict(command["weights"]).get(market, 0))
        return "SCALAR", show_price(int(weight * ONE_DOLLAR_PRICE))
    return ("YES", "1.0000") if outcome == market else ("NO", "0.0000")


def _outcome(named: int | str) -> int | str:
    """Return an outcome in the form of a request body."""
    return "NONE" if named == NONE else named


def adds_up(body: Json) -> bool:
    """Tell whether a gateway accepts a resolution's weights, if it has any."""
    if "weights" not in body:
        return True
    each = [Fraction(weight) for weight in body["weights"].values()]
    return sum(each) == 1 and all(0 <= weight <= 1 for weight in each)


def _merged(notices: Iterable[Notice]) -> int:
    """Return how many sets were merged, in 1/100."""
    return sum(int(Fraction(str(one[3])) * 100) for one in notices if one[0] == "MERGED")
