"""Accounts, and every movement of money and shares.

A *pool* keeps the collateral, the fees and the count of complete sets: it is an event, with all of
its markets, or a market without an event. A *holder* is one user's part of a pool: a holding in an
event, or a position.

Invariants, checked after each command over what the command touched (``Ledger.verify``):
- in each market total YES = total NO = open interest; in each event the bases add up to the sets;
- in each pool collateral = sets x 1.00 (while a resolution pays out step by step, the money sum
  alone);
- cash over users + collateral of all pools + fees = net deposits;
- no lock, share count or reserve is negative; available goes below zero only by a VOID;
- in an event all free sets have merged.

Each movement is written twice, in the accounts and in the pool's totals, by different sums; the
check compares the two. Source: docs/market_rules.md, Collateral, Positions, Lifecycle, Events.
"""

from bisect import insort
from typing import TypeAlias

from predmarket.engine.account import Account
from predmarket.engine.book import Order
from predmarket.engine.fees import exact_fee, fee_lock, rounded_up
from predmarket.engine.market import Market
from predmarket.engine.market_event import MarketEvent
from predmarket.engine.position import Holding, Position
from predmarket.units import PRICE_ONE, Money, Price, Qty

__all__ = ["Account", "Holder", "InvariantError", "Ledger", "Pool", "Position"]

Pool: TypeAlias = Market | MarketEvent
Holder: TypeAlias = Position | Holding


class InvariantError(AssertionError):
    """The engine contradicts itself. Drop everything decided since the last commit."""


class Ledger:
    """All accounts, with the expected sums of what moves. ``user_ids`` is sorted."""

    __slots__ = (
        "_accounts_before", "_collateral_moved", "_events", "_fees_moved", "_holdings_before",
        "_markets", "_outside_moved", "_positions_before", "_striking", "_voiding", "accounts",
        "dirty_accounts", "dirty_events", "dirty_holdings", "dirty_positions", "fees",
        "net_deposits", "user_ids",
    )  # fmt: skip

    def __init__(self) -> None:
        self.accounts: dict[int, Account] = {}
        self.user_ids: list[int] = []
        self.fees: Money = 0
        self.net_deposits: Money = 0
        self.dirty_accounts: dict[int, Account] = {}
        self.dirty_positions: dict[Position, None] = {}
        self.dirty_holdings: dict[Holding, None] = {}
        self.dirty_events: dict[int, MarketEvent] = {}
        self._markets: dict[int, Market] = {}
        self._events: dict[int, MarketEvent] = {}
        self._accounts_before: dict[Account, tuple[Money, Money]] = {}
        self._positions_before: dict[Position, tuple[Qty, Qty]] = {}
        self._holdings_before: dict[Holding, Qty] = {}
        self._collateral_moved: Money = 0
        self._fees_moved: Money = 0
        self._outside_moved: Money = 0
        self._voiding = False
        self._striking = False

    # access for changes: each notes the values before the first change of a command

    def account(self, user_id: int) -> Account:
        """Return an account that the current command is about to change."""
        account = self.accounts[user_id]
        if account not in self._accounts_before:
            self._accounts_before[account] = (account.available, account.locked)
        return account

    def position(self, user_id: int, market: Market) -> Position:
        """Return a position that the current command is about to change; create it if missing."""
        position = market.positions.get(user_id)
        if position is None:
            position = market.positions[user_id] = Position(user_id, market.id)
            if market.event is not None:
                holding = market.event.holdings.get(user_id)
                if holding is None:
                    holding = market.event.holdings[user_id] = Holding(user_id, market.event.id)
                holding.join(position)
        if position not in self._positions_before:
            self._positions_before[position] = (position.yes, position.no)
            self.dirty_positions[position] = None
            self._markets[market.id] = market
            holding, event = position.holding, market.event
            if holding is not None and event is not None and holding not in self._holdings_before:
                self._holdings_before[holding] = holding.base
                self._events[event.id] = event
        return position

    def holding(self, user_id: int, event: MarketEvent) -> Holding:
        """Return a holding that the current command is about to change."""
        holding = event.holdings[user_id]
        if holding not in self._holdings_before:
            self._holdings_before[holding] = holding.base
            self._events[event.id] = event
        return holding

    # money from and to the outside

    def open_account(self, user_id: int) -> Account:
        """Create an empty account."""
        account = self.accounts[user_id] = Account(user_id)
        insort(self.user_ids, user_id)  # usually at the end: ids are given in order
        self._accounts_before[account] = (0, 0)
        return account

    def deposit(self, account: Account, amount: Money) -> None:
        """Deposit ``amount``, or withdraw it if negative."""
        account.available += amount
        self.net_deposits += amount
        self._outside_moved += amount

    # orders

    def free_opposite(self, user_id: int, market: Market, is_buy: bool) -> Qty:
        """Return the unreserved shares that an order can give: YES for a SELL, NO for a BUY.

        In an event NO is a share of every other outcome.
        """
        position, event = market.positions.get(user_id), market.event
        if event is not None:
            holding = event.holdings.get(user_id)
            return 0 if holding is None else holding.free_opposite(position, is_buy, event.outcomes)
        return 0 if position is None else position.free_opposite(is_buy)

    def required_lock(self, order: Order, market: Market, open_qty: Qty) -> Money:
        """Return the cash that ``open_qty`` of the order must lock: its cost and its fees."""
        if not open_qty:
            return 0
        cost = (order.price if order.is_buy else PRICE_ONE - order.price) * open_qty
        if not market.lock_rate:
            return cost
        return cost + fee_lock(
            order.fee_exact, market.lock_rate, open_qty, order.is_buy, order.price
        )

    def relock(self, order: Order, account: Account, market: Market) -> None:
        """Set the order's lock to the required lock of its remaining open part."""
        lock = self.required_lock(order, market, order.remaining - order.close)
        change = lock - order.lock
        if change:
            account.locked += change
            account.available -= change
            order.lock = lock

    def release(self, order: Order, market: Market) -> Qty:
        """Free the order's cash and shares; return how many sets merged because of it."""
        if order.lock:
            account = self.account(order.user_id)
            account.locked -= order.lock
            account.available += order.lock
            order.lock = 0
        if not order.close:
            return 0
        position = self.position(order.user_id, market)
        position.reserve(order.is_buy, -order.close)
        order.close = 0
        return self.merge(position, market)

    def fill(
        self, order: Order, market: Market, qty: Qty, price: Price, is_taker: bool
    ) -> tuple[Money, Money]:
        """Book one side of a trade, the order's quantities already reduced by ``qty``.

        Returns the cash received (negative: paid) before the fee, and the fee.
        """
        account = self.account(order.user_id)
        position = self.position(order.user_id, market)
        holding = position.holding
        closing = min(order.close, qty)
        opening = qty - closing
        against = PRICE_ONE - price
        # YES and NO are counted apart, or, in an event, netted.
        given = closing
        if holding is not None:
            given = holding.fill(position, order.is_buy, closing, opening)
        taken = qty - given
        order.close -= closing
        if order.is_buy:
            cash = against * closing - price * opening
            position.reserved_no -= closing
            if given:
                position.give_no(given, against * given)
            if taken:
                position.yes += taken
                position.cost_yes += price * taken
        else:
            cash = price * closing - against * opening
            position.reserved_yes -= closing
            if given:
                position.give_yes(given, price * given)
            if taken:
                position.no += taken
                position.cost_no += against * taken
        fee = self._charge(order, market, qty, price, is_taker) if market.lock_rate else 0
        position.realized -= fee
        (holding or position).net_paid += fee - cash
        account.available += cash - fee
        (market.event or market).collateral -= cash
        self._collateral_moved -= cash
        self.relock(order, account, market)
        return cash, fee

    def _charge(
        self, order: Order, market: Market, qty: Qty, price: Price, is_taker: bool
    ) -> Money:
        """Add a fill's fee to the order's exact sum and return the money now due."""
        rate = market.taker_rate if is_taker else market.maker_rate
        order.fee_exact += exact_fee(rate, qty, price)
        fee = rounded_up(order.fee_exact) - order.fees_paid
        order.fees_paid += fee
        (market.event or market).fees += fee
        self.fees += fee
        self._fees_moved += fee
        return fee

    def merge(self, position: Position, market: Market) -> Qty:
        """Turn a user's free complete sets into cash and return how many there were.

        The position is one that the current command changes.
        """
        event = market.event
        if event is not None:
            assert position.holding is not None  # it is of the event
            return self.merge_sets(position.holding, event)
        pairs = position.free_pairs()
        if pairs <= 0:
            return 0
        # The YES side takes the whole dollar, the NO side nothing: only the sum of both counts.
        position.give_yes(pairs, pairs * PRICE_ONE)
        position.give_no(pairs, 0)
        self._redeem(position, market, pairs)
        return pairs

    def merge_sets(self, holding: Holding, event: MarketEvent) -> Qty:
        """Turn a user's free complete sets of an event into cash; return how many there were."""
        sets = holding.free_sets(event.outcomes)
        if sets <= 0:
            return 0
        holding.base -= sets
        self._redeem(holding, event, sets)
        return sets

    def _redeem(self, holder: Holder, pool: Pool, sets: Qty) -> None:
        pool.open_interest -= sets
        self.pay(holder, pool, sets * PRICE_ONE)

    def pay(self, holder: Holder, pool: Pool, cash: Money) -> None:
        """Pay cash out of a pool's collateral."""
        self.account(holder.user_id).available += cash
        holder.net_paid -= cash
        pool.collateral -= cash
        self._collateral_moved -= cash

    def refund(self, holder: Holder, pool: Pool) -> tuple[Money, Money]:
        """Give a user's net payments in a voided pool back.

        Returns the cash from the collateral and the cash from fees. The pool's fees go back first,
        since each fee is part of a user's payments.
        """
        total = holder.net_paid
        fee = max(0, min(pool.fees, total))
        pool.fees -= fee
        self.fees -= fee
        self._fees_moved -= fee
        self._voiding = True
        self.account(holder.user_id).available += fee
        self.pay(holder, pool, total - fee)
        holder.net_paid = 0
        return total - fee, fee

    def begin_strike(self) -> None:
        """Check the touched holdings before an outcome is struck.

        After this the command's check leaves out the free sets: holdings of later steps still have
        sets that did not merge.
        """
        if not self._striking:
            for holding in self._holdings_before:
                self._verify_free(holding, self._events[holding.event_id])
            self._striking = True

    # proof

    def verify(self) -> None:
        """Check the invariants over the objects that this command touched.

        Raises InvariantError. The time is proportional to the number of touched objects.
        """
        moved = 0
        for account, (available, locked) in self._accounts_before.items():
            if account.locked < 0:
                raise InvariantError(f"account {account.user_id}: locked below zero")
            if account.available < 0 and account.available < available and not self._voiding:
                raise InvariantError(f"account {account.user_id}: available below zero")
            moved += account.available + account.locked - available - locked
            self.dirty_accounts[account.user_id] = account
        if moved + self._collateral_moved + self._fees_moved != self._outside_moved:
            raise InvariantError("money was made or lost")
        for position, (yes, no) in self._positions_before.items():
            if position.holding is not None:
                self._verify_netted(position)
            elif not (
                0 <= position.reserved_yes <= position.yes
                and 0 <= position.reserved_no <= position.no
            ):
                raise InvariantError(f"position {position.user_id}: reserve out of bounds")
            market = self._markets[position.market_id]
            market.total_yes += position.yes - yes
            market.total_no += position.no - no
        for market in self._markets.values():
            if not market.ending:
                self._verify_market(market)
        if self._events:
            self._verify_events()
            self._holdings_before.clear()
            self._events.clear()
        self._forget()

    @staticmethod
    def _verify_market(market: Market) -> None:
        if market.event is not None:
            market.open_interest = market.total_yes
        if not market.total_yes == market.total_no == market.open_interest:
            raise InvariantError(f"market {market.id}: YES, NO and open interest differ")
        if market.event is None and market.collateral != market.open_interest * PRICE_ONE:
            raise InvariantError(f"market {market.id}: collateral differs")

    @staticmethod
    def _verify_netted(position: Position) -> None:
        """Check a position of an event. Its holding checks that the reserved shares are held."""
        yes, no = position.yes, position.no
        least = yes if yes < no else no
        if least != 0 or position.reserved_yes < 0 or position.reserved_no < 0:
            raise InvariantError(f"position {position.user_id}: shares or reserve out of bounds")

    @staticmethod
    def _verify_free(holding: Holding, event: MarketEvent) -> None:
        if holding.reserved < 0 or holding.free_sets(event.outcomes):
            raise InvariantError(f"holding {holding.user_id}: more or less free than merges")

    def _verify_events(self) -> None:
        for holding, base in self._holdings_before.items():
            event = self._events[holding.event_id]
            if not self._striking:
                self._verify_free(holding, event)
            event.total_base += holding.base - base
            self.dirty_holdings[holding] = None
        for event in self._events.values():
            self.dirty_events[event.id] = event
            if event.ending:
                continue
            if event.total_base != event.open_interest:
                raise InvariantError(f"event {event.id}: bases and sets differ")
            if event.collateral != event.open_interest * PRICE_ONE:
                raise InvariantError(f"event {event.id}: collateral differs")

    def _forget(self) -> None:
        self._accounts_before.clear()
        self._positions_before.clear()
        self._markets.clear()
        self._collateral_moved = self._fees_moved = self._outside_moved = 0
        self._voiding = self._striking = False
