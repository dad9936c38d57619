"""Every message of the contract decodes to its own class."""

import msgspec
import pytest

from predmarket.client import messages
from predmarket.client.messages import KINDS, TopicMessage, Unknown
from predmarket.contracts import accounts, events, markets, order_groups, orders, realtime
from predmarket.contracts.realtime import ServerMessage

CONTRACTS: dict[str, object] = {
    "orderbook.snapshot": realtime.BookLevels,
    "orderbook.delta": realtime.BookLevels,
    "trades.snapshot": realtime.TradesSnapshot,
    "trade": markets.Trade,
    "ticker.snapshot": realtime.Ticker,
    "ticker": realtime.Ticker,
    "markets.snapshot": realtime.MarketsSnapshot,
    "market": markets.Market,
    "event": events.EventSummary,
    "event.snapshot": realtime.EventTickers,
    "event.tickers": realtime.EventTickers,
    "eventPositions.snapshot": realtime.EventPositionsSnapshot,
    "eventPosition": events.EventHolding,
    "orders.snapshot": realtime.OrdersSnapshot,
    "order": orders.OrderState,
    "fills.snapshot": realtime.FillsSnapshot,
    "fill": accounts.Fill,
    "balances.snapshot": accounts.Balance,
    "balance": accounts.Balance,
    "positions.snapshot": realtime.PositionsSnapshot,
    "position": accounts.Position,
    "orderGroups.snapshot": order_groups.OrderGroupsSnapshot,
    "orderGroup": order_groups.OrderGroupUpdate,
}


def sample(hint: object) -> object:
    """Return a value of a contract's field, with an item in every list."""
    info = msgspec.inspect.type_info(hint)
    return _sample(info)


def _sample(info: msgspec.inspect.Type) -> object:
    match info:
        case msgspec.inspect.StructType(fields=fields):
            return {field.encode_name: _sample(field.type) for field in fields}
        case msgspec.inspect.ListType(item_type=item):
            return [_sample(item)]
        case msgspec.inspect.TupleType(item_types=items):
            return [_sample(item) for item in items]
        case msgspec.inspect.UnionType(types=kinds):
            return _sample(kinds[0])
        case msgspec.inspect.EnumType(cls=kind):
            return next(iter(kind)).value
        case msgspec.inspect.DictType(key_type=key, value_type=value):
            return {str(_sample(key)): _sample(value)}
        case msgspec.inspect.BoolType():
            return True
        case msgspec.inspect.IntType():
            return 3
        case msgspec.inspect.StrType():
            return "0.5000"
    raise AssertionError(info)


@pytest.mark.parametrize("name", CONTRACTS)
def test_data_is_whole(name: str) -> None:
    """``data`` has every field of the contract, equal to the JSON."""
    data = sample(CONTRACTS[name])
    raw = msgspec.json.encode(
        {"type": name, "ts": 1, "topic": "t", "seq": 4, "lastSeq": 3, "data": data}
    )
    message = messages.read(msgspec.json.decode(raw, type=ServerMessage), raw)
    assert isinstance(message, TopicMessage)
    assert (type(message), message.data, message.raw) == (KINDS[name], data, raw)
    assert message.last_seq == (None if name.endswith(".snapshot") else 3)
    assert message.snapshot is name.endswith(".snapshot")


def test_every_kind_has_a_contract() -> None:
    """Every kind of message has a contract, and every contract a kind."""
    assert KINDS.keys() == CONTRACTS.keys()


def test_a_kind_that_is_not_known() -> None:
    """A message of an unknown kind is yielded unchanged."""
    raw = b'{"type":"weather","ts":1,"data":{}}'
    envelope = msgspec.json.decode(raw, type=ServerMessage)
    assert messages.read(envelope, raw) == Unknown("weather", raw)
