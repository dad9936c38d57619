"""Log lines name their request, hide secrets, and are one line each."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import pytest
from litestar.types import HTTPScope

from predmarket.enums import ErrorCode
from predmarket.server.observability import logs
from predmarket.server.observability.access import Access
from predmarket.server.observability.metrics import Metrics
from predmarket.server.observability.redaction import secrets_of
from predmarket.server.observability.request import CURRENT
from predmarket.server.settings import Settings

DATABASE_PASSWORD = 'p%40ss/w"ord'
SIGNING = 'a signing secret with "quotes" and é, long enough'
JWT = "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl"

log = logging.getLogger("predmarket.test")


@contextmanager
def logging_to(*, as_json: bool, secrets: list[str]) -> Iterator[io.StringIO]:
    """Render the lines of every logger into a text."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logs.set_format(handler, stream, as_json=as_json, secrets=secrets)
    root = logging.getLogger()
    root.addHandler(handler)
    log.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.removeHandler(handler)


def fail() -> None:
    """Raise with a secret in the message and another in a local variable."""
    hidden_local = "in a local variable"
    raise RuntimeError(f"Bearer {JWT}\nfailed {len(hidden_local)}")


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return each line as an object."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_object() -> None:
    """A line is one JSON object with the fields of ``extra``, whatever its text; libraries' too."""
    with logging_to(as_json=True, secrets=[]) as stream:
        log.info("two\nlines %s", "é", extra={"error": "x\ny", "count": 3})
        logging.getLogger("a.library").warning("odd: %r", "\x1b[31m")
    mine, theirs = lines(stream)
    assert mine.pop("ts").endswith("Z")
    mine.pop("message", None)  # pytest's own handler leaves it in the record
    assert mine == {
        "event": "two lines é",
        "level": "info",
        "logger": "predmarket.test",
        "error": "x y",
        "count": 3,
    }
    assert (theirs["level"], theirs["logger"]) == ("warning", "a.library")


def test_an_announcement() -> None:
    """An announcement has a field for each fact in JSON, and for people hints in lines below it."""
    facts, hints = {"url": "http://127.0.0.1:1", "port": 1}, ["In another terminal:", "  tui"]
    ours = logging.getLogger(logs.OURS)
    for as_json in (True, False):
        with logging_to(as_json=as_json, secrets=[]) as stream:
            ours.setLevel(logging.ERROR)  # an announcement ignores the level
            try:
                logs.announce("it is ready", facts, hints)
            finally:
                ours.setLevel(logging.NOTSET)
        text = stream.getvalue()
        if as_json:
            (line,) = lines(stream)
            assert {name: line[name] for name in ("event", *facts)} == {
                "event": "it is ready",
                **facts,
            }
            assert line["hints"] == hints
        else:
            assert "it is ready\n\nIn another terminal:\n  tui" in text
            assert "port" not in text


def test_on_a_terminal_requests_are_logged_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    """On a terminal requests are logged at DEBUG, so that the start's messages stay visible."""
    scope = cast("HTTPScope", {"type": "http", "method": "GET", "raw_path": b"/v1/markets"})
    logger = "predmarket.server.observability.access"
    with caplog.at_level(logging.DEBUG, logger=logger):
        for quiet in (True, False):
            Access(Metrics(), quiet=quiet).ended(scope, "/v1/markets", 200, 0.0, quiet=False)
            Access(Metrics(), quiet=quiet).refused("r-1", 503, ErrorCode.OVERLOADED, 0.0)
    levels = [record.levelname for record in caplog.records]
    assert levels == ["DEBUG", "DEBUG", "INFO", "INFO"]


def test_an_error_carries_its_traceback_as_a_field() -> None:
    """An error's traceback is a field of its line, frame by frame, without values of variables."""
    with logging_to(as_json=True, secrets=[]) as stream:
        try:
            fail()
        except RuntimeError:
            log.exception("it failed")
    (line,) = lines(stream)
    (raised,) = line["exception"]
    assert raised["exc_type"] == "RuntimeError"
    assert [frame["name"] for frame in raised["frames"]][-1] == "fail"
    assert "in a local variable" not in stream.getvalue()
    assert JWT not in stream.getvalue()


def test_a_line_names_its_request() -> None:
    """A line names its request and user as far as they are known when it is written."""
    scope: dict[str, Any] = {"type": "http", "state": {"request_id": "r-1"}}
    token = CURRENT.set(cast("HTTPScope", scope))
    try:
        with logging_to(as_json=True, secrets=[]) as stream:
            log.info("first")
            scope["state"]["user_id"] = 7
            logging.getLogger("a.library").warning("second")
    finally:
        CURRENT.reset(token)
    first, second = lines(stream)
    assert first["requestId"] == "r-1"
    assert "userId" not in first
    assert (second["requestId"], second["userId"]) == ("r-1", 7)


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "console"])
def test_no_secret_in_any_form(as_json: bool) -> None:
    """No secret is logged: found by value, by form or by its field's name, in tracebacks too."""
    settings = Settings.load(
        {
            "jwt_secret": SIGNING,
            "database_url": f"postgresql://u:{DATABASE_PASSWORD.replace('/', '%2F')}@h/d",
            "redis_url": "redis://:redis-pass@h/0",
        }
    )
    secrets = secrets_of(settings, SIGNING)
    with logging_to(as_json=as_json, secrets=secrets) as stream:
        log.info("signed with %s", SIGNING, extra={"said": SIGNING})
        log.info("at %s and %s", settings.database, "redis://:redis-pass@h/0")
        log.info("by itself: redis-pass")
        log.info("GET /realtime?token=querytoken1&x=1")
        log.info("Authorization: Bearer opaquetoken2", extra={"authorization": "token3"})
        log.info("cookie predmarket_access=cookie4; predmarket_refresh=cookie5")
        log.info("body", extra={"body": {"password": "six-six", "list": [{"newPassword": "7-7"}]}})
        log.info(f"{JWT} pmk_eighteighteight $2b$12${'9' * 53}")
        try:
            raise ValueError(SIGNING)
        except ValueError:
            log.exception("raised")
    text = stream.getvalue()
    for secret in (
        SIGNING,
        json.dumps(SIGNING)[1:-1],
        "p%40ss",
        "redis-pass",
        "querytoken1",
        "opaquetoken2",
        "token3",
        "cookie4",
        "cookie5",
        "six-six",
        "7-7",
        JWT,
        "eighteight",
        "99999",
    ):
        assert secret not in text
    assert "postgresql://u:***@h/d" in text
    assert "x=1" in text


def test_a_person_reads_columns() -> None:
    """On a terminal lines are columns, and control characters from outside are escaped."""
    with logging_to(as_json=False, secrets=[]) as stream:
        log.warning("core_recovering", extra={"error": "a\x1b[2Jb"})
        try:
            fail()
        except RuntimeError:
            log.exception("it failed")
    text = stream.getvalue()
    assert "core_recovering" in text
    assert "\x1b" not in text
    assert "Traceback (most recent call last)" in text
    assert not text.startswith("{")


@pytest.fixture
def _untouched() -> Iterator[None]:
    """Restore the loggers after the test."""
    root, ours = logging.getLogger(), logging.getLogger(logs.OURS)
    before = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
    logging.captureWarnings(False)


@pytest.mark.usefixtures("_untouched")
def test_levels(capsys: pytest.CaptureFixture[str]) -> None:
    """The level applies to our loggers; libraries log from WARNING on, announcements always.

    Without a terminal the lines are JSON.
    """
    logs.configure(Settings.load({"log_level": "debug"}), [])
    logging.getLogger("predmarket.x").debug("mine")
    logging.getLogger("aiosqlite").debug("executing INSERT with a hash")
    logging.getLogger().handlers[0].flush()
    logs.configure(Settings.load({"log_level": "error"}), [])
    logging.getLogger("predmarket.x").warning("unheard")
    logging.getLogger("uvicorn").warning("unheard")
    logs.announce("ready")
    logging.getLogger().handlers[0].flush()
    out, err = capsys.readouterr()
    assert out == ""
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["mine", "ready"]
