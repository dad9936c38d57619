"""A query's names: each known to the route, and given once.

A filter that is misspelt and passed over would answer with everything, which looks like success.
A query has at most MAX_PARAMETERS pairs.
"""

from collections.abc import Mapping
from typing import Any, get_args
from urllib.parse import parse_qsl

from litestar import Request
from litestar.enums import ParamType
from litestar.handlers import BaseRouteHandler
from litestar.params import ParameterKwarg

from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Invalid, printable

MAX_PARAMETERS = 50
_UNDER = "/v1/"  # probes and scrapers outside it add what they like
_PAGING = ("limit", "cursor", "offset")  # a list that is answered whole takes them too


async def check_query(request: Request[Any, Any, Any]) -> None:
    """Refuse unknown, repeated and null parameters (Litestar's before_request). Raises Invalid."""
    raw = request.scope["query_string"]
    if raw and request.scope["path"].startswith(_UNDER):
        check_parameters(raw, _parameters(request.scope["route_handler"]))


def check_parameters(raw: bytes, known: Mapping[str, bool]) -> None:
    """Refuse unknown, repeated and null parameters. Raises Invalid.

    ``known`` says of each parameter whether it may be "null". A query with more than MAX_PARAMETERS
    is refused, and only the first are looked at.
    """
    pairs = raw.decode("latin-1").split("&", MAX_PARAMETERS)
    problems: list[Problem] = []
    more = 0
    if len(pairs) > MAX_PARAMETERS:
        more = 1 + pairs.pop().count("&")
        problems.append(Problem("", f"holds more than {MAX_PARAMETERS} parameters"))
    seen: set[str] = set()
    for name, value in parse_qsl("&".join(pairs), keep_blank_values=True):
        if name in seen:
            problems.append(Problem(printable(name), "is given more than once"))
        elif name not in known and name not in _PAGING:
            problems.append(Problem(printable(name), "is not a known parameter"))
        elif value.lower() == "null" and not known.get(name, True):
            problems.append(Problem(printable(name), "is null; leave it out instead"))
        seen.add(name)
    if problems:
        raise Invalid(*problems, more=more)


def _parameters(handler: BaseRouteHandler | Any) -> dict[str, bool]:  # noqa: ANN401 -- Litestar's
    """Return the query parameters of a route, and whether each is a text, which "null" may be."""
    found: dict[str, bool] = {}
    for name, field in handler.parsed_fn_signature.parameters.items():
        kwarg = field.kwarg_definition
        if isinstance(kwarg, ParameterKwarg) and kwarg.param_type is ParamType.QUERY:
            found[kwarg.name or name] = str in (field.annotation, *get_args(field.annotation))
    return found
