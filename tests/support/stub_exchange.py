"""A small real HTTP server that plays the exchange: it has set answers and records requests."""

import io
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """A request that a client sent. body is the decoded JSON, None without one."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: object

    @property
    def token(self) -> str | None:
        """The Bearer token that came with it."""
        return self.headers.get("authorization", "").removeprefix("Bearer ") or None


@dataclass(frozen=True)
class Answer:
    """What the stub says. raw replaces the JSON; hang_up closes without a word;
    with drip_s its body comes a byte at a time, that far apart; with slow_head all of it does."""

    status: int = 200
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    hang_up: bool = False
    drip_s: float = 0.0
    slow_head: bool = False


Reply = Answer | Callable[[Request], Answer]


def refusal(status: int, code: str, message: str = "no", details: object = None) -> Answer:
    """Return an error in the API's format."""
    error = {"code": code, "message": message, "details": details or {}}
    return Answer(status, {"error": error, "requestId": "req-1"})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing: some tests hang up on purpose."""


class Stub:
    """An exchange of canned answers at ``url``. Several answers to one route come in order, the
    last for ever.
    """

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self._routes: dict[tuple[str, str], list[Reply]] = {}
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def on(self, method: str, path: str, *replies: Reply) -> None:
        """Set the ``replies`` to ``method path``."""
        self._routes[method, path] = list(replies)

    def sent(self, method: str, path: str) -> list[Request]:
        """Return the recorded requests for ``method path``."""
        return [item for item in self.requests if (item.method, item.path) == (method, path)]

    def answer(self, request: Request) -> Answer:
        """Keep ``request`` and return what it gets. Its status is told without being kept, unless
        it was given replies: a clock that most tests are not about."""
        with self._lock:
            asked = (request.method, request.path)
            replies = self._routes.get(asked)
            if asked == ("GET", "/v1/status") and not replies:
                return Answer(200, {})
            self.requests.append(request)
            if not replies:
                return refusal(404, "NOT_FOUND", "no such path")
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply if isinstance(reply, Answer) else reply(request)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, format: str, *args: object) -> None:
                """Print nothing: stderr belongs to the tested program."""

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                text = self.rfile.read(length)
                parts = urlsplit(self.path)
                request = Request(
                    self.command,
                    parts.path,
                    dict(parse_qsl(parts.query)),
                    {name.lower(): value for name, value in self.headers.items()},
                    json.loads(text) if text else None,
                )
                answer = stub.answer(request)
                if answer.hang_up:
                    self.close_connection = True
                    return
                raw = b"" if answer.body is None else json.dumps(answer.body).encode()
                raw = raw if answer.raw is None else answer.raw
                head_out = io.BytesIO()
                out, self.wfile = self.wfile, head_out
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.status != 204:
                    self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                head, self.wfile = head_out.getvalue(), out
                at_once = b"" if answer.slow_head else head
                with suppress(OSError):  # the client has closed the connection
                    out.write(at_once if answer.drip_s else head + raw)
                    for byte in (head + raw)[len(at_once) :] if answer.drip_s else b"":
                        out.write(bytes([byte]))
                        time.sleep(answer.drip_s)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

        return Handler
