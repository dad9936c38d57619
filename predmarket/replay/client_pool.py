"""Clients of many accounts, of which a bounded number is connected at a time."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Self

from predmarket.client import Client

_MOST = 100


class ClientPool:
    """Opens the client of an account when it is asked for, and closes the one unused longest."""

    def __init__(self, open_client: Callable[[str], Client], most: int = _MOST) -> None:
        self._open = open_client
        self._most = most
        self._clients: OrderedDict[str, Client] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def client(self, account: str) -> Client:
        """Return an account's client; it is good until the next call."""
        if account in self._clients:
            self._clients.move_to_end(account)
            return self._clients[account]
        if len(self._clients) >= self._most:
            self._clients.popitem(last=False)[1].close()
        self._clients[account] = client = self._open(account)
        return client

    def close(self) -> None:
        """Close all clients."""
        while self._clients:
            self._clients.popitem()[1].close()
