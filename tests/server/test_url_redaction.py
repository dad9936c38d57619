"""URLs are shown without their secrets."""

import pytest

from predmarket.server.url_redaction import secrets_in, shown, without_parameters


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:key@host:6379/0", "redis://***@host:6379/0"),
        ("redis://key@host", "redis://***@host"),
        ("redis://host/0", "redis://host/0"),
        ("postgresql://u:p@h/d?sslpassword=x&a=b", "postgresql://***@h/d?sslpassword=***&a=b"),
        ("redis://h?PASSWORD=x", "redis://h?PASSWORD=***"),
        ("redis://h?p%61ssword=x", "redis://h?p%61ssword=***"),
    ],
)
def test_shown_urls_have_no_secret(url: str, expected: str) -> None:
    """A shown URL hides credentials before the host and secret parameters in any spelling."""
    assert shown(url) == expected


def test_a_plain_query_is_unchanged() -> None:
    """Parameters without a secret are unchanged, and so is a URL without any."""
    assert without_parameters("x://h/d?a=b&c") == "x://h/d?a=b&c"
    assert without_parameters("x://h/d") == "x://h/d"


def test_the_secrets_are_found_in_both_forms() -> None:
    """Secrets are found as written in the URL and decoded."""
    found = [*secrets_in("postgresql://u:p%40ss@h/d?scram_key=k%2B")]
    assert found == ["p%40ss", "p@ss", "k%2B", "k+"]


def test_a_password_before_several_hosts_is_found() -> None:
    """A password before several hosts is found, although Python's library cannot read that URL."""
    assert [*secrets_in("postgresql://u:hush@h1,[::1]:5/d")] == ["hush", "hush"]
