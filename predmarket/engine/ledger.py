"""Accounts, positions and every movement of money and shares.

Invariants, checked after each command over what the command touched (``Ledger.verify``):
- in each market total YES = total NO = open interest, and collateral = open interest x 1.00
  (while a resolution pays out step by step, the money sum alone);
- cash over users + collateral of all markets + fees = net deposits;
- no lock, share count or reserve is negative; available goes below zero by a VOID alone.

Each movement is written twice, in the accounts and in the market's totals, by different sums; the
check compares the two. Source: MARKET_RULES, Collateral, Positions, Lifecycle.
"""

from bisect import insort

from predmarket.engine.book import Order
from predmarket.engine.fees import EXACT_PER_MONEY, fee_lock
from predmarket.engine.market import Market
from predmarket.engine.own_orders import OwnOrders
from predmarket.engine.position import Position
from predmarket.units import PRICE_ONE, Micros, Money, Price, Qty


class InvariantError(AssertionError):
    """The engine contradicts itself. Nothing decided since the last commit may be used."""


class Account:
    """One user's cash; ``orders`` are the open ones by id, ``deadman_at`` the armed switch.

    ``own`` lists the resting ones by market and side; it is None until it is first asked for.
    ``*_seq`` count the changes that the user was told of, by topic; like ``version`` they are the
    store's.
    """

    __slots__ = (
        "available", "balance_seq", "deadman_at", "fill_seq", "locked", "order_seq", "orders",
        "own", "position_seq", "user_id", "version",
    )  # fmt: skip

    def __init__(self, user_id: int) -> None:
        self.user_id = user_id
        self.available: Money = 0
        self.locked: Money = 0
        self.deadman_at: Micros | None = None
        self.orders: dict[int, Order] = {}
        self.own: OwnOrders | None = None
        self.order_seq = 0
        self.fill_seq = 0
        self.balance_seq = 0
        self.position_seq = 0
        self.version = 0


class Ledger:
    """All accounts and positions, with the sums they must add up to. ``user_ids`` is sorted."""

    __slots__ = (
        "_accounts_before", "_collateral_moved", "_fees_moved", "_markets", "_outside_moved",
        "_positions_before", "_voiding", "accounts", "dirty_accounts", "dirty_positions", "fees",
        "net_deposits", "positions", "user_ids",
    )  # fmt: skip

    def __init__(self) -> None:
        self.accounts: dict[int, Account] = {}
        self.user_ids: list[int] = []
        self.positions: dict[tuple[int, int], Position] = {}
        self.fees: Money = 0
        self.net_deposits: Money = 0
        self.dirty_accounts: dict[int, Account] = {}
        self.dirty_positions: dict[tuple[int, int], Position] = {}
        self._markets: dict[int, Market] = {}
        self._accounts_before: dict[Account, tuple[Money, Money]] = {}
        self._positions_before: dict[Position, tuple[Qty, Qty]] = {}
        self._collateral_moved: Money = 0
        self._fees_moved: Money = 0
        self._outside_moved: Money = 0
        self._voiding = False

    # what a command is about to change, as it was before

    def account(self, user_id: int) -> Account:
        """Return an account that the current command is about to change."""
        account = self.accounts[user_id]
        if account not in self._accounts_before:
            self._accounts_before[account] = (account.available, account.locked)
        return account

    def position(self, user_id: int, market: Market) -> Position:
        """Return a position that the current command is about to change, made if missing."""
        key = (user_id, market.id)
        position = self.positions.get(key)
        if position is None:
            position = self.positions[key] = Position(user_id, market.id)
            market.positions[user_id] = position
        if position not in self._positions_before:
            self._positions_before[position] = (position.yes, position.no)
            self._markets[market.id] = market
        return position

    # money from and to the outside

    def open_account(self, user_id: int) -> Account:
        """Create an empty account."""
        account = self.accounts[user_id] = Account(user_id)
        insort(self.user_ids, user_id)  # at the end as a rule: ids are given in order
        self._accounts_before[account] = (0, 0)
        return account

    def drop(self, position: Position, market: Market) -> None:
        """Forget a position that no command will change any more."""
        del market.positions[position.user_id]
        del self.positions[position.user_id, market.id]

    def deposit(self, account: Account, amount: Money) -> None:
        """Bring ``amount`` in from outside, or, negative, take it out."""
        account.available += amount
        self.net_deposits += amount
        self._outside_moved += amount

    # orders

    def required_lock(self, order: Order, market: Market, open_qty: Qty) -> Money:
        """Return the cash that ``open_qty`` of the order must hold: its cost and its fees."""
        if not open_qty:
            return 0
        cost = (order.price if order.is_buy else PRICE_ONE - order.price) * open_qty
        if not market.lock_rate:
            return cost
        return cost + fee_lock(
            order.fee_exact, market.lock_rate, open_qty, order.is_buy, order.price
        )

    def relock(self, order: Order, account: Account, market: Market) -> None:
        """Make the order's lock what the rules say for what is left of it."""
        lock = self.required_lock(order, market, order.remaining - order.close)
        change = lock - order.lock
        if change:
            account.locked += change
            account.available -= change
            order.lock = lock

    def release(self, order: Order, market: Market) -> Qty:
        """Free all that the order holds and return what merged because of it."""
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
        closing = min(order.close, qty)
        opening = qty - closing
        against = PRICE_ONE - price
        cash = 0
        if closing:
            order.close -= closing
            if order.is_buy:
                cash = against * closing
                position.reserved_no -= closing
                position.give_no(closing, cash)
            else:
                cash = price * closing
                position.reserved_yes -= closing
                position.give_yes(closing, cash)
        if opening:
            if order.is_buy:
                cost = price * opening
                position.yes += opening
                position.cost_yes += cost
            else:
                cost = against * opening
                position.no += opening
                position.cost_no += cost
            cash -= cost
        fee = self._charge(order, market, qty, price, is_taker) if market.lock_rate else 0
        position.realized -= fee
        position.net_paid += fee - cash
        account.available += cash - fee
        market.collateral -= cash
        self._collateral_moved -= cash
        self.relock(order, account, market)
        return cash, fee

    def _charge(
        self, order: Order, market: Market, qty: Qty, price: Price, is_taker: bool
    ) -> Money:
        """Add a fill's fee to the order's exact sum and return the money now due."""
        rate = market.taker_rate if is_taker else market.maker_rate
        order.fee_exact += rate * qty * price * (PRICE_ONE - price)
        fee = -(-order.fee_exact // EXACT_PER_MONEY) - order.fees_paid
        order.fees_paid += fee
        market.fees += fee
        self.fees += fee
        self._fees_moved += fee
        return fee

    def merge(self, position: Position, market: Market) -> Qty:
        """Turn free YES and free NO pairs into cash and return how many there were."""
        free_yes = position.yes - position.reserved_yes
        free_no = position.no - position.reserved_no
        pairs = free_yes if free_yes < free_no else free_no
        if pairs <= 0:
            return 0
        cash = pairs * PRICE_ONE
        # The YES side takes the whole dollar, the NO side nothing: only the sum of both counts.
        position.give_yes(pairs, cash)
        position.give_no(pairs, 0)
        position.net_paid -= cash
        self.account(position.user_id).available += cash
        market.open_interest -= pairs
        market.collateral -= cash
        self._collateral_moved -= cash
        return pairs

    # the end of a market

    def pay_out(self, position: Position, market: Market, price: Price) -> Money:
        """Pay a position at ``price`` for YES, leave it flat and return the cash."""
        cash = position.yes * price + position.no * (PRICE_ONE - price)
        position.realized += cash - position.cost_yes - position.cost_no
        position.net_paid -= cash
        self._settle(position, market, cash)
        return cash

    def refund(self, position: Position, market: Market) -> tuple[Money, Money]:
        """Give a user's net payments in a voided market back.

        Returns the cash that came from the collateral and the cash that came from fees: the
        market's fees go back first, since every one of them is part of somebody's payments.
        """
        total = position.net_paid
        fee = max(0, min(market.fees, total))
        market.fees -= fee
        self.fees -= fee
        self._fees_moved -= fee
        position.realized = 0
        position.net_paid = 0
        self._voiding = True
        self._settle(position, market, total - fee)
        if fee:
            self.account(position.user_id).available += fee
        return total - fee, fee

    def _settle(self, position: Position, market: Market, cash: Money) -> None:
        self.account(position.user_id).available += cash
        market.collateral -= cash
        self._collateral_moved -= cash
        position.yes = position.no = 0
        position.cost_yes = position.cost_no = 0

    # proof

    def verify(self) -> None:
        """Check the invariants over what this command touched, and forget it.

        Raises InvariantError. Takes time in proportion to what was touched.
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
            if not (
                0 <= position.reserved_yes <= position.yes
                and 0 <= position.reserved_no <= position.no
            ):
                raise InvariantError(f"position {position.user_id}: reserve out of bounds")
            market = self._markets[position.market_id]
            market.total_yes += position.yes - yes
            market.total_no += position.no - no
            self.dirty_positions[position.user_id, position.market_id] = position
        for market in self._markets.values():
            if market.ending:
                continue
            if not market.total_yes == market.total_no == market.open_interest:
                raise InvariantError(f"market {market.id}: YES, NO and open interest differ")
            if market.collateral != market.open_interest * PRICE_ONE:
                raise InvariantError(f"market {market.id}: collateral differs")
        self._forget()

    def _forget(self) -> None:
        self._accounts_before.clear()
        self._positions_before.clear()
        self._markets.clear()
        self._collateral_moved = self._fees_moved = self._outside_moved = 0
        self._voiding = False
