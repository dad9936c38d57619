"""Answers of the routes as JSON; the number of rows counts against the reader's limit."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec
from litestar import Response

from predmarket.server.gateway.api_request import ApiRequest
from predmarket.server.gateway.kalshi.words import Json
from predmarket.server.read_model.queries.cursors import encode_cursor

encode = msgspec.json.Encoder(decimal_format="number").encode

T = TypeVar("T")


def answer(content: object, status: int = 200) -> Response[bytes]:
    """Return an answer."""
    return Response(encode(content), status_code=status, media_type="application/json")


def rows(request: ApiRequest, name: str, found: Sequence[Json], **more: object) -> Response[bytes]:
    """Return an answer with a list, whose rows count against the reader's limit."""
    request.charge(len(found))
    return answer({name: found, **more})


def cursor(last_id: int | None) -> str:
    """Return the cursor of the page below an id, "" after the last page."""
    return "" if last_id is None else encode_cursor(last_id)
