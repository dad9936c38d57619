"""Trades over HTTP beside the reference exchange, in steps that hypothesis can shrink."""

from collections.abc import Callable
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.conformance.expected import Json
from tests.conformance.proposal_pair import ProposalPair
from tests.conformance.world import ADMINS, World
from tests.reference import proposal_strategies, strategies
from tests.reference.proposal_strategies import concrete_proposal
from tests.reference.records import Command
from tests.reference.strategies import USERS, Step, concrete, opening_with_event

LOOK_EVERY = 10
MARKETS_AT_MOST = 9
EVENTS_AT_MOST = 2
ORDERS = st.lists(strategies.anywhere(strategies.places()), min_size=2, max_size=6)
MARKETS = st.fixed_dictionaries(
    {
        "op": st.just("create_market"),
        "after": st.just(0),
        "tick": st.sampled_from(("0.1", "0.01", "0.0001")),
        "maker_fee": st.sampled_from(("0", "0.0001", "0.1")),
        "taker_fee": st.sampled_from(("0", "0.0003", "0.25")),
        "closes_in": st.sampled_from((True, True, 1, 1_000_000, -1)),
        "status": st.sampled_from(("OPEN", "OPEN", "DRAFT")),
    }
)
ORDER: Json = {"marketId": 1, "side": "BUY", "type": "LIMIT", "price": "0.50", "qty": "1"}
NONSENSE: list[Json] = [
    {"qty": "0"}, {"qty": "1e30"}, {"qty": "NaN"}, {"price": "1"}, {"price": "0.50001"},
    {"side": "buy"}, {"type": "STOP"}, {"postOnly": 1}, {"more": 1}, {"expiresAt": "soon"},
]  # fmt: skip
MARKET: Json = {"slug": "mine", "question": "May I?"}


class Trading(RuleBasedStateMachine):
    """One run on its own exchange."""

    make_world: ClassVar[Callable[[], World]]
    """Set by the test that runs the machine."""

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).make_world()
        self.pair = ProposalPair(self.world)
        self.reference = self.pair.reference
        self.steps = 0

    def teardown(self) -> None:
        """Stop the exchange."""
        self.world.close()

    def command(self, step: Step) -> Command:
        """Return a step as a command for the exchange's current state."""
        return concrete(step, self.reference)

    @initialize(fee=st.sampled_from(("0", "0.07", "0.25")), exhaustive=st.booleans())
    def open(self, fee: str, *, exhaustive: bool) -> None:
        """Register the users, fund two of them, and create two markets and an event of three."""
        for step in opening_with_event(fee, exhaustive=exhaustive):
            self.pair.do(self.command(step))
        for user in USERS[:2]:
            deposit = {"op": "transfer", "user": user, "amount": "96.50", "after": 0}
            self.pair.do(self.command(deposit))

    @rule(steps=ORDERS, keyed=st.booleans())
    def place(self, steps: list[Step], *, keyed: bool) -> None:
        """Place orders, with a client order id or without."""
        for step in steps:
            self._place(step, keyed=keyed)

    @rule(bids=ORDERS, asks=ORDERS)
    def trade(self, bids: list[Step], asks: list[Step]) -> None:
        """Place orders on both sides of a book, which cross unless they are passive."""
        for bid, ask in zip(bids, asks, strict=False):
            for side, sign, step in (("BUY", 1, bid), ("SELL", -1, ask)):
                ticks = step["price_ticks"]
                sided = {**step, "side": side, "market_index": bid["market_index"]}
                sided["price_ticks"] = None if ticks is None else sign * abs(ticks)
                self._place({**sided, "deadline_in": None}, keyed=False)

    def _place(self, step: Step, *, keyed: bool) -> None:
        """Place an order, mostly in an open market."""
        index = step["market_index"]
        known = self.reference.ledger.markets.values()
        trading = [market.id for market in known if market.status == "OPEN"]
        strays = index == 2 and step["price_ticks"] is None
        if trading and not strays:
            index = trading[index % len(trading)] - 1
        self.pair.place(self.command({**step, "market_index": index}), keyed=keyed)

    @precondition(lambda self: self.pair.sent)
    @rule(
        index=st.integers(0, 50),
        changes=st.sampled_from(({}, {"qty": "77.77"}, {"reduceOnly": True, "qty": "7.77"})),
    )
    def repeat(self, index: int, changes: Json) -> None:
        """Send an order again under its client order id, unchanged or with other content."""
        self.pair.repeat(index % len(self.pair.sent), changes)

    @rule(step=strategies.amends())
    def amend(self, step: Step) -> None:
        """Amend an order."""
        self.pair.do(self.command(step))

    @rule(step=strategies.cancels())
    def cancel(self, step: Step) -> None:
        """Cancel an order."""
        self.pair.do(self.command(step))

    @rule(step=st.one_of(strategies.sweeps(), strategies.switches()))
    def sweep(self, step: Step) -> None:
        """Cancel many orders, now or by a dead-man's switch."""
        self.pair.do(self.command(step))

    @rule(step=strategies.transfers(), keyed=st.booleans())
    def transfer(self, step: Step, *, keyed: bool) -> None:
        """Deposit or withdraw."""
        self.pair.transfer(self.command(step), keyed=keyed)

    @precondition(lambda self: self.pair.booked)
    @rule(index=st.integers(0, 50), changes=st.sampled_from(({}, {"amount": "7.77"})))
    def repeat_transfer(self, index: int, changes: Json) -> None:
        """Send a transfer again under its key, unchanged or with another amount."""
        self.pair.repeat_transfer(index % len(self.pair.booked), changes)

    @rule(step=st.one_of(strategies.updates(), MARKETS, strategies.resolves()))
    def administer(self, step: Step) -> None:
        """Create a market, or change or end one."""
        is_new = step["op"] == "create_market"
        if not is_new or len(self.reference.ledger.markets) < MARKETS_AT_MOST:
            made = {"closes_at": None, **self.command(step)}
            self.pair.do(made if is_new else self.command(step))

    @rule(step=st.one_of(strategies.strikes(), strategies.endings(), strategies.event_steps()))
    def decide(self, step: Step) -> None:
        """Create an event, or extend, change, strike or end one."""
        ledger = self.reference.ledger
        is_new = step["op"] in ("create_event", "add_market")
        full = len(ledger.markets) >= MARKETS_AT_MOST or len(ledger.events) > EVENTS_AT_MOST
        if not (is_new and full):
            self.pair.do(self.command(step))

    @rule(step=proposal_strategies.proposing())
    def propose(self, step: Step) -> None:
        """Propose a resolution, which happens by itself, or waits for the other admin."""
        self.pair.do(concrete_proposal(step, self.reference))

    @precondition(lambda self: self.reference.ledger.proposals)
    @rule(step=proposal_strategies.deciding())
    def conclude(self, step: Step) -> None:
        """Confirm or withdraw what is proposed."""
        self.pair.do(concrete_proposal(step, self.reference))

    @rule(user=st.sampled_from(USERS), fields=st.sampled_from(NONSENSE), admin=st.booleans())
    def disturb(self, user: int, fields: Json, *, admin: bool) -> None:
        """Send an invalid order, which gets no order id, or an admin's command as a user."""
        if admin and user not in ADMINS:
            self.pair.refuse(user, "POST", "/v1/markets", MARKET, "FORBIDDEN")
        else:
            body = {**ORDER, **fields}
            self.pair.refuse(user, "POST", "/v1/orders", body, "VALIDATION_FAILED")

    @rule(now=st.sampled_from((False, False, False, True)))
    def restart(self, *, now: bool) -> None:
        """Stop the exchange and start it again in some of the steps."""
        if now:
            self.world.restart()

    @invariant()
    def it_shows_the_same(self) -> None:
        """Compare everybody's cash in each step, and the whole state in some."""
        self.steps += 1
        if self.steps % LOOK_EVERY == 0:
            self.pair.look()
        elif self.world.tokens:
            self.pair.look_at_balances()
