"""Settings: the source of each value, refusals, and the secret."""

import stat
from pathlib import Path

import pytest

from predmarket.server.settings import Settings, SettingsError


@pytest.fixture(autouse=True)
def _empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide .env and the environment from the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PREDMARKET_DATA_DIR", str(tmp_path))


def test_a_flag_goes_over_the_environment_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flag overrides the environment, which overrides the file; each value's source is known."""
    (tmp_path / ".env").write_text("PREDMARKET_PORT=1\nPREDMARKET_HOST=::1\nOTHER=x\n")
    monkeypatch.setenv("PREDMARKET_PORT", "2")
    monkeypatch.setenv("PREDMARKET_LOG_LEVEL", "")
    assert Settings.load().port == 2
    flags = {"port": "3", "host": None}
    settings = Settings.load(flags)
    shown = {name: (value, origin) for name, value, origin in settings.explain(flags)}
    assert shown["PREDMARKET_PORT"] == ("3", "flag")
    assert shown["PREDMARKET_HOST"] == ("::1", ".env")
    assert shown["PREDMARKET_DATA_DIR"] == (str(tmp_path), "environment")
    assert shown["PREDMARKET_LOG_LEVEL"] == ("info", "default")
    assert shown["PREDMARKET_MAX_PRICE_SLIPPAGE"] == ("0.1000", "default")
    assert shown["PREDMARKET_MAX_OPEN_ORDERS"] == ("20000", "default")


@pytest.mark.parametrize(
    ("database_url", "redis_url"),
    [
        ("postgresql://u:hush@h/d", "redis://:hush@h/0"),
        ("postgresql://u:hush@h1:1,[::1]:2/d", "redis://h"),
        ("postgresql://u@h/d?password=hush", "redis://h/0?password=hush"),
        ("postgresql://u@h/d?sslpassword=hush&x=1", "redis://h/0?%70assword=hush"),
    ],
)
def test_secrets_are_hidden(database_url: str, redis_url: str) -> None:
    """Passwords in any part of a URL and the signing secret are hidden."""
    flags = {"jwt_secret": "s" * 40, "database_url": database_url, "redis_url": redis_url}
    settings = Settings.load(flags)
    for text in (str(settings.explain(flags)), repr(settings)):
        assert "hush" not in text
        assert "s" * 40 not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("PORT", "65536"),
        ("DATABASE_URL", "mysql://h/d"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "postgresql://h1:one,h2:2/d"),
        ("DATABASE_URL", "postgresql://h1:1,/d"),
        ("DATABASE_URL", "postgresql://h1,h2/d?target_session_attrs=standby"),
        ("REDIS_URL", "http://h"),
        ("REDIS_URL", "redis://h/first"),
        ("REDIS_URL", "unix://"),
        ("DATA_DIR", "~nobody-of-that-name/x"),
        ("JWT_SECRET", "short"),
        ("TRUSTED_PROXIES", "somewhere"),
        ("CORS_ORIGIN", "example.com"),
        ("CORS_ORIGIN", "https://"),
        ("CORS_ORIGIN", "https://me@example.com"),
        ("CORS_ORIGIN", "https://example.com:99999"),
        ("MAX_PRICE_SLIPPAGE", "2"),
        ("MAX_OPEN_ORDERS", "0"),
        ("AUTH_RATE_LIMIT", "5/fortnight"),
        ("ORDER_RATE_LIMIT", "0/second"),
        ("ORDER_RATE_LIMIT", "5/00seconds"),
        ("SIGNUP_CREDIT", "-1"),
        ("LOG_LEVEL", "loud"),
        ("MAX_BATCH", "0"),
    ],
)
def test_invalid_settings_are_refused(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An invalid setting is refused in one line that names it."""
    monkeypatch.setenv(f"PREDMARKET_{name}", value)
    with pytest.raises(SettingsError, match=f"^PREDMARKET_{name}: [^\n]+$"):
        Settings.load()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("port", "x", "must be a whole number"),
        ("port", "70000", "must be at most 65535"),
        ("max_batch", "0", "must be at least 1"),
        ("log_format", "xml", "must be 'auto', 'json' or 'console'"),
        ("host", "", "must not be empty"),
    ],
)
def test_messages_are_in_plain_words(name: str, value: str, said: str) -> None:
    """The message is in plain words and not the validating library's."""
    with pytest.raises(SettingsError) as caught:
        Settings.load({name: value})
    assert str(caught.value) == f"--{name.replace('_', '-')}: {said}"


def test_a_host_for_metrics_needs_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host for metrics needs a port, because alone it would silently change nothing."""
    monkeypatch.setenv("PREDMARKET_METRICS_HOST", "0.0.0.0")
    with pytest.raises(SettingsError, match=r"^PREDMARKET_METRICS_PORT: must be set"):
        Settings.load()
    monkeypatch.setenv("PREDMARKET_METRICS_PORT", "9464")
    assert Settings.load().metrics_port == 9464


def test_the_invalid_proxy_is_named() -> None:
    """The error names the invalid one of several proxies; both IP versions are accepted."""
    proxies = Settings.load({"trusted_proxies": "127.0.0.1, fd00::/8"}).trusted_proxies
    assert list(map(str, proxies)) == ["127.0.0.1/32", "fd00::/8"]
    mapped = Settings.load({"trusted_proxies": "::ffff:192.0.2.0/120"}).trusted_proxies
    assert list(map(str, mapped)) == ["192.0.2.0/24"]
    with pytest.raises(SettingsError, match=r"^--trusted-proxies: nginx is no address"):
        Settings.load({"trusted_proxies": "127.0.0.1, nginx"})


def test_rate_limits() -> None:
    """A rate limit is a number per span, or off."""
    settings = Settings.load({"auth_rate_limit": "off", "order_rate_limit": "7/2minutes"})
    assert settings.auth_rate_limit is None
    assert settings.order_rate_limit == (7, 120)
    assert settings.auth_window_limit == (100, 900)


def test_the_secret_is_made_once_and_kept(tmp_path: Path) -> None:
    """The secret is made once, stored, and readable by its owner only."""
    secret = Settings.load().signing_secret()
    assert len(secret) >= 32
    assert Settings.load().signing_secret() == secret
    mode = (tmp_path / "jwt-secret").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["jwt-secret"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("sqlite:////srv/predmarket.db", "sqlite:////srv/predmarket.db"),
        ("sqlite:///predmarket.db", "sqlite:///predmarket.db"),
        ("postgresql://ann:hush@h:1/d?sslmode=require&password=hush",
         "postgresql+psycopg://ann:***@h:1/d?password=***&sslmode=require"),
        ("postgresql://ann@h/d", "postgresql+psycopg://ann@h/d"),
        ("postgresql://ann:hush@h1:1,h2/d",
         "postgresql+psycopg://ann:***@/d?host=h1,h2&port=1,5432&target_session_attrs=read-write"),
        ("redis://ann:hush@h:1/2", "redis://***@h:1/2"),
        ("redis://hush@h", "redis://***@h"),
        ("unix:///run/redis.sock?db=1&password=hush", "unix:///run/redis.sock?db=1&password=***"),
    ],
)  # fmt: skip
def test_shown_urls_are_complete(given: str, expected: str) -> None:
    """A shown URL is complete except for its secrets, so that it can be copied."""
    redis = given.startswith(("redis", "unix"))
    settings = Settings.load({"redis_url" if redis else "database_url": given})
    assert (settings.shown_redis if redis else settings.shown_database) == expected


def test_a_secret_that_is_no_text(tmp_path: Path) -> None:
    """An undecodable secret file is named."""
    (tmp_path / "jwt-secret").write_bytes(b"\xff" * 40)
    with pytest.raises(SettingsError, match="jwt-secret: holds no text"):
        Settings.load().signing_secret()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_off_loopback_the_secret_must_be_given(host: str) -> None:
    """Off loopback the secret must be set, because others can reach the exchange."""
    with pytest.raises(SettingsError, match=r"^PREDMARKET_JWT_SECRET: must be set"):
        Settings.load({"host": host}).signing_secret()
    given = Settings.load({"host": host, "jwt_secret": "s" * 32})
    assert given.signing_secret() == "s" * 32


def test_processes_that_share_the_secret_must_be_given_it() -> None:
    """Processes that share a secret must be given it, because each would make its own."""
    with pytest.raises(SettingsError, match="several processes"):
        Settings.load().signing_secret(shared=True)
