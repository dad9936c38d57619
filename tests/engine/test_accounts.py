"""Opening accounts and moving money in and out."""

import pytest

from predmarket.engine.commands import OpenAccount
from predmarket.engine.events import AccountOpened, Transferred
from predmarket.engine.replies import AccountDone, Refused, TransferDone
from predmarket.units import MAX_ACCOUNT, MAX_TRANSFER, format_money, parse_money
from tests.engine.desk import A, B, Desk, code


def test_an_account_opens_with_its_credit() -> None:
    """The sign-up credit is booked as a deposit."""
    desk = Desk()
    assert desk.apply(OpenAccount(7, parse_money("5"))) == AccountDone(7)
    assert desk.events == [AccountOpened(7), Transferred(4, 7, parse_money("5"))]
    assert desk.money(7) == ("5.000000", "0.000000")


def test_opening_again_changes_nothing() -> None:
    """A second opening changes nothing and adds no credit."""
    desk = Desk()
    assert desk.apply(OpenAccount(A, parse_money("5"))) == AccountDone(A)
    assert desk.events == []
    assert desk.money(A) == ("100.000000", "0.000000")


def test_no_credit_is_no_transfer() -> None:
    """An account without a credit opens empty, with nothing in its statement."""
    desk = Desk()
    desk.apply(OpenAccount(7))
    assert desk.events == [AccountOpened(7)]
    assert desk.money(7) == ("0.000000", "0.000000")


def test_deposit_and_withdrawal() -> None:
    """Each transfer has a number, and its reply has the balance after it."""
    desk = Desk()
    desk.place(A, "BUY", "10", "0.60")
    six, ninety_five = parse_money("6"), parse_money("95")
    assert desk.transfer(A, "1") == TransferDone(4, A, ninety_five, six)
    assert desk.transfer(A, "-95") == TransferDone(5, A, 0, six)
    assert desk.exchange.state.ledger.net_deposits == parse_money("206")


def test_only_what_is_available_leaves() -> None:
    """A withdrawal of locked money is refused; the details have the available amount."""
    desk = Desk()
    desk.place(A, "BUY", "10", "0.60")
    refused = desk.transfer(A, "-94.000001")
    assert isinstance(refused, Refused)
    assert refused.code == "INSUFFICIENT_FUNDS"
    assert refused.details == {"required": "94.000001", "available": "94.000000"}
    assert desk.events == []
    assert code(desk.transfer(A, "-94")) is None


@pytest.mark.parametrize(
    ("user", "amount", "expected"),
    [
        (99, "1", "USER_NOT_FOUND"),
        (A, "1000000000.000001", "LIMIT_EXCEEDED"),
        (A, "-1000000000.000001", "LIMIT_EXCEEDED"),
        (A, "-1000000000", "INSUFFICIENT_FUNDS"),
    ],
)
def test_refused_transfers(user: int, amount: str, expected: str) -> None:
    """The limit of one transfer is checked before the funds."""
    desk = Desk()
    before = desk.standing()
    assert code(desk.transfer(user, amount)) == expected
    assert desk.standing() == before


def test_the_limit_of_an_account() -> None:
    """An account holds at most 10^12, locked money included; withdrawals are always allowed."""
    desk = Desk()
    most = format_money(MAX_TRANSFER)
    for _ in range(999):
        ledger = desk.exchange.state.ledger
        ledger.deposit(ledger.account(B), MAX_TRANSFER)
        ledger.verify()
    desk.place(B, "BUY", "10", "0.60")
    assert code(desk.transfer(B, most)) == "LIMIT_EXCEEDED"
    assert code(desk.transfer(B, "999999900.000001")) == "LIMIT_EXCEEDED"
    assert code(desk.transfer(B, "999999900")) is None
    assert desk.account(B).available + desk.account(B).locked == MAX_ACCOUNT
    assert code(desk.transfer(B, "0.000001")) == "LIMIT_EXCEEDED"
    assert code(desk.transfer(B, "-1")) is None
