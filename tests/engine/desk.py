"""A small exchange with short methods for commands; amounts are decimal text."""

from predmarket.engine import Exchange
from predmarket.engine.commands import (
    AmendOrder,
    CancelAll,
    CancelOrder,
    Command,
    CreateMarket,
    Disconnect,
    OpenAccount,
    PlaceOrder,
    ResolveMarket,
    Transfer,
    UpdateMarket,
)
from predmarket.engine.events import Event, Match
from predmarket.engine.ledger import Account, Position
from predmarket.engine.market import Market
from predmarket.engine.replies import OrderDone, OrderRecord, Refused, Reply
from predmarket.enums import (
    MarketStatus,
    OrderType,
    Outcome,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from predmarket.units import (
    Micros,
    format_money,
    format_price,
    format_qty,
    parse,
    parse_money,
    parse_price,
    parse_qty,
    parse_rate,
    parse_tick,
)
from tests.engine.audit import audit
from tests.engine.translate import EventTuple, to_tuples

A, B, C = 1, 2, 3
SECOND: Micros = 1_000_000

MANY_STEPS = 100
"""More than any test's market takes to end."""

Levels = list[tuple[str, str]]


class Desk:
    """An exchange with users A, B and C and one open market, audited after each command."""

    def __init__(
        self,
        *,
        maker_fee: str = "0",
        taker_fee: str = "0",
        tick: str = "0.01",
        credit: str = "100",
    ) -> None:
        self.exchange = Exchange()
        self.now: Micros = 0
        self.events: list[Event] = []
        """What the last command did, with what fell due before it."""
        for user in (A, B, C):
            self.apply(OpenAccount(user, parse_money(credit)))
        self.create(maker_fee=maker_fee, taker_fee=taker_fee, tick=tick)

    def apply(self, command: Command, *, finish: bool = True) -> Reply:
        """Apply a command now, after due timers, and by default with all its steps."""
        self.events = []
        self.run_due()
        reply = self._apply(self.now, command)
        if finish:
            self.finish()
        return reply

    def run_due(self, until: Micros | None = None) -> list[EventTuple]:
        """Advance the time and execute due timers; return the events."""
        if until is not None:
            self.now, self.events = until, []
        while (due := self.exchange.due(self.now)) is not None:
            self._apply(*due)
            self.finish()
        return self.rows

    def _apply(self, now: Micros, command: Command) -> Reply:
        reply, events = self.exchange.apply(now, command)
        self.events += events
        audit(self.exchange)
        return reply

    def finish(self) -> None:
        """Take all the remaining steps."""
        steps = 0
        while (step := self.exchange.next_step()) is not None:
            self._apply(self.exchange.state.now, step)
            steps += 1
            assert steps < MANY_STEPS, "it makes no progress"

    # commands

    def create(
        self,
        *,
        maker_fee: str = "0",
        taker_fee: str = "0",
        tick: str = "0.01",
        closes_at: Micros | None = None,
        status: str = "OPEN",
        slug: str | None = None,
    ) -> Reply:
        """Create a market."""
        return self.apply(
            CreateMarket(
                slug=slug or f"market-{len(self.exchange.state.markets) + 1}",
                question="Will it rain tomorrow?",
                description="",
                tick=parse_tick(tick),
                maker_rate=parse_rate(maker_fee),
                taker_rate=parse_rate(taker_fee),
                closes_at=closes_at,
                status=MarketStatus(status),
                creator_id=A,
            )
        )

    def place(
        self,
        user: int,
        side: str,
        qty: str,
        price: str | None = None,
        *,
        market: int = 1,
        tif: str | None = None,
        stp: str = "SKIP",
        slippage: str = "0.10",
        expires_at: Micros | None = None,
        deadline: Micros | None = None,
        post_only: bool = False,
        reduce_only: bool = False,
        as_admin: bool = False,
        connection: str | None = None,
        group: int | None = None,
        max_open_orders: int | None = None,
        groups: tuple[int, ...] = (),
    ) -> Reply:
        """Place an order: GTC with a price, else an IOC market order."""
        type = OrderType.MARKET if price is None else OrderType.LIMIT
        return self.apply(
            PlaceOrder(
                user_id=user,
                market_id=market,
                side=Side(side),
                type=type,
                price=None if price is None else parse_price(price),
                qty=parse_qty(qty),
                tif=TimeInForce(tif or ("IOC" if price is None else "GTC")),
                expires_at=expires_at,
                post_only=post_only,
                reduce_only=reduce_only,
                max_slippage=parse(slippage, 4) if price is None else None,
                stp=SelfTradePrevention(stp),
                deadline=deadline,
                as_admin=as_admin,
                connection=connection,
                max_open_orders=max_open_orders,
                order_group_id=group,
                groups=groups,
            )
        )

    def amend(
        self,
        user: int,
        order: int,
        price: str | None,
        qty: str | None,
        groups: tuple[int, ...] = (),
    ) -> Reply:
        """Amend an order."""
        return self.apply(
            AmendOrder(
                user,
                order,
                None if price is None else parse_price(price),
                None if qty is None else parse_qty(qty),
                groups=groups,
            )
        )

    def cancel(self, user: int, order: int, *, as_admin: bool = False) -> Reply:
        """Cancel an order."""
        return self.apply(CancelOrder(user, order, as_admin))

    def cancel_all(
        self,
        user: int,
        market: int | None = None,
        side: str | None = None,
        event: int | None = None,
    ) -> Reply:
        """Cancel a user's orders."""
        of_side = None if side is None else Side(side)
        return self.apply(CancelAll(user, market, of_side, event_id=event))

    def disconnect(
        self, gateway: str, connection: str | None = None, user: int | None = None
    ) -> Reply:
        """End a connection, or a gateway with all its connections."""
        return self.apply(Disconnect(gateway, connection, user))

    def transfer(self, user: int, amount: str) -> Reply:
        """Deposit, or withdraw a negative amount."""
        return self.apply(Transfer(user, parse_money(amount), "test", actor_id=A))

    def status(self, status: str, market: int = 1) -> Reply:
        """Change a market's status."""
        return self.apply(UpdateMarket(market, MarketStatus(status)))

    def closing(self, closes_at: Micros | None, market: int = 1) -> Reply:
        """Change when a market closes."""
        return self.apply(UpdateMarket(market, sets_closes_at=True, closes_at=closes_at))

    def resolve(self, outcome: str, price: str | None = None, market: int = 1) -> Reply:
        """Resolve a market."""
        yes = None if price is None else parse(price, 4)
        return self.apply(ResolveMarket(market, Outcome(outcome), yes))

    # results

    @property
    def rows(self) -> list[EventTuple]:
        """Return the last command's events in the reference's short form."""
        return to_tuples(self.events)

    @property
    def trades(self) -> list[tuple[int, int, str, str]]:
        """The last command's trades: buy order, sell order, price, quantity."""
        return [
            (event.buy_order_id, event.sell_order_id, format_price(event.price), _short(event.qty))
            for event in self.events
            if isinstance(event, Match)
        ]

    @property
    def market(self) -> Market:
        """The first market."""
        return self.exchange.state.markets[1]

    def account(self, user: int) -> Account:
        """Return a user's account."""
        return self.exchange.state.ledger.accounts[user]

    def position(self, user: int, market: int = 1) -> Position:
        """Return a user's position, including a settled one that memory no longer holds."""
        state = self.exchange.state
        held = state.markets[market].positions.get(user)
        if held is not None:
            return held
        ended = state.ledger.dirty_positions
        return next(one for one in ended if (one.user_id, one.market_id) == (user, market))

    def money(self, user: int) -> tuple[str, str]:
        """Return (available, locked)."""
        account = self.account(user)
        return format_money(account.available), format_money(account.locked)

    def shares(self, user: int) -> tuple[str, str]:
        """Return (YES, NO)."""
        position = self.position(user)
        return _short(position.yes), _short(position.no)

    def realized(self, user: int) -> str:
        """Return the realized profit or loss."""
        return format_money(self.position(user).realized)

    def book(self) -> tuple[Levels, Levels]:
        """Return bids and asks, best first."""
        book = self.market.book
        bids, asks = (
            [(format_price(level.price), _short(level.qty)) for level in side]
            for side in (book.bids, book.asks)
        )
        return bids, asks

    def queue(self) -> list[int]:
        """Return the resting orders' ids, bids first, each side in its priority."""
        return [order.id for order in self.market.book.orders()]

    def standing(self) -> tuple[object, ...]:
        """Return the whole state that a refused command must not change."""
        state = self.exchange.state
        orders = [(o.id, o.price, o.qty, o.close, o.lock, o.rank) for o in state.orders.values()]
        positions = [
            (p.user_id, p.market_id, p.yes, p.no, p.reserved_yes, p.reserved_no, p.realized)
            for p in state.positions()
            if p.yes or p.no or p.realized
        ]
        return (
            [self.money(user) for user in state.ledger.accounts],
            positions,
            orders,
            self.book(),
            self.queue(),
            [(m.status, m.closes_at, m.question) for m in state.markets.values()],
            state.last_trade_id,
        )


def _short(qty: int) -> str:
    """Return a quantity without trailing zeros."""
    return format_qty(qty).removesuffix(".00")


def placed(reply: Reply) -> OrderRecord:
    """Return the order of a reply that must be an acceptance."""
    assert isinstance(reply, OrderDone), reply
    return reply.order


def code(reply: Reply) -> str | None:
    """Return the code of a refusal, or None."""
    return reply.code.value if isinstance(reply, Refused) else None


def after_example_1() -> Desk:
    """Return a desk where A has 10 YES at 0.60 and B 10 NO."""
    desk = Desk()
    desk.place(A, "BUY", "10", "0.60")
    desk.place(B, "SELL", "10", "0.55")
    return desk


def after_example_2() -> Desk:
    """Return a desk where A has sold 4 of them to C at 0.70."""
    desk = after_example_1()
    desk.place(A, "SELL", "4", "0.70")
    desk.place(C, "BUY", "4", "0.70")
    return desk


def after_example_3() -> Desk:
    """Return a desk where A has sold the rest to B, who keeps 4 NO and an open order for 4."""
    desk = after_example_2()
    desk.place(B, "BUY", "10", "0.50")
    desk.place(A, "SELL", "6", "0.50")
    return desk
