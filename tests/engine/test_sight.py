"""Markets of groups: access for members, for strangers, and for former members.

The club is group 7. Others get what they get for a market that never was.
"""

import pytest

from predmarket.engine.commands import UpdateEvent, UpdateMarket
from predmarket.engine.replies import MarketDone, Refused
from predmarket.engine.snapshot import snapshot
from tests.engine.desk import A, B, C, Desk, code, placed
from tests.engine.event_desk import EventDesk

CLUB = (7,)
OTHERS = (3, 9)


@pytest.fixture
def desk() -> Desk:
    """Return a desk with a market and three users with 100.00 each."""
    return Desk()


@pytest.fixture
def club(desk: Desk) -> Desk:
    """Return a desk whose market 1 belongs to the club."""
    reply = desk.apply(UpdateMarket(1, actor_id=A, sets_group=True, group_id=7))
    assert isinstance(reply, MarketDone)
    return desk


def test_an_order_of_a_stranger(club: Desk) -> None:
    """A stranger's order is refused and recorded as one for an unknown market.

    Members and admins may trade.
    """
    reply = club.place(C, "BUY", "1", "0.50", groups=OTHERS)
    never = club.place(C, "BUY", "1", "0.50", market=99)
    assert isinstance(reply, Refused)
    assert isinstance(never, Refused)
    assert (reply.code, reply.message) == (never.code, never.message)
    assert placed(club.place(A, "BUY", "1", "0.50", groups=(*OTHERS, *CLUB))).qty == 100
    assert placed(club.place(B, "SELL", "1", "0.50", as_admin=True)).filled == 100


def test_somebody_who_has_left(club: Desk) -> None:
    """A former member may cancel, shrink and reduce, and nothing once flat."""
    bid = placed(club.place(A, "BUY", "10", "0.40", groups=CLUB)).id
    club.place(B, "SELL", "4", "0.40", groups=CLUB)
    assert code(club.place(A, "BUY", "1", "0.10")) == "NOTHING_TO_REDUCE"
    assert code(club.amend(A, bid, None, "11")) == "NOTHING_TO_REDUCE"
    assert code(club.amend(A, bid, "0.45", "8")) == "NOTHING_TO_REDUCE"
    assert placed(club.amend(A, bid, "0.40", "8")).qty == 800
    asked = placed(club.place(A, "SELL", "9", "0.60"))
    assert asked.qty == 400
    assert placed(club.amend(A, asked.id, "0.50", "9")).qty == 400
    club.cancel(A, bid)
    club.place(C, "BUY", "4", "0.50", groups=CLUB)
    assert code(club.place(A, "SELL", "1", "0.60")) == "MARKET_NOT_FOUND"


def test_a_resting_order_alone_keeps_a_market_in_sight(club: Desk) -> None:
    """A market with a resting order is visible until its cancel."""
    bid = placed(club.place(A, "BUY", "1", "0.40", groups=CLUB)).id
    assert code(club.place(A, "SELL", "1", "0.60")) == "NOTHING_TO_REDUCE"
    club.cancel(A, bid)
    assert code(club.place(A, "SELL", "1", "0.60")) == "MARKET_NOT_FOUND"


def test_an_event_is_one_thing_to_be_flat_in() -> None:
    """Shares of one market show all markets of the event, which share a group."""
    desk = EventDesk()
    desk.apply(UpdateEvent(1, actor_id=A, sets_group=True, group_id=7))
    assert [one.group_id for one in desk.exchange.state.markets.values()] == [None, 7, 7, 7]
    alone = desk.apply(UpdateMarket(2, actor_id=A, sets_group=True, group_id=None))
    assert code(alone) == "EVENT_DECIDES"
    desk.place(A, "BUY", "1", "0.40", market=2, groups=CLUB)
    desk.place(B, "SELL", "1", "0.40", market=2, groups=CLUB)
    assert code(desk.place(A, "SELL", "1", "0.40", market=3)) == "NOTHING_TO_REDUCE"
    assert code(desk.place(C, "SELL", "1", "0.40", market=3)) == "MARKET_NOT_FOUND"


def test_a_group_is_part_of_the_state(desk: Desk) -> None:
    """A market without a group has the same snapshot as before groups existed."""
    before = snapshot(desk.exchange.state)
    for group_id in (7, None):
        desk.apply(UpdateMarket(1, actor_id=A, sets_group=True, group_id=group_id))
        assert (snapshot(desk.exchange.state) == before) is (group_id is None)
