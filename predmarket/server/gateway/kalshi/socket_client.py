"""One client on its Kalshi-shaped socket: its commands, and its subscriptions by sid.

Reading, bounds, pings and the end of a socket are those of /realtime (realtime/client.py).
"""

import asyncio
import logging
from collections.abc import Callable

import msgspec
from litestar.types import WebSocketScope

from predmarket.contracts.requests import weight
from predmarket.enums import ErrorCode, Scope
from predmarket.server.errors import Refusal
from predmarket.server.gateway.broadcast import frames
from predmarket.server.gateway.broadcast.topics import Topic
from predmarket.server.gateway.http.errors import refusal_of
from predmarket.server.gateway.kalshi.answers import encode
from predmarket.server.gateway.kalshi.catalog import Catalog
from predmarket.server.gateway.kalshi.socket_feed import (
    BOOK,
    CHANNELS,
    PRIVATE,
    TALLIED,
    UNFILTERED,
    SocketFeed,
    Subscription,
)
from predmarket.server.gateway.kalshi.words import Json, slug, ticker
from predmarket.server.gateway.protocol.websocket import Socket
from predmarket.server.gateway.realtime.client import Shared, SocketClient
from predmarket.server.observability.request import CURRENT

log = logging.getLogger(__name__)

_HEARTBEAT = b"\x89\x09heartbeat"
"""A ping frame; the client's library answers it."""
_CHANNEL_ERROR = 10


class _Params(msgspec.Struct):
    channels: list[str] | None = None
    market_ticker: str | None = None
    market_tickers: list[str] | None = None
    sid: int | None = None
    sids: list[int] | None = None
    action: str | None = None
    send_initial_snapshot: bool | None = None


class _Command(msgspec.Struct):
    id: int = 0
    cmd: str = ""
    params: _Params | None = None


class CommandError(Exception):
    """The refusal of a command, with Kalshi's code."""

    def __init__(self, code: int, message: str, market_ticker: str | None = None) -> None:
        super().__init__(message)
        self.body: Json = {"code": code, "msg": message}
        if market_ticker is not None:
            self.body["market_ticker"] = market_ticker


_decode = msgspec.json.Decoder(_Command).decode


class KalshiSocketClient(SocketClient):
    """One client."""

    def __init__(
        self, shared: Shared, feed: SocketFeed, socket: Socket, scope: WebSocketScope, address: str
    ) -> None:
        super().__init__(shared, socket, scope, address)
        self._feed = feed
        self._held: dict[int, Subscription] = {}
        self._last_sid = 0

    # the socket's side

    def ping(self, now: float) -> None:
        """Send a ping; a client that does not read gets none."""
        self.pinged = now
        if self.out.clear:
            self.out.send(_HEARTBEAT)

    def idle_for(self, now: float) -> float:
        """Return for how long it has been anonymous and without subscriptions."""
        if self._held:
            self._used = now
        return super().idle_for(now)

    def refuse(
        self, error: Exception, request_id: str | None, *, topic: Topic | None = None
    ) -> None:
        """Send an error that answers no command."""
        del request_id, topic
        self._refuse(0, error)

    # answers

    def _tell(self, id: int, type: str, **fields: object) -> None:
        body: Json = {"type": type, **fields}
        if id:
            body["id"] = id
        self.out.send(frames.frame(encode(body)))

    def _refuse(self, id: int, error: Exception) -> None:
        """Send an error. Costs a token; a defect is logged."""
        if self.ended:
            return
        if isinstance(error, CommandError):
            body = error.body
        else:
            before = CURRENT.set(self.scope)
            try:
                refusal = refusal_of(error)
            finally:
                CURRENT.reset(before)
            code = 27 if refusal.code is ErrorCode.RATE_LIMITED else _CHANNEL_ERROR
            body = {"code": code, "msg": refusal.message}
        self._tell(id, "error", msg=body)
        self.spend()

    # commands

    def _carry_out(self, raw: bytes) -> None:
        self.spend(weight(raw))
        if self.ended:
            return
        try:
            command = _decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._refuse(0, CommandError(1, f"Unable to process message: {str(error)[:200]}"))
            return
        self._try(command, again=True)

    def _try(self, command: _Command, *, again: bool) -> None:
        """Execute a command; try again when another process may have made its market."""
        try:
            step = _STEPS.get(command.cmd)
            if step is None:
                raise CommandError(5, "Unknown command")
            step(self, command.id, command.params)
        except CommandError as error:
            if again and error.body.get("market_ticker") is not None:
                self.inbox.later(self._once_caught_up(command), None)
            else:
                self._refuse(command.id, error)
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            self._refuse(command.id, error)

    async def _once_caught_up(self, command: _Command) -> None:
        await self.context.services.catch_up()
        if not self.ended:
            self._try(command, again=False)

    def _subscribe(self, id: int, params: _Params | None) -> None:
        if params is None:
            raise CommandError(2, "Params required")
        if not params.channels:
            raise CommandError(3, "Channels required")
        markets = self._markets(params)
        for channel in params.channels:
            if channel not in CHANNELS:
                raise CommandError(8, "Unknown channel name")
            if channel == BOOK and markets is None:
                raise CommandError(14, "Market Ticker required")
            if channel in PRIVATE:
                self._check_private()
        self._check_room(len(params.channels) * max(1, len(markets or ())))
        self.reader.take(len(markets or ()))
        if any(channel in TALLIED for channel in params.channels):
            self.inbox.later(self._begin_tallied(id, params, markets), None)
        else:
            self._begin(id, params, markets)

    async def _begin_tallied(self, id: int, params: _Params, markets: list[int] | None) -> None:
        """Begin subscriptions once the sums that their messages show are known."""
        assert self.principal is not None  # it was checked
        user_id, tallies = self.principal.user_id, self._feed.tallies
        subscriptions = len({*(params.channels or ())}.intersection(TALLIED))
        try:
            orders = await tallies.acquire(user_id, subscriptions)
        except Exception as error:  # noqa: BLE001 -- every error is an answer
            self._refuse(id, error)
            return
        if self.ended:
            tallies.release(user_id, subscriptions)
            return
        self.reader.charge(orders)
        self._begin(id, params, markets)

    def _begin(self, id: int, params: _Params, markets: list[int] | None) -> None:
        for channel in dict.fromkeys(params.channels or ()):
            self._last_sid += 1
            wanted = None if channel in UNFILTERED or markets is None else set(markets)
            one = Subscription(channel, self._last_sid, self, wanted)
            self._held[one.sid] = one
            self._tell(id, "subscribed", msg={"channel": channel, "sid": one.sid})
            if channel == BOOK:
                self.inbox.later(self._send_books(one, markets or []), None)
            else:
                self._feed.attach(one)
            if channel == "ticker" and params.send_initial_snapshot:
                for market_id in wanted or ():
                    self._feed.send_quotes(one, market_id, self.context.services.core.now())

    def _check_private(self) -> None:
        if self.principal is None:
            raise CommandError(9, "Authentication required")
        try:
            self.user(Scope.READ)
        except Refusal as refusal:
            raise CommandError(9, refusal.message) from None

    def _check_room(self, more: int) -> None:
        held = sum(max(1, len(one.markets or ())) for one in self._held.values())
        if held + more > self.shared.bounds.topics:
            raise CommandError(26, "Subscription market limit exceeded")

    def _markets(self, params: _Params) -> list[int] | None:
        """Return the markets that a command names, None if it names none."""
        names = [*(params.market_tickers or ())]
        if params.market_ticker is not None:
            names.append(params.market_ticker)
        if not names:
            return None
        if len(names) > self.shared.bounds.topics:
            raise CommandError(26, "Subscription market limit exceeded")
        catalog = Catalog(self.context, self.principal)
        found: dict[int, None] = {}
        for name in names:
            record = None if slug(name).isdigit() else catalog.view.find(slug(name))
            if record is None or not catalog.sees(record):
                raise CommandError(11, "Invalid parameter: unknown market", name[:64])
            found[record.id] = None
        return [*found]

    def _unsubscribe(self, id: int, params: _Params | None) -> None:
        if params is None:
            raise CommandError(2, "Params required")
        sids = params.sids or ([] if params.sid is None else [params.sid])
        if not sids:
            raise CommandError(4, "Subscription IDs required")
        gone = [self._subscription(sid) for sid in dict.fromkeys(sids)]
        for one in gone:
            self._feed.detach(one)
            del self._held[one.sid]
            self._tell(id, "unsubscribed", sid=one.sid, seq=one.seq + 1)

    def _subscription(self, sid: int) -> Subscription:
        one = self._held.get(sid)
        if one is None:
            raise CommandError(7, "Unknown subscription ID")
        return one

    def _update(self, id: int, params: _Params | None) -> None:
        if params is None:
            raise CommandError(2, "Params required")
        sids = params.sids or ([] if params.sid is None else [params.sid])
        if len(sids) != 1:
            raise CommandError(12, "Exactly one subscription ID is required")
        one = self._subscription(sids[0])
        if params.action is None:
            raise CommandError(15, "Action required")
        change = _ACTIONS.get(params.action)
        shows = change is _unchanged
        if change is None or one.channel in UNFILTERED or (shows and one.channel != BOOK):
            raise CommandError(13, "Unsupported action")
        markets = self._markets(params)
        if markets is None:
            raise CommandError(14, "Market Ticker required")
        if change is _added:
            self._check_room(len(markets))
        self.reader.take(len(markets))
        known = set[int]() if one.markets is None else one.markets
        after = change(known, markets)
        names = [ticker(record.slug) for m in sorted(after) if (record := self.hub.view.find(m))]
        one.seq += 1
        self._tell(id, "ok", sid=one.sid, seq=one.seq, msg={"market_tickers": names})
        if one.markets is None:
            return  # all of them are told of already
        one.markets = after
        if one.channel == BOOK:
            self._feed.drop_markets(one, known - after)
            books = markets if shows else [m for m in markets if m in after and m not in known]
            self.inbox.later(self._send_books(one, books), None)

    async def _send_books(self, one: Subscription, markets: list[int]) -> None:
        """Send books, each in a turn of the event loop, before anything else of this client."""
        for market_id in markets:
            if self.ended or one.sid not in self._held:
                return
            self._feed.send_book(one, market_id)
            await asyncio.sleep(0)

    def _list(self, id: int, params: _Params | None) -> None:
        del params
        held = [{"channel": one.channel, "sid": one.sid} for one in self._held.values()]
        self._tell(id, "ok", msg=held)

    def _end(self) -> None:
        if not self.ended:
            for one in self._held.values():
                self._feed.detach(one)
            self._held.clear()
        super()._end()


def _added(known: set[int], markets: list[int]) -> set[int]:
    return known | set(markets)


def _removed(known: set[int], markets: list[int]) -> set[int]:
    return known - set(markets)


def _unchanged(known: set[int], markets: list[int]) -> set[int]:
    del markets
    return known


_ACTIONS: dict[str, Callable[[set[int], list[int]], set[int]]] = {
    "add_markets": _added,
    "delete_markets": _removed,
    "get_snapshot": _unchanged,
}
"""Each action returns the markets of a subscription after it."""
_STEPS: dict[str, Callable[[KalshiSocketClient, int, _Params | None], None]] = {
    "subscribe": KalshiSocketClient._subscribe,  # noqa: SLF001 -- of this module
    "unsubscribe": KalshiSocketClient._unsubscribe,  # noqa: SLF001 -- likewise
    "update_subscription": KalshiSocketClient._update,  # noqa: SLF001 -- likewise
    "list_subscriptions": KalshiSocketClient._list,  # noqa: SLF001 -- likewise
}
