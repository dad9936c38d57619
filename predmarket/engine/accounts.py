"""Opening accounts, and money from and to the outside. Source: docs/market_rules.md, Units."""

from predmarket.engine.commands import CancelAfter, OpenAccount, Transfer
from predmarket.engine.events import AccountOpened, Transferred
from predmarket.engine.ledger import Account
from predmarket.engine.replies import AccountDone, Refused, TransferDone
from predmarket.engine.state import State
from predmarket.engine.timers import TimerKind
from predmarket.enums import ErrorCode
from predmarket.units import MAX_ACCOUNT, MAX_DEPOSITS, MAX_TRANSFER, Money, format_money

_SECOND = 1_000_000


def open_account(state: State, command: OpenAccount) -> AccountDone:
    """Open a user's account with its sign-up credit; leave an open account as it is."""
    if command.user_id not in state.ledger.accounts:
        account = state.ledger.open_account(command.user_id)
        state.events.append(AccountOpened(command.user_id))
        if command.credit and state.ledger.net_deposits + command.credit <= MAX_DEPOSITS:
            _book(state, account, command.credit)
    return AccountDone(command.user_id)


def transfer(state: State, command: Transfer) -> TransferDone | Refused:
    """Deposit or withdraw."""
    user_id, amount = command.user_id, command.amount
    if user_id not in state.ledger.accounts:
        return Refused(ErrorCode.USER_NOT_FOUND, "there is no such user")
    account = state.ledger.accounts[user_id]
    if abs(amount) > MAX_TRANSFER:
        return Refused(
            ErrorCode.LIMIT_EXCEEDED, f"one transfer moves at most {format_money(MAX_TRANSFER)}"
        )
    if amount > 0 and account.available + account.locked + amount > MAX_ACCOUNT:
        return Refused(
            ErrorCode.LIMIT_EXCEEDED, f"an account holds at most {format_money(MAX_ACCOUNT)}"
        )
    if state.ledger.net_deposits + amount > MAX_DEPOSITS:
        return Refused(
            ErrorCode.LIMIT_EXCEEDED, "the transfer exceeds what all accounts together may hold"
        )
    if amount < 0 and account.available + amount < 0:
        available = format_money(account.available)
        return Refused(
            ErrorCode.INSUFFICIENT_FUNDS,
            f"available is {available}",
            {"required": format_money(-amount), "available": available},
        )
    _book(state, state.ledger.account(user_id), amount)
    return TransferDone(state.last_transfer_id, user_id, account.available, account.locked)


def _book(state: State, account: Account, amount: Money) -> None:
    state.ledger.deposit(account, amount)
    state.last_transfer_id += 1
    state.events.append(Transferred(state.last_transfer_id, account.user_id, amount))


def cancel_after(state: State, command: CancelAfter) -> AccountDone | Refused:
    """Arm, re-arm or disarm a user's dead-man switch."""
    if command.user_id not in state.ledger.accounts:
        return Refused(ErrorCode.USER_NOT_FOUND, "there is no such user")
    account = state.ledger.account(command.user_id)
    if account.deadman_at is not None:
        account.deadman_at = None
        state.timers.retire(state.is_live)
    if command.seconds:
        account.deadman_at = state.now + command.seconds * _SECOND
        state.timers.set(account.deadman_at, TimerKind.DEADMAN, command.user_id)
    return AccountDone(command.user_id)
