"""Loads what the feed leaves out of the user's open orders: old ones, and places in the queue."""

import asyncio
from collections.abc import Callable

from predmarket.client import ClientError, calls, response_types
from predmarket.client.calls import Call
from predmarket.tui.coalesced import Coalesced
from predmarket.tui.exchange import Client
from predmarket.tui.state import parse
from predmarket.tui.state.trading_state import TradingState

_MOST = 20_000
"""As many orders as the screen keeps."""
_PAUSE_S = 0.05
"""Pause between two requests: at most twenty a second."""


class OpenOrders:
    """Fills the state's orders; ``queues`` loads missing places, ``older`` the older orders."""

    def __init__(self, client: Client, state: TradingState, say: Callable[[str], None]) -> None:
        self._client = client
        self._state = state
        self._say = say
        self.queues = Coalesced(self._ask_queues)
        self.older = Coalesced(self._load_older)

    async def _ask_queues(self) -> None:
        """Request the missing places in the queue of the orders whose trades are followed.

        It requests one at a time, the newest first, for any number of orders.
        """
        orders = self._state.orders
        while (order := orders.next_unplaced(self._state.traded_markets)) is not None:
            ahead = None
            try:
                found = await self._client.send(calls.order(order))
            except ClientError:
                pass  # it stays unknown and is shown as a dash
            else:
                # without one the order has just ended; the feed will report it
                ahead = found.get("queueAhead")
            orders.placed(order, None if ahead is None else parse.qty(ahead))
            await asyncio.sleep(_PAUSE_S)

    async def _load_older(self) -> None:
        """Load the open orders that a snapshot left out: it has the newest alone."""
        orders = self._state.orders
        call: Call[response_types.Page[response_types.Order]] | None = calls.orders(
            status="LIVE", limit=100
        )
        orders.expect_older(coming=True)
        try:
            while call is not None and len(orders) < _MOST:
                page = await self._client.send(call)
                orders.add_older(page["items"])
                call = call.after(page)
                await asyncio.sleep(_PAUSE_S)
        except ClientError as error:
            self._say(f"older orders are not shown: {error}")
        finally:
            orders.expect_older(coming=False)
