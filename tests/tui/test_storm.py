"""The kill switch during a storm of orders that the same account places elsewhere."""

import time
from pathlib import Path
from typing import TypeVar

from textual import events

from predmarket.client import messages as feed
from predmarket.client.calls import Call
from tests.tui.screens import go_live, scripted
from tests.tui.script import ScriptedClient, ScriptedFeed, change, order, snapshot

T = TypeVar("T")

STORM = 4_000
LIMIT_S = 1.0
"""The processor's own time between the key and the request, however busy the machine is."""


class Urgent(ScriptedClient):
    """The kill switch's connections; records the storm's progress at their use."""

    def __init__(self, script: ScriptedFeed, other: ScriptedClient) -> None:
        super().__init__({"POST /v1/orders/cancel-all": {"canceled": [1, 2, 3]}})
        self._script, self._other = script, other
        self.waiting = self.asked = 0
        self.sent_at = 0.0

    async def send(self, call: Call[T]) -> T:
        self.sent_at = time.process_time()
        self.waiting, self.asked = self._script.waiting, len(self._other.calls)
        return await super().send(call)


async def test_cancel_all_leaves_while_the_storm_still_waits(tmp_path: Path) -> None:
    """The cancel-all overtakes thousands of messages, with few queue requests before it."""
    topic = "user:7:orders"
    async with scripted(tmp_path) as (desktop, script, client):
        await go_live(desktop, script)
        urgent = desktop.trader.urgent = Urgent(script, client)
        new = (order(n, "BUY", f"0.{n % 50 + 1:02}00", "1.00") for n in range(1, STORM + 1))
        storm = [change(feed.OrderChanged, topic, each, each["id"] + 1) for each in new]
        script.play(snapshot(feed.OrdersSnapshot, topic, {"items": []}), *storm)
        await desktop.until(lambda: len(desktop.trader.state.orders), "begun")
        asked, pressed_at = len(client.calls), time.process_time()
        desktop.app.post_message(events.Key("f9", None))
        await desktop.until(lambda: urgent.calls, "sent")
        assert urgent.waiting > 0
        assert urgent.asked - asked <= 2
        assert urgent.sent_at - pressed_at < LIMIT_S
        await desktop.sees("3 orders cancelled")
