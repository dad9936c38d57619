"""The log records that an exchange writes."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from predmarket.server.observability import logs
from tests.support.http_exchange import Json


@contextmanager
def logged(level: int = logging.INFO) -> Iterator[io.StringIO]:
    """Catch the exchange's log as JSON lines."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logs.set_format(handler, stream, as_json=True, secrets=[])
    ours = logging.getLogger(logs.OURS)
    before = ours.level
    ours.addHandler(handler)
    ours.setLevel(level)
    try:
        yield stream
    finally:
        ours.removeHandler(handler)
        ours.setLevel(before)


def requests_in(stream: io.StringIO) -> list[Json]:
    """Return the access lines."""
    every = [json.loads(line) for line in stream.getvalue().splitlines()]
    return [line for line in every if line["event"] == "request"]
