"""Random commands in which events and single markets are mixed.

Few users and a coarse grid of prices, so that complete sets come together and fall apart often.
Events of 2 to 50 markets are created, extended, struck, halted, closed, and resolved in every way,
also in ways that must be refused.
"""

from __future__ import annotations

from itertools import pairwise

from .exchange import ReferenceExchange
from .generate import FEES, Draft, Generator
from .records import NONE, OPPOSITE, Event, Market
from .units import ONE_DOLLAR_PRICE, show_price

SIZES = (2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 7, 12)
LARGE_SIZES = (25, 50)
BAD_SIZES = (0, 1, 201)
EVENTS_AT_MOST = 2
OFTEN_TRADED = 3
"""So many of an event's markets get most of the orders, or those of 50 would seldom meet."""
TICKS = ("0.1", "0.1", "0.01", "0.01", "0.001")
CREDITS = ("20.000001", "100", "100", "1000", "1000")
EVENT_STATUSES = ("OPEN", "HALTED", "HALTED", "CLOSED", "CLOSED")


class EventGenerator(Generator):
    """Chooses one command after the other, for events and for markets that stand alone."""

    credits = CREDITS
    users_at_most = 5

    def __init__(self, seed: int, exchange: ReferenceExchange, *, connections: bool) -> None:
        super().__init__(seed, exchange, connections=connections)
        self.kinds += [
            (self._take, 300),
            (self._basket, 30),
            (self._reopen, 40),
            (self._add_market, 10),
            (self._strike, 8),
            (self._update_event, 8),
            (self._resolve_event, 5),
        ]

    def create(self) -> Draft | None:
        """Return the creation of an event or a market if there are too few, or None."""
        events = self._live_events()
        few = len(events) < EVENTS_AT_MOST and self.chance(0.15)
        if not events or few:
            return self._create_event()
        alone = [market for market in self.unfinished() if market.stands_alone]
        if not alone and self.chance(0.3):
            return self.create_market()
        return None

    def cancel_all(self) -> Draft:
        """Cancel a user's orders, those of an event among others, or of one of its markets."""
        draft = super().cancel_all()
        if self.chance(0.5):
            return draft
        market = draft["market"] if self.chance(0.2) else None
        return {**draft, "event": self._any_event()[0], "market": market}

    # --- small choices -----------------------------------------------------------------------

    def _live_events(self) -> list[Event]:
        events = self.exchange.ledger.events.values()
        return [event for event in events if event.outcome is None]

    def _any_event(self) -> tuple[int, Event | None]:
        """Return an event and its id: mostly a live one, sometimes one that is final or unknown."""
        events = self.exchange.ledger.events
        live = self._live_events()
        if not live or self.chance(0.06):
            id_ = self.random.randint(1, len(events) + 1)
            return id_, events.get(id_)
        event = self.random.choice(live)
        assert event.id is not None
        return event.id, event

    def any_market(self) -> int:
        """Return a market's id: mostly an often traded one of a live event."""
        if self.chance(0.2) or not self._live_events():
            return super().any_market()
        event = self.random.choice(self._live_events())
        markets = [market for market in event.outcomes if market != NONE]
        if self.chance(0.9):
            markets = markets[:OFTEN_TRADED]
        return self.random.choice(markets)

    def first_center(self, market: Market | None, last: int) -> int:
        """Return where a market starts to trade: in an event near one share of its outcomes."""
        if market is None or market.stands_alone or self.chance(0.3):
            return super().first_center(market, last)
        fair = ONE_DOLLAR_PRICE // len(market.event.outcomes)
        return max(1, min(last, fair // market.tick))

    # --- commands ----------------------------------------------------------------------------

    def _create_event(self) -> Draft:
        draw = self.random.random()
        sizes = BAD_SIZES if draw < 0.03 else LARGE_SIZES if draw < 0.08 else SIZES
        maker_fee, taker_fee = self.random.choice(FEES)
        return self.stamp(
            {
                "op": "create_event",
                "exhaustive": self.chance(0.4),
                "markets": self.random.choice(sizes),
                "tick": self.random.choice(TICKS),
                "maker_fee": maker_fee,
                "taker_fee": taker_fee,
                "closes_at": self.soon() if self.chance(0.15) else None,
                "status": "DRAFT" if self.chance(0.1) else "OPEN",
            }
        )

    def _take(self) -> Draft:
        """Place an order that meets a resting one of somebody else."""
        draft, live = self.place(), self.exchange.ledger.live
        if not live or draft["price"] is None:
            return draft
        order = self.random.choice(live)
        user = self.random.choice([user for user in self.users if user != order.user])
        price, side = show_price(order.limit), OPPOSITE[order.side]
        met = {"user": user, "market": order.market, "side": side, "price": price}
        return {**draft, **met, "post_only": False, "reduce_only": self.chance(0.1)}

    def _reopen(self) -> Draft:
        """Open what is shut: without this little would trade soon."""
        shut = [market.id for market in self.unfinished() if market.status != "OPEN"]
        if not shut:
            return self._take()
        return self.stamp(
            {"op": "update_market", "market": self.random.choice(shut), "status": "OPEN"}
        )

    def _add_market(self) -> Draft:
        return self.stamp({"op": "add_market", "event": self._any_event()[0]})

    def _strike(self) -> Draft:
        market = self.any_market()
        outcome = "NO" if self.chance(0.9) else self.random.choice(("YES", "VOID", "SCALAR"))
        price = "0.5" if outcome == "SCALAR" else None
        return self.stamp({"op": "resolve", "market": market, "outcome": outcome, "price": price})

    def _update_event(self) -> Draft:
        id_, event = self._any_event()
        status: str | None = self.random.choice(EVENT_STATUSES) if self.chance(0.8) else None
        if status not in (None, "OPEN") and event is not None:
            # Shut events are opened again soon, or nothing would trade.
            reopen = {"op": "update_event", "event": id_, "status": "OPEN"}
            self.planned += [self.place(), self.place(), reopen]
        draft: Draft = {"op": "update_event", "event": id_, "status": status}
        if status is None or self.chance(0.2):
            draft["closes_at"] = None if self.chance(0.2) else self.soon()
        return self.stamp(draft)

    def _basket(self) -> Draft:
        """Have one user take the same side in every market of an event, one after the other."""
        _, event = self._any_event()
        place = self.place()
        if event is None:
            return place
        markets = [market for market in event.outcomes if market != NONE][: OFTEN_TRADED + 1]
        self.random.shuffle(markets)
        for market in markets:
            price = None if place["price"] is None else self.price(market, place["side"])
            self.planned.append({**place, "market": market, "price": price})
        return self.stamp(self.planned.pop())

    def _resolve_event(self) -> Draft:
        id_, event = self._any_event()
        outcome = self.random.choice(("WINNER", "WINNER", "NONE", "WEIGHTS", "WEIGHTS", "VOID"))
        draft: Draft = {"op": "resolve_event", "event": id_, "outcome": outcome, "weights": None}
        known = list(event.outcomes) if event is not None else [1, NONE]
        named = [outcome for outcome in known if outcome != NONE]
        if self.chance(0.2):
            # Struck, of another event, or unknown.
            named = list(range(1, len(self.exchange.ledger.markets) + 2))
        if outcome == "WINNER":
            draft["outcome"] = self.random.choice(named)
        elif outcome == "WEIGHTS":
            draft["weights"] = self._weights(named if self.chance(0.3) else known)
        elif outcome == "VOID" and event is not None:
            return self.void(draft, event)
        return self.stamp(draft)

    def _weights(self, outcomes: list[int]) -> list[tuple[int, str]]:
        """Return weights of some outcomes, most of the time adding up to 1."""
        chosen = self.random.sample(outcomes, self.random.randint(1, min(4, len(outcomes))))
        cuts = sorted(self.random.randint(0, ONE_DOLLAR_PRICE) for _ in chosen[1:])
        edges = [0, *cuts, ONE_DOLLAR_PRICE]
        weights = [right - left for left, right in pairwise(edges)]
        if self.chance(0.15):
            weights[0] += self.random.choice((-1, 1, ONE_DOLLAR_PRICE))
        if self.chance(0.05):
            chosen[-1] = chosen[0]
        pairs = zip(chosen, weights, strict=True)
        return [(outcome, show_price(max(0, weight))) for outcome, weight in pairs]
