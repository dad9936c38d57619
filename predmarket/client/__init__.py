"""The client library: what the command line, the screen and bots stand on.

    from predmarket.client import Client, NewOrder

    with Client("http://127.0.0.1:8000", api_key=key) as client:
        client.place_order(NewOrder(market="rain", side="BUY", qty="10", price="0.60"))

Importing this package is cheap: the HTTP library is loaded with `Client`, at its first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from predmarket.client.errors import ApiError, ClientError, ConfigurationError, Unreachable

if TYPE_CHECKING:
    from predmarket.client.calls import NewOrder
    from predmarket.client.rest import Client
    from predmarket.client.retry import Retry
    from predmarket.client.session import Session, StoredSession

__all__ = [
    "ApiError",
    "Client",
    "ClientError",
    "ConfigurationError",
    "NewOrder",
    "Retry",
    "Session",
    "StoredSession",
    "Unreachable",
]

_LAZY = {
    "Client": "rest",
    "NewOrder": "calls",
    "Retry": "retry",
    "Session": "session",
    "StoredSession": "session",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    globals()[name] = value
    return value
