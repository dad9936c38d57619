"""Logs: one renderer for every logger of the process, ours and the libraries'.

The output is JSON lines for programs or columns for people (LOG_FORMAT), always on stderr. Code
logs with the standard library and puts its facts into ``extra``. This module adds time, request and
traceback as fields, and removes secrets. An event is always one line of JSON.

Libraries log only from WARNING up: at DEBUG some show statements with their parameters.
"""

import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from io import StringIO
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor

from predmarket.characters import clean_lines
from predmarket.server.observability.log_queue import LogQueue
from predmarket.server.observability.redaction import cut, redact, scrubber
from predmarket.server.observability.request import CURRENT, identity
from predmarket.server.settings import Settings

OURS = "predmarket"
_FACTS, _HINTS = "predmarket_facts", "predmarket_hints"
_WIDEST_TEXT = 16_384
"""Characters of one field; a traceback without recursion has far fewer."""


class _Scrubbed(structlog.stdlib.ProcessorFormatter):
    """The last formatter; it removes secrets from the finished line."""

    def __init__(self, processors: list[Processor], scrub: Callable[[str], str]) -> None:
        super().__init__(processors=processors)
        self._scrub = scrub

    def format(self, record: logging.LogRecord) -> str:
        return self._scrub(super().format(record))


def is_json(settings: Settings) -> bool:
    """Tell whether to write JSON: by the setting, or because stderr is no terminal."""
    if settings.log_format == "auto":
        return not sys.stderr.isatty()
    return settings.log_format == "json"


def configure(settings: Settings, secrets: Iterable[str]) -> None:
    """Send every logger of this process to stderr, without these secrets."""
    handler = LogQueue(sys.stderr)
    set_format(handler, sys.stderr, as_json=is_json(settings), secrets=secrets)
    root, ours = logging.getLogger(), logging.getLogger(OURS)
    root.handlers[:] = [handler]
    level = settings.log_level.upper()
    ours.setLevel(level)
    root.setLevel(max(ours.level, logging.WARNING))
    logging.captureWarnings(True)


def announce(
    text: str, facts: Mapping[str, object] | None = None, hints: Sequence[str] = ()
) -> None:
    """Log a message at any level: the one that the operator waits for at a start.

    In JSON the facts are fields; for people they are in the text. The hints follow in lines of
    their own.
    """
    log = logging.getLogger(OURS)
    extra = {_FACTS: dict(facts or {}), _HINTS: list(hints)}
    log.handle(log.makeRecord(OURS, logging.INFO, "", 0, text, (), None, extra=extra))


def set_format(
    handler: logging.Handler, stream: TextIO, *, as_json: bool, secrets: Iterable[str]
) -> None:
    """Make a handler render as ``stream`` can show it."""
    handler.setFormatter(_Scrubbed(_processors(stream, as_json=as_json), scrubber(secrets)))


def _processors(stream: TextIO, *, as_json: bool) -> list[Processor]:
    common: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        _of_request,
        _without_traces,
    ]
    if as_json:
        # Without the values of local variables, which may be secrets.
        tracebacks = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        return [
            *common,
            _fields,
            structlog.processors.TimeStamper("iso", utc=True, key="ts"),
            structlog.processors.ExceptionRenderer(tracebacks),
            _redacted,
            _without_line_feeds,
            structlog.processors.JSONRenderer(),
        ]
    return [
        *common,
        _paragraph,
        structlog.processors.TimeStamper("%H:%M:%S", utc=False),
        _redacted,
        _printable,
        structlog.dev.ConsoleRenderer(
            colors=stream.isatty() and not os.environ.get("NO_COLOR"),
            exception_formatter=_plain_traceback,
            sort_keys=False,
        ),
    ]


def _plain_traceback(stream: TextIO, failed: ExcInfo) -> None:
    """Write a cleaned traceback, because its error may quote a client's text."""
    plain = StringIO()
    structlog.dev.plain_traceback(plain, failed)
    stream.write(clean_lines(plain.getvalue()))


def _of_request(_logger: object, _name: str, event: EventDict) -> EventDict:
    scope = CURRENT.get()
    return event if scope is None else {**event, **identity(scope)}


def _without_traces(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Drop what another handler's formatter left on the record."""
    event.pop("asctime", None)
    return event


def _fields(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Give each fact of an announcement a field."""
    facts, hints = event.pop(_FACTS, {}), event.pop(_HINTS, [])
    return {**event, **facts, **({"hints": hints} if hints else {})}


def _paragraph(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Set the hints of an announcement below it."""
    event.pop(_FACTS, None)
    if hints := event.pop(_HINTS, []):
        event["event"] = "\n".join([event["event"], "", *hints])
    return event


def _without_line_feeds(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Put what a field says on one line: many tools break lines at an escaped line feed, too."""
    return {name: _on_one_line(value) for name, value in event.items()}


def _on_one_line(value: object) -> object:
    if isinstance(value, str):
        return (
            " ".join(filter(None, map(str.strip, value.splitlines()))) if "\n" in value else value
        )
    if isinstance(value, dict):
        return {name: _on_one_line(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_on_one_line(inner) for inner in value]
    return value


def _redacted(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Hide secrets. Long texts are cut first, since the search takes time by their length."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = cut(value, _WIDEST_TEXT)
    return redact(event)


def _printable(_logger: object, _name: str, event: EventDict) -> EventDict:
    """Keep text that came from outside from driving the terminal, at any depth."""
    return {name: _shown(value) for name, value in event.items()}


def _shown(value: object) -> object:
    if isinstance(value, str):
        escapes = not value.replace("\n", "").isprintable()
        return value.encode("unicode_escape").decode() if escapes else value
    if isinstance(value, dict):
        return {_shown(name): _shown(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(inner) for inner in value]
    return value
