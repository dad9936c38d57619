"""The address that a request is counted for."""

from ipaddress import ip_network

import pytest

from predmarket.server.gateway.limits.client_address import Proxies, client_key, client_keys

PROXIES = Proxies([ip_network("10.0.0.0/8"), ip_network("2001:db8::/48")])

CASES: list[tuple[str, list[str], str]] = [
    ("192.0.2.1", ["198.51.100.7"], "192.0.2.1"),  # forged: the peer is no trusted proxy
    ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
    ("10.0.0.1", ["203.0.113.9, 198.51.100.7"], "198.51.100.7"),  # the client wrote the first
    ("10.0.0.1", ["203.0.113.9", "198.51.100.7, 10.0.0.2"], "198.51.100.7"),
    ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
    ("10.0.0.1", [], "10.0.0.1"),
    ("10.0.0.1", [""], "10.0.0.1"),
    ("10.0.0.1", ["nonsense"], "10.0.0.1"),
    ("10.0.0.1", ["198.51.100.7, nonsense, 10.0.0.2"], "10.0.0.2"),
    ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
    ("10.0.0.1", ["198.51.100.7:x"], "10.0.0.1"),
    ("10.0.0.1", ["[2001:db8:1::5]:80"], "2001:db8:1::5"),
    ("10.0.0.1", ["2001:db8:1::5"], "2001:db8:1::5"),
    ("10.0.0.1", ["\xff\x00"], "10.0.0.1"),
    ("::ffff:10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
    ("2001:db8::1", ["::ffff:198.51.100.7"], "198.51.100.7"),
    # the client wrote a hundred proxies; only as many are read as can exist
    ("10.0.0.1", [", ".join(["198.51.100.7", *(f"10.0.0.{n}" for n in range(100))])], "10.0.0.84"),
    ("10.0.0.1", [", ".join(["198.51.100.7", *["10.0.0.2"] * 15])], "198.51.100.7"),
]


@pytest.mark.parametrize(("peer", "forwarded", "client"), CASES)
def test_forwarded_for(peer: str, forwarded: list[str], client: str) -> None:
    """X-Forwarded-For is read from its end for as long as the writer of an entry is trusted."""
    headers = [(b"host", b"x"), *((b"x-forwarded-for", f.encode("latin-1")) for f in forwarded)]
    found = PROXIES.client((peer, 5), headers)
    assert found is not None
    assert found[0] == client


@pytest.mark.parametrize(
    ("peer", "forwarded", "is_tls"),
    [
        ("10.0.0.1", ["https"], True),
        ("10.0.0.1", [" HTTPS "], True),
        ("::ffff:10.0.0.1", ["https"], True),
        ("10.0.0.1", ["http, https"], True),
        ("10.0.0.1", ["https", "http"], False),  # the client wrote the first
        ("10.0.0.1", ["https, http"], False),
        ("10.0.0.1", ["http"], False),
        ("10.0.0.1", ["httpsx"], False),
        ("10.0.0.1", ["\xff"], False),
        ("10.0.0.1", [""], False),
        ("10.0.0.1", [], False),
        ("192.0.2.1", ["https"], False),  # forged: the peer is no trusted proxy
        ("nonsense", ["https"], False),
    ],
)
def test_forwarded_proto(peer: str, forwarded: list[str], is_tls: bool) -> None:
    """X-Forwarded-Proto counts by its last entry if the writer is a trusted proxy."""
    headers = [(b"host", b"x"), *((b"x-forwarded-proto", f.encode("latin-1")) for f in forwarded)]
    assert PROXIES.ends_tls((peer, 5), headers) is is_tls


def test_a_peer_without_an_address() -> None:
    """A Unix socket's peer has no address, so none of its forwarded headers are believed."""
    assert PROXIES.client(None, [(b"x-forwarded-for", b"198.51.100.7")]) is None
    assert not PROXIES.ends_tls(None, [(b"x-forwarded-proto", b"https")])
    assert PROXIES.client(("", 0), [(b"x-forwarded-for", b"198.51.100.7")]) == ("", 0)


def test_addresses_that_count_together() -> None:
    """Requests are counted by IPv4 address or IPv6 site.

    An IPv4 address in IPv6 form counts as IPv4, and unknown addresses count together.
    """
    assert client_key("198.51.100.7") == client_key("::ffff:198.51.100.7") == "198.51.100.7"
    assert (
        client_key("2001:db8:1:2::5") == client_key("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    )
    assert client_key("2001:db8:1:3::5") != client_key("2001:db8:1:2::5")
    assert client_key("fe80::1%eth0") == "fe80::/64"
    assert client_keys("2001:db8:1:203::5") == (
        "2001:db8:1:203::/64",
        "2001:db8:1:200::/56",
        "2001:db8:1::/48",
    )
    assert client_keys("198.51.100.7") == ("198.51.100.7",)
    assert client_key(None) == client_key("") == "unknown"
