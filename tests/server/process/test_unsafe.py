"""Unsafe starts are refused in one line, and safe ones beyond loopback work."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis

from predmarket.server.process import start
from predmarket.server.storage import migrations
from tests.support.exchange import ANSWER_S, QUICK, SECRET, ExchangeProcess
from tests.support.postgres import PostgresServer
from tests.support.redis import RedisServer

REDIS_PASSWORD = "redis-password"
EVERYWHERE = ("--host", "0.0.0.0")
COMMAND = [sys.executable, "-m", "predmarket.cli"]


def refused(process: ExchangeProcess) -> str:
    """Start the process and return its one line of refusal."""
    process.launch()
    assert process.ended() == 2
    text = (process.folder / "log").read_text()
    (process.folder / "log").write_text("")
    assert text.count("\n") == 1, text
    return text


@pytest.mark.parametrize(
    ("flags", "settings", "says"),
    [
        (EVERYWHERE, {"JWT_SECRET": ""}, "PREDMARKET_JWT_SECRET: must be set"),
        (EVERYWHERE, {"JWT_SECRET": "short"}, "PREDMARKET_JWT_SECRET: must have at least 32"),
        ((*EVERYWHERE, "--seed"), {}, "without --force"),
        ((), {"MAX_BATCH": "many"}, "PREDMARKET_MAX_BATCH: "),
    ],
    ids=["no secret", "short secret", "seed", "unreadable"],
)
def test_refused_before_anything_is_touched(
    tmp_path: Path, flags: tuple[str, ...], settings: dict[str, str], says: str
) -> None:
    """An unsafe start is refused in one line with exit code 2, before a database is made."""
    url = f"sqlite:///{tmp_path / 'predmarket.db'}"
    assert says in refused(ExchangeProcess(tmp_path, url, *flags, settings=settings, program=QUICK))
    assert not (tmp_path / "predmarket.db").exists()


@pytest.fixture
def guarded_redis() -> Iterator[str]:
    """Return the URL of a Redis with a password."""
    with RedisServer() as server:
        with redis.Redis.from_url(server.url()) as client:
            client.config_set("requirepass", REDIS_PASSWORD)
        yield server.url().replace("unix://", f"unix://:{REDIS_PASSWORD}@")


def test_published_passwords_are_not_served(
    tmp_path: Path, sqlite_url: str, guarded_redis: str
) -> None:
    """Published passwords are refused beyond loopback, unless forced. No secret is logged."""
    given = {"database_url": sqlite_url, "data_dir": str(tmp_path)}
    start.seed(given, force=False)
    process = ExchangeProcess(tmp_path, sqlite_url, *EVERYWHERE, program=QUICK)
    line = refused(process)
    assert "admin@example.com and user@example.com" in line
    assert "--force" in line
    settings = {"LOG_LEVEL": "debug", "REDIS_URL": guarded_redis}
    forced = ExchangeProcess(
        tmp_path, sqlite_url, *EVERYWHERE, "--force", settings=settings, program=QUICK
    )
    secrets = [SECRET, REDIS_PASSWORD, "admin123", "password123"]
    try:
        forced.start()
        for email, old in (("admin@example.com", "admin123"), ("user@example.com", "password123")):
            body = {"email": email, "password": old}
            login = httpx.post(f"{forced.url}/v1/auth/login", json=body, timeout=ANSWER_S)
            assert login.status_code == 200
            secrets += [login.json()["accessToken"], login.json()["refreshToken"]]
        assert forced.stop() == 0
    finally:
        forced.kill()
    log = (tmp_path / "log").read_text()
    assert [json.loads(line)["path"] for line in log.splitlines() if '"status"' in line][-1] == (
        "/v1/auth/login"
    )
    assert not [secret for secret in secrets if secret in log]


def test_a_first_admin_beyond_loopback(tmp_path: Path, postgres_url: str) -> None:
    """An admin is made on a fresh shared database by upgrade, serve, register and set-role.

    Neither a seed nor a restart is needed.
    """
    migrations.upgrade(postgres_url)
    settings = {"LOG_LEVEL": "error"}
    process = ExchangeProcess(tmp_path, postgres_url, *EVERYWHERE, settings=settings, program=QUICK)
    try:
        process.start()
        with httpx.Client(base_url=process.url, timeout=ANSWER_S) as client:
            body = {"email": "boss@example.com", "password": "a long enough password"}
            token = client.post("/v1/auth/register", json=body).json()["accessToken"]
            client.headers["authorization"] = f"Bearer {token}"
            client.cookies.clear()
            market = {"slug": "rain", "question": "Will it rain?"}
            assert client.post("/v1/markets", json=market).status_code == 403
            flags = ["--data-dir", str(tmp_path), "--database-url", postgres_url]
            done = subprocess.run(
                [*COMMAND, "user", "set-role", "boss@example.com", "ADMIN", *flags],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr
            login = client.post("/v1/auth/login", json=body).json()
            client.headers["authorization"] = f"Bearer {login['accessToken']}"
            client.cookies.clear()
            assert client.post("/v1/markets", json=market).status_code == 201
        assert process.stop() == 0
    finally:
        process.kill()
    (ready,) = (tmp_path / "log").read_text().splitlines()  # logged at any level
    assert "is ready on http://0.0.0.0:" in json.loads(ready)["event"]


def test_a_database_without_durability_is_served(tmp_path: Path) -> None:
    """A database without durability is served, with a warning in the log and in the status."""
    with PostgresServer({"fsync": "off"}) as server:
        migrations.upgrade(server.url())
        process = ExchangeProcess(tmp_path, server.url(), settings={"BOGUS": "1"}, program=QUICK)
        try:
            process.start()
            status = httpx.get(f"{process.url}/v1/status", timeout=ANSWER_S)
            durability = status.json()["durability"]
            assert (durability["durable"], durability["fsync"]) == ("no", "off")
            assert process.stop() == 0
        finally:
            process.kill()
    told = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    warnings = {line["event"]: line for line in told if line["level"] == "warning"}
    assert "PREDMARKET_BOGUS is not a setting of predmarket" in warnings
    (forgetful,) = [event for event in warnings if "may lose" in event]
    assert warnings[forgetful]["durability"]["fsync"] == "off"
