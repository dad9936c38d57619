"""The client library, the basis of the command line, the screen and the bots.

    from predmarket.client import Client, NewOrder

    with Client("http://127.0.0.1:8000", api_key=key) as client:
        client.place_order(NewOrder(market="rain", side="BUY", qty="10", price="0.60"))

`AsyncClient` is the same for an event loop. `Feed` yields live messages (messages.py), keeps order
books, and places orders over a socket. docs/client.md has examples.

Importing this package is cheap: each name loads its modules at its first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from predmarket.client.errors import ApiError, ClientError, ConfigurationError, Unreachable

if TYPE_CHECKING:
    from predmarket.client.async_client import AsyncClient
    from predmarket.client.book import LocalBook
    from predmarket.client.calls import NewMarket, NewOrder
    from predmarket.client.client import Client
    from predmarket.client.feed import Feed
    from predmarket.client.messages import State
    from predmarket.client.numbers import exact, to_pandas
    from predmarket.client.retry import Backoff, Retry
    from predmarket.client.session import Session, StoredSession

__all__ = [
    "ApiError",
    "AsyncClient",
    "Backoff",
    "Client",
    "ClientError",
    "ConfigurationError",
    "Feed",
    "LocalBook",
    "NewMarket",
    "NewOrder",
    "Retry",
    "Session",
    "State",
    "StoredSession",
    "Unreachable",
    "exact",
    "to_pandas",
]

_LAZY = {
    "AsyncClient": "async_client",
    "Backoff": "retry",
    "Client": "client",
    "Feed": "feed",
    "LocalBook": "book",
    "NewMarket": "calls",
    "NewOrder": "calls",
    "Retry": "retry",
    "Session": "session",
    "exact": "numbers",
    "to_pandas": "numbers",
    "State": "messages",
    "StoredSession": "session",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value
