"""The contract of every bus (server/core/bus.py), within a process and over Redis."""

import msgspec
import pytest

from predmarket.engine import Exchange as Engine
from predmarket.engine.commands import (
    AmendOrder,
    CancelAfter,
    CancelAll,
    Command,
    ConfirmProposal,
    CreateAll,
    CreateMarket,
    OpenAccount,
    ProposeResolution,
    ResolveMarket,
    Transfer,
)
from predmarket.engine.events import Event
from predmarket.engine.replies import (
    AccountDone,
    AllCreated,
    Canceled,
    MarketDone,
    OrderDone,
    Refused,
    Reply,
    Resolved,
    TransferDone,
)
from predmarket.enums import ErrorCode, Liquidity, MarketStatus, Outcome, Side
from predmarket.server.core.bus import Faulted, Overloaded, RepeatedOrder, RepeatedTransfer
from predmarket.units import MONEY_ONE, Micros
from tests.support.core_exchange import MARKET, limit
from tests.support.redis_halves import Handed

BUY, SELL = Side.BUY, Side.SELL


async def test_a_reply_comes_after_its_commit_and_its_view(handed: Handed) -> None:
    """A reply follows its commit, and its change is visible in the gateway's market view."""
    reply = await handed.do(limit(1, BUY, 5, 40))
    seq = handed.view.book(MARKET).seq
    assert isinstance(reply, OrderDone)
    assert handed.view.book(MARKET).bids == {4_000: 500}
    assert handed.exchange.rows("SELECT id, status FROM orders") == [(reply.order.id, "OPEN")]
    assert seq == 1


async def test_every_kind_of_reply_comes_back_as_it_was_given(handed: Handed) -> None:
    """Every kind of reply is returned with all its fields."""
    assert await handed.do(OpenAccount(3, 0)) == AccountDone(3)
    transfer = Transfer(3, 5 * MONEY_ONE, "gift", 1, key="k")
    assert await handed.do(transfer) == TransferDone(10, 3, 105 * MONEY_ONE, 0)
    assert await handed.do(transfer) == RepeatedTransfer(10)
    snow = CreateMarket("snow", "Snow?", "", 100, 0, 0, None, MarketStatus.OPEN, 1)
    assert await handed.do(snow) == MarketDone(2)
    two = CreateAll((snow, msgspec.structs.replace(snow, slug="hail")), ())
    assert isinstance(await handed.do(two), Refused)
    two = CreateAll(two.markets[1:], ())
    assert await handed.do(two) == AllCreated((3,), ())
    made = await handed.do(limit(1, BUY, 2, 50, key="mine"))
    assert isinstance(made, OrderDone)
    assert await handed.do(limit(1, BUY, 2, 50, key="mine")) == RepeatedOrder(made.order.id)
    other = await handed.do(limit(1, BUY, 3, 50, key="mine"))
    assert isinstance(other, Refused)
    assert other.code is ErrorCode.DUPLICATE_CLIENT_ORDER_ID
    sold = await handed.do(limit(2, SELL, 1, 50))
    assert isinstance(sold, OrderDone)
    assert [(fill.price, fill.qty, fill.liquidity) for fill in sold.fills] == [
        (5_000, 100, Liquidity.TAKER)
    ]
    amended = await handed.do(AmendOrder(1, made.order.id, 4_900, None))
    assert isinstance(amended, OrderDone)
    assert (amended.order.price, amended.order.filled) == (4_900, 100)
    assert await handed.do(CancelAfter(1, 0)) == AccountDone(1)
    assert await handed.do(CancelAll(1)) == Canceled((made.order.id,))
    poor = await handed.do(Transfer(3, -500 * MONEY_ONE, "too much", 1))
    assert isinstance(poor, Refused)
    assert poor.code is ErrorCode.INSUFFICIENT_FUNDS
    proposed = ProposeResolution(ResolveMarket(MARKET, Outcome.YES, note="Rain."), 10**17)
    assert await handed.do(proposed) == MarketDone(MARKET)
    assert await handed.do(ConfirmProposal(MARKET, None, 1)) == Resolved(MARKET, 1, MONEY_ONE)


async def test_handed_in_together_they_are_answered_in_order(handed: Handed) -> None:
    """Commands submitted together are answered in order, and a refused one affects no other."""
    replies = await handed.bus.submit_many(
        [limit(1, BUY, 1, 40), limit(99, BUY, 1, 40), limit(2, BUY, 1, 41)]
    )
    first, refused, last = replies
    assert isinstance(first, OrderDone)
    assert isinstance(refused, Refused)
    assert isinstance(last, OrderDone)
    assert (first.order.price, last.order.price) == (4_000, 4_100)
    assert first.order.id < last.order.id


async def test_a_cancelled_caller_affects_no_other(handed: Handed) -> None:
    """A caller who stops waiting does not affect the replies to others."""
    gone = handed.bus.enqueue(limit(1, BUY, 1, 40))
    stays = handed.bus.enqueue(limit(2, BUY, 1, 41))
    gone.cancel()
    assert isinstance(await stays, OrderDone)


@pytest.mark.parametrize("max_queue", [3])
async def test_too_many_are_refused_and_change_nothing(handed: Handed) -> None:
    """Commands beyond the bound are refused and never executed."""
    replies = await handed.bus.submit_many([limit(1, BUY, 1, n) for n in range(40, 45)])
    assert [type(reply) for reply in replies] == [OrderDone] * 3 + [Overloaded] * 2
    assert handed.exchange.count("orders") == 3
    for _ in range(3):
        handed.bus.enqueue(limit(1, BUY, 1, 50))
    with pytest.raises(Overloaded):
        handed.bus.enqueue(limit(1, BUY, 1, 50))


async def test_a_defect_affects_one_command(
    handed: Handed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command that hits a defect is answered as a fault; the others are executed."""
    apply = Engine.apply

    def broken(self: Engine, now: Micros, command: Command) -> tuple[Reply, list[Event]]:
        if isinstance(command, Transfer) and command.reason == "boom":
            raise RuntimeError("a defect")
        return apply(self, now, command)

    monkeypatch.setattr(Engine, "apply", broken)
    replies = await handed.bus.submit_many(
        [limit(1, BUY, 1, 40), Transfer(1, MONEY_ONE, "boom", 1), limit(2, BUY, 1, 41)]
    )
    assert [type(reply) for reply in replies] == [OrderDone, Faulted, OrderDone]
    assert handed.exchange.count("orders") == 2
