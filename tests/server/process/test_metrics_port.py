"""Metrics are served on a port of their own, and on the main port for loopback only."""

import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from predmarket.server.gateway.limits.client_address import Proxies, is_local
from predmarket.server.observability.metrics import Metrics
from predmarket.server.process.metrics_port import metrics_port, settings_of_process
from predmarket.server.settings import Settings, SettingsError
from tests.support.http_exchange import Exchange, exchange, settings

__all__ = ["exchange", "settings"]


def test_local_clients() -> None:
    """A client on loopback is local, unless a proxy forwards its request.

    Unknown addresses are not local.
    """

    def local(client: tuple[str, int] | None, *headers: bytes) -> bool:
        return is_local({"client": client, "headers": [(name, b"x") for name in headers]})  # type: ignore[typeddict-item]

    assert local(("127.0.0.1", 5), b"host")
    assert local(("::1", 5))
    assert local(("::ffff:127.0.0.1", 5))
    for client in (("192.0.2.7", 5), ("0.0.0.0", 5), ("unknown", 5), None):
        assert not local(client)
    for header in (b"x-forwarded-for", b"forwarded", b"x-real-ip"):
        assert not local(("127.0.0.1", 5), b"host", header)


async def test_it_serves_metrics_and_nothing_else(
    caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The metrics port serves /metrics and nothing else until the block ends."""
    monkeypatch.chdir(tmp_path)
    caplog.set_level("INFO")
    async with metrics_port(Settings.load({"metrics_port": 0}), Metrics()):
        (address,) = [r.__dict__["address"] for r in caplog.records if r.msg == "metrics_port"]
        async with httpx.AsyncClient(base_url=f"http://{address}", timeout=60) as client:
            shown = await client.get("/metrics")
            assert shown.status_code == 200
            assert shown.headers["content-type"].startswith("text/plain")
            assert "settlement_batch_size" in shown.text
            assert (await client.head("/metrics")).content == b""
            assert (await client.post("/metrics")).status_code == 405
            for path in ("/healthz", "/v1/markets", "/"):
                assert (await client.get(path)).status_code == 404
    host, _, port = address.rpartition(":")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((host, int(port))).close()


async def test_a_port_in_use_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port in use is reported with the name of its setting."""
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = Settings.load({"metrics_port": taken.getsockname()[1]})
        with pytest.raises(OSError, match="PREDMARKET_METRICS_PORT"):
            async with metrics_port(given, Metrics()):
                pass


def test_each_process_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process has the next port; an absent port or port 0 stays the same for all."""
    monkeypatch.chdir(tmp_path)
    given = Settings.load({"metrics_port": 65_534})
    ports = [settings_of_process(given, number).metrics_port for number in range(2)]
    assert ports == [65_534, 65_535]
    with pytest.raises(SettingsError, match="METRICS_PORT"):
        settings_of_process(given, 2)
    for port in (None, 0):
        assert settings_of_process(Settings.load({"metrics_port": port}), 5).metrics_port == port


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_the_main_port_shows_them_to_this_machine_alone(exchange: Exchange) -> None:
    """The main port shows metrics on loopback only, not to forwarded requests.

    Only admins see the leader's name and the sequence.
    """
    client = exchange.anonymous
    assert (await client.get("/metrics")).status_code == 200
    for path in ("/metrics", "/metrics/"):
        answer = await client.get(path, headers={"x-forwarded-for": "192.0.2.7"})
        assert answer.status_code == 404
    stranger = (await client.get("/v1/status")).json()
    boss = (await exchange.admin.client.get("/v1/status")).json()
    assert stranger["leader"] == {"epoch": boss["leader"]["epoch"], "name": None}
    assert boss["leader"]["name"]
    assert (stranger["sequence"], boss["sequence"] > 0) == (None, True)


def test_an_untrusted_proxy_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """An untrusted proxy is logged once, with its address.

    A request that is not forwarded, or comes from a trusted proxy, logs nothing.
    """
    forwarded = [(b"x-forwarded-for", b"192.0.2.7")]

    def ask(proxies: Proxies, peer: str, headers: list[tuple[bytes, bytes]]) -> str:
        scope: dict[str, Any] = {"client": (peer, 5), "headers": headers, "scheme": "http"}
        proxies.heed(scope, "https")  # type: ignore[arg-type]  # the part that is looked at
        return str(scope["client"][0])

    loaded = Settings.load({"trusted_proxies": "10.0.0.1"})
    proxies = Proxies(loaded.trusted_proxies)
    assert ask(proxies, "10.0.0.1", forwarded) == "192.0.2.7"
    assert ask(proxies, "10.0.0.2", []) == "10.0.0.2"
    assert caplog.messages == []
    for _ in range(3):
        assert ask(proxies, "10.0.0.2", forwarded) == "10.0.0.2"
    (said,) = caplog.messages
    assert said.startswith("10.0.0.2 sends X-Forwarded-For and is not among")
    assert ask(Proxies(()), "10.0.0.3", forwarded) == "10.0.0.3"
    assert len(caplog.messages) == 2
