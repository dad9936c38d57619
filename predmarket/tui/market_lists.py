"""Loads the lists of events and markets, and single events."""

import asyncio
from collections.abc import Callable

from predmarket.client import ClientError, calls, response_types
from predmarket.client.calls import Call
from predmarket.tui.coalesced import Coalesced
from predmarket.tui.exchange import Client
from predmarket.tui.state.trading_state import TradingState

_PAGES = 10
"""Pages of each list that are loaded before the screen opens; other markets follow beside it."""
_MOST = 10_000
"""As many markets as the screen keeps."""
_PAUSE_S = 0.05
"""Pause between two pages that are loaded beside the screen."""


class MarketLists:
    """Fills the state with events and markets; ``rest`` loads markets after the first pages."""

    def __init__(self, client: Client, state: TradingState, say: Callable[[str], None]) -> None:
        self._client = client
        self._state = state
        self._say = say
        self._others: Call[response_types.Page[response_types.Market]] | None = None
        self.rest = Coalesced(self._load_others)

    async def load(self) -> None:
        """Load the first pages of both lists. Raises ClientError."""
        events: Call[response_types.Page[response_types.EventSummary]] | None
        events = calls.events(limit=100)
        for _ in range(_PAGES):
            if events is None:
                break
            summaries = await self._client.send(events)
            self._state.events.take(summaries["items"])
            events = events.after(summaries)
        call: Call[response_types.Page[response_types.Market]] | None = calls.markets(limit=100)
        for _ in range(_PAGES):
            if call is None:
                return
            page = await self._client.send(call)
            self._state.markets.take(page["items"])
            call = call.after(page)
        if call is not None:
            self._others = call
            self.rest.ask()

    async def _load_others(self) -> None:
        """Load the markets after the first pages, as many as the screen keeps."""
        while (call := self._others) is not None and len(self._state.markets) < _MOST:
            try:
                page = await self._client.send(call)
            except ClientError as error:
                self._say(f"older markets are not listed: {error}")
                return
            self._state.markets.take(page["items"])
            self._others = call.after(page)
            await asyncio.sleep(_PAUSE_S)

    async def load_event(self, event: int) -> None:
        """Load an event with all its markets."""
        try:
            found = await self._client.send(calls.event(event))
        except ClientError as error:
            self._say(f"no event: {error}")
            return
        self._state.events.take([found])
        self._state.markets.take(found["markets"])
