"""The exchange's listening addresses."""

import socket

import pytest

from predmarket.server.process.runtime import listen
from predmarket.server.settings import Settings


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has one family alone")
def test_every_address_is_both_families() -> None:
    """``--host ::`` accepts IPv4 connections too."""
    with listen(Settings.load({"host": "::", "port": 0})) as listener:
        port = listener.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port), timeout=5):
                taken, _ = listener.accept()
                taken.close()
