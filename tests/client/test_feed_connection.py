"""The feed against a scripted exchange: connecting, losing connections, reconnecting, ending."""

import asyncio

import pytest

from predmarket.client import (
    ApiError,
    Backoff,
    ConfigurationError,
    Feed,
    Session,
    State,
    Unreachable,
    connection,
)
from predmarket.client.messages import (
    Gap,
    StateChanged,
    TradeMade,
    TradesSnapshot,
)
from predmarket.client.session import Tokens
from tests.client.feeds import BOOK, BUY, TRADES, begun, feed_of, seqs, take, trade, until
from tests.support.scripted_exchange import PATIENCE_S, ScriptedExchange


async def test_a_cut_connection_resumes_where_it_was(scripted: ScriptedExchange) -> None:
    """Each topic resumes from its seq; one that never began starts from the beginning."""
    async with feed_of(scripted, BOOK, TRADES, "markets") as feed:
        connection = await scripted.accepted()
        await connection.confirm()
        await connection.book(7, [("0.5", "1")])
        await connection.say("trades.snapshot", {"marketId": 1, "items": []}, topic=TRADES, seq=0)
        await take(feed, 2)
        connection.cut()
        assert await until(feed, StateChanged) == StateChanged(State.LOST, "the connection was cut")
        assert feed.book(1).stale
        connection = await scripted.accepted()
        assert await connection.confirm() == [
            {"topic": BOOK, "lastSeq": 7},
            {"topic": TRADES, "lastSeq": 0},
            "markets",
        ]
        await trade(connection, 1)
        await until(feed, TradeMade)
        assert (feed.book(1).stale, feed.state) == (False, State.LIVE)
        await connection.book(8, [("0.5", "0")], last=7)
        assert await seqs(feed, 1) == [8]
        assert not list(feed.book(1).bids)


async def test_a_ping_is_answered(scripted: ScriptedExchange) -> None:
    """A ping is answered and counts as a sign of life; nothing is yielded."""
    now = [100.0]
    async with feed_of(scripted, TRADES, clock=lambda: now[0]) as feed:
        connection = await scripted.accepted()
        await begun(connection)
        await take(feed, 1)
        now[0] = 107.0
        assert feed.age_s == 7.0
        await connection.say("ping")
        await connection.heard("pong")
        assert feed.age_s == 0.0
        connection.cut()
        await until(feed, StateChanged, State.LOST)
        now[0] = 110.0
        assert feed.age_s == 3.0


async def test_a_quiet_exchange_is_asked_for_a_sign_of_life(
    scripted: ScriptedExchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The feed pings a silent exchange; the pong counts as a sign of life."""
    monkeypatch.setattr(connection, "PROBE_S", 0.01)
    now = [100.0]
    async with feed_of(scripted, TRADES, clock=lambda: now[0]) as feed:
        await begun(await scripted.accepted())
        await take(feed, 1)
        now[0] = 107.0
        async with asyncio.timeout(PATIENCE_S):
            while feed.age_s:
                await asyncio.sleep(0.01)


async def test_everything_is_told_anew_on_demand(scripted: ScriptedExchange) -> None:
    """A resynchronisation, as after a machine's sleep, reconnects and resumes each topic."""
    async with feed_of(scripted, TRADES) as feed:
        await begun(await scripted.accepted())
        await take(feed, 1)
        feed.resynchronise("this machine has slept")
        lost = await until(feed, StateChanged, State.LOST)
        assert lost == StateChanged(State.LOST, "this machine has slept")
        connection = await scripted.accepted()
        assert await connection.confirm() == [{"topic": TRADES, "lastSeq": 3}]


@pytest.mark.parametrize("code", [1000, 1011, 1012, 1013, 4408, 4429])
async def test_closed_by_the_exchange_it_comes_back(scripted: ScriptedExchange, code: int) -> None:
    """The feed reconnects after a close, after too many messages with the longest pause."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    backoff = Backoff(first_s=1.0, longest_s=9.0, settled_s=1e9, spread=lambda: 0.0)
    async with feed_of(scripted, TRADES, backoff=backoff, sleep=sleep) as feed:
        connection = await scripted.accepted()
        await begun(connection)
        await take(feed, 1)
        await connection.close(code)
        connection = await scripted.accepted()
        assert await connection.confirm() == [{"topic": TRADES, "lastSeq": 3}]
        await until(feed, StateChanged, State.LIVE)
    assert pauses == [9.0 if code == 4429 else 1.0]


async def test_given_up_it_says_why(scripted: ScriptedExchange) -> None:
    """The state LOST has the exchange's own reason, since a close code has several reasons."""
    async with feed_of(scripted, TRADES) as feed:
        connection = await scripted.accepted()
        await begun(connection)
        await take(feed, 1)
        await connection.close(1013, "this gateway missed changes")
        lost = await until(feed, StateChanged, State.LOST)
    assert lost == StateChanged(State.LOST, "this gateway missed changes")


@pytest.mark.parametrize(("code", "status"), [(4401, 401), (4403, 403), (4413, 413)])
async def test_closed_for_good(scripted: ScriptedExchange, code: int, status: int) -> None:
    """A close for an ended API key or a defect raises."""
    async with feed_of(scripted, TRADES, api_key="SECRET") as feed:
        connection = await scripted.accepted()
        await begun(connection)
        await connection.close(code)
        with pytest.raises(ApiError) as caught:
            await until(feed, Gap)
        assert (caught.value.status, feed.state) == (status, State.CLOSED)
        for use in (feed.live(), feed.place(BUY), anext(feed)):
            with pytest.raises(ApiError):
                await use


async def test_an_expired_token_is_renewed(scripted: ScriptedExchange) -> None:
    """A token that expired is renewed, after a refused handshake or a close code.

    An ended session raises.
    """
    session = Session(Tokens("old", "r"))
    async with feed_of(scripted, TRADES, session=session) as feed:
        connection = await scripted.accepted()
        assert connection.token == "old"
        session.keep(Tokens("new", "r"))  # another client renewed first
        await connection.close(4401)
        connection = await scripted.accepted()
        assert connection.token == "new"
        await begun(connection)
        await feed.live()
        session.keep(Tokens("newer", "r"))
        scripted.refuse(401)
        connection.cut()
        session.keep(Tokens("newest", "r"))
        connection = await scripted.accepted()
        assert connection.token == "newest"
        await connection.confirm()
        session.forget()
        await connection.close(4401)
        with pytest.raises(ApiError, match="UNAUTHENTICATED"):
            await until(feed, Gap)


async def test_a_token_is_renewed_once(scripted: ScriptedExchange) -> None:
    """A new token that is refused ends the feed."""
    session = Session(Tokens("old", "r"))
    async with feed_of(scripted, TRADES, session=session) as feed:
        for token in ("new", "newer"):
            connection = await scripted.accepted()
            session.keep(Tokens(token, "r"))
            await connection.close(4401)
        with pytest.raises(ApiError, match="UNAUTHENTICATED"):
            await feed.live()


async def test_a_new_token_is_used_at_once(scripted: ScriptedExchange) -> None:
    """A new token is used without a pause; a refused one waits again."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    backoff = Backoff(first_s=1.0, settled_s=1e9, spread=lambda: 0.0)
    session = Session(Tokens("old", "r"))
    scripted.refuse(503)
    scripted.refuse(503)
    async with feed_of(scripted, TRADES, session=session, backoff=backoff, sleep=sleep) as feed:
        connection = await scripted.accepted()
        for token, before in (
            ("new", [1.0, 2.0]),
            ("newer", [1.0, 2.0]),
            ("newest", [1.0, 2.0, 4.0]),
        ):
            await connection.confirm()
            await until(feed, StateChanged, State.LIVE)
            assert pauses == before
            session.keep(Tokens(token, "r"))
            await connection.close(4401)
            connection = await scripted.accepted()
            assert connection.token == token


async def test_a_renewal_that_is_not_answered_is_tried_again(scripted: ScriptedExchange) -> None:
    """A renewal without a reply is retried, and the session is kept."""
    session = Session(Tokens("old", "r"))
    async with feed_of(scripted, TRADES, session=session) as feed:
        for _ in range(3):  # the stub serves no /v1/auth/refresh
            connection = await scripted.accepted()
            assert connection.token == "old"
            await connection.close(4401)
        session.keep(Tokens("new", "r"))
        connection = await scripted.accepted()
        while connection.token == "old":
            await connection.close(4401)
            connection = await scripted.accepted()
        await connection.confirm()
        await until(feed, StateChanged, State.LIVE)


async def test_the_handshake_says_who_and_how(scripted: ScriptedExchange) -> None:
    """The key is in a header, never in the URL; without topics the feed checks the key."""
    async with feed_of(scripted, api_key="SECRET", cancel_on_disconnect=True) as feed:
        connection = await scripted.accepted()
        assert (connection.token, connection.path) == ("SECRET", "/realtime?cancelOnDisconnect=1")
        request = await connection.heard("auth")
        assert (request["data"], feed.state) == ({"token": "SECRET"}, State.CONNECTING)
        await connection.say("authenticated", {"userId": 2}, requestId=request["requestId"])
        await feed.live()
    with pytest.raises(ConfigurationError) as caught:
        async with feed_of(scripted, api_key="SECRET\n") as feed:
            await feed.live()
    assert "SECRET" not in str(caught.value)


async def test_states_do_not_pile_up(scripted: ScriptedExchange) -> None:
    """Repeated losses of the connection without a reader use bounded memory."""
    async with feed_of(scripted, TRADES, limit=2) as feed:
        for _ in range(5):
            connection = await scripted.accepted()
            await connection.confirm()
            await feed.live()
            connection.cut()
        connection = await scripted.accepted()
        await begun(connection)
        await feed.live()
        await connection.say("ping")
        await connection.heard("pong")
        states = [await anext(feed) for _ in range(2)]
        assert states == [StateChanged(State.LIVE), StateChanged(State.LIVE)]
        await begun(connection)  # the first snapshot did not fit
        assert await seqs(feed, 1) == [3]


async def test_silence_ends_a_connection(scripted: ScriptedExchange) -> None:
    """A silent connection is closed, because a cut far away sends no signal."""
    async with feed_of(scripted, TRADES, silence_s=0.05) as feed:
        await begun(await scripted.accepted())
        lost = await until(feed, StateChanged, State.LOST)
        assert lost == StateChanged(State.LOST, "nothing was heard for 0.05 s")
        await scripted.accepted()


async def test_pauses_grow_until_a_connection_holds(scripted: ScriptedExchange) -> None:
    """Pauses double up to the longest; Retry-After counts; a stable connection resets them."""
    pauses: list[float] = []
    now = [0.0]

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    backoff = Backoff(first_s=1.0, longest_s=6.0, settled_s=5.0, spread=lambda: 0.0)
    for status in (500, 502, 503, 503):
        scripted.refuse(status)
    scripted.refuse(503, None, **{"Retry-After": "5"})
    async with feed_of(
        scripted, TRADES, backoff=backoff, sleep=sleep, clock=lambda: now[0]
    ) as feed:
        connection = await scripted.accepted()
        assert pauses == [1.0, 2.0, 4.0, 6.0, 6.0]
        await begun(connection)
        await feed.live()
        connection.cut()
        connection = await scripted.accepted()
        await connection.confirm()
        await feed.live()
        now[0] += 5.0
        connection.cut()
        await scripted.accepted()
    assert pauses[5:] == [6.0, 1.0]


@pytest.mark.parametrize(
    ("spread", "pauses"), [(0.0, [2.0, 4.0, 5.0, 5.0]), (1.0, [1.0, 2.0, 2.5, 2.5])]
)
def test_backoff(spread: float, pauses: list[float]) -> None:
    """Every pause is bounded and random within its second half, without end."""
    backoff = Backoff(first_s=2.0, longest_s=5.0, spread=lambda: spread)
    assert [backoff.pause_s(number) for number in (1, 2, 3, 100_000)] == pauses
    assert backoff.pause_s(1, 4.5) == 4.5
    assert backoff.pause_s(1, 3600.0) == 5.0


async def test_no_exchange_at_this_address(scripted: ScriptedExchange) -> None:
    """A first attempt at no exchange raises; an exchange known from before is retried."""
    body = {"error": {"code": "NOT_FOUND", "message": "nothing here"}, "requestId": "r"}
    scripted.refuse(404, body)
    async with feed_of(scripted, TRADES) as feed:
        with pytest.raises(ApiError, match="nothing here") as caught:
            await feed.live()
        assert (caught.value.status, caught.value.request_id) == (404, "r")
    async with feed_of(scripted, TRADES) as feed:
        connection = await scripted.accepted()
        await begun(connection)
        await feed.live()
        scripted.refuse(404)
        connection.cut()
        await begun(await scripted.accepted())
        await feed.live()


async def test_nobody_there() -> None:
    """The feed retries for ever, and its state has the reason."""
    tried = asyncio.Event()

    async def sleep(_: float) -> None:
        tried.set()
        await asyncio.Event().wait()

    async with Feed("http://127.0.0.1:9", topics=[TRADES], sleep=sleep) as feed:
        await tried.wait()
        assert (feed.state, feed.age_s) == (State.LOST, None)
        assert "cannot reach ws://127.0.0.1:9/realtime" in feed.reason


async def test_closing_ends_everything(scripted: ScriptedExchange) -> None:
    """The iteration ends after queued messages, and every waiting call raises."""
    feed = feed_of(scripted, TRADES)
    async with feed:
        connection = await scripted.accepted()
        await begun(connection)
        await feed.live()
        waiting = asyncio.create_task(feed.place(BUY))
        await connection.heard("order.place")
        await connection.say("ping")
        await connection.heard("pong")
    with pytest.raises(Unreachable):
        await waiting
    with pytest.raises(Unreachable, match="closed"):
        await feed.live()
    assert [type(message) async for message in feed] == [
        StateChanged,
        TradesSnapshot,
        StateChanged,
    ]
    assert await connection.ended() == 1000


async def test_a_reader_that_gives_up_leaves_the_feed_in_order(scripted: ScriptedExchange) -> None:
    """A cancelled wait for a message or a reply affects no later one."""
    async with feed_of(scripted, TRADES) as feed:
        connection = await scripted.accepted()
        await begun(connection)
        await take(feed, 1)
        for use in (anext(feed), feed.place(BUY)):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(use, 0.01)
        await trade(connection, 4)
        assert await seqs(feed, 1) == [4]
