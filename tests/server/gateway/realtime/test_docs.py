"""docs/realtime.md agrees with the code."""

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from predmarket.contracts import realtime
from predmarket.contracts.accounts import Balance, Fill, Position
from predmarket.contracts.errors import ErrorBody
from predmarket.contracts.events import EventHolding, EventSummary
from predmarket.contracts.markets import Market, Trade
from predmarket.contracts.order_groups import OrderGroupsSnapshot, OrderGroupUpdate
from predmarket.contracts.orders import CancelAllRequest, OrderState, PlaceOrderRequest
from predmarket.contracts.realtime import ClientMessage, ServerMessage
from predmarket.contracts.requests import decode
from predmarket.server.gateway.broadcast import send_buffer
from predmarket.server.gateway.realtime import inbox
from predmarket.server.gateway.realtime.limits import SocketLimits

PAGE = (Path(__file__).parents[4] / "docs" / "realtime.md").read_text()
EXAMPLES = re.findall(r"```json (client|server)\n(.*?)\n```", PAGE, re.DOTALL)

REQUESTS: dict[str, Any] = {
    "auth": realtime.AuthRequest,
    "subscribe": realtime.SubscribeRequest,
    "unsubscribe": realtime.UnsubscribeRequest,
    "snapshot": realtime.SnapshotRequest,
    "order.place": PlaceOrderRequest,
    "order.amend": realtime.AmendOrderMessage,
    "order.cancel": realtime.CancelOrderMessage,
    "order.cancelAll": CancelAllRequest,
}
MESSAGES: dict[str, Any] = {
    "error": ErrorBody,
    "authenticated": realtime.Authenticated,
    "subscribed": realtime.Subscribed,
    "unsubscribed": realtime.Unsubscribed,
    "orderbook.snapshot": realtime.BookLevels,
    "orderbook.delta": realtime.BookLevels,
    "trades.snapshot": realtime.TradesSnapshot,
    "trade": Trade,
    "ticker.snapshot": realtime.Ticker,
    "ticker": realtime.Ticker,
    "markets.snapshot": realtime.MarketsSnapshot,
    "market": Market,
    "event": EventSummary,
    "event.snapshot": realtime.EventTickers,
    "event.tickers": realtime.EventTickers,
    "eventPositions.snapshot": realtime.EventPositionsSnapshot,
    "eventPosition": EventHolding,
    "orders.snapshot": realtime.OrdersSnapshot,
    "order": OrderState,
    "fills.snapshot": realtime.FillsSnapshot,
    "fill": Fill,
    "balances.snapshot": Balance,
    "balance": Balance,
    "positions.snapshot": realtime.PositionsSnapshot,
    "position": Position,
    "orderGroups.snapshot": OrderGroupsSnapshot,
    "orderGroup": OrderGroupUpdate,
    "order.ack": realtime.OrderAck,
    "ping": dict[str, str],
}


@pytest.mark.parametrize(("sender", "text"), EXAMPLES)
def test_an_example(sender: str, text: str) -> None:
    """Each example decodes as its contract, with exactly its fields."""
    if sender == "client":
        message = decode(text.encode(), ClientMessage)
        if message.type != "pong":
            decode(bytes(message.data), REQUESTS[message.type])
        return
    answer = msgspec.json.decode(text, type=ServerMessage, strict=True)
    data = msgspec.json.decode(answer.data, type=MESSAGES[answer.type])
    assert json.loads(msgspec.json.encode(data)) == json.loads(bytes(answer.data))
    assert json.loads(text).keys() <= set(ServerMessage.__struct_encode_fields__)
    of_topic = not isinstance(answer.topic, msgspec.UnsetType)
    assert of_topic is not isinstance(answer.seq, msgspec.UnsetType)
    follows = of_topic and not answer.type.endswith(".snapshot")
    assert follows is not isinstance(answer.last_seq, msgspec.UnsetType)


def test_every_type_has_an_example() -> None:
    """Every message type of both sides has an example."""
    shown = [(sender, json.loads(text)["type"]) for sender, text in EXAMPLES]
    assert {type for sender, type in shown if sender == "client"} == {*REQUESTS, "pong"}
    assert {type for sender, type in shown if sender == "server"} == set(MESSAGES)


def test_the_limits() -> None:
    """The documented limits equal the limits in the code."""
    bounds = SocketLimits()
    said = {
        f"{realtime.MAX_MESSAGE_BYTES:,} bytes |": realtime.MAX_MESSAGE_BYTES == 64 * 1024,
        f"{bounds.topics:,} |": bounds.topics == realtime.MAX_TOPICS,
        f"{bounds.burst:,.0f} at once, {bounds.rate:.0f} a second": True,
        f"{inbox.MAX_IN_FLIGHT:,} |": True,
        "1 MiB": send_buffer.MAX_WAITING_BYTES == 1024 * 1024,
        f"Every {bounds.ping_s:.0f} s": True,
        f"came for {bounds.silence_s:.0f} s": True,
        f"more than {realtime.MAX_REPLAY:,} of them": True,
        f"up to {realtime.MAX_SNAPSHOT:,}": True,
        f"the last {realtime.SNAPSHOT_HISTORY}": True,
    }
    for words, holds in said.items():
        assert holds, words
        assert re.sub(r"(?<=\d),(?=\d)", " ", words) in PAGE, words
