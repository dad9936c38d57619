"""A query's names: each known to the route, and given once.

A filter that is misspelt and passed over would answer with everything, which looks like success.
"""

from typing import Any, get_args
from urllib.parse import parse_qsl

from litestar import Request
from litestar.enums import ParamType
from litestar.handlers import BaseRouteHandler
from litestar.params import ParameterKwarg

from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Invalid, printable

_UNDER = "/v1/"  # probes and scrapers outside it add what they like
_PAGING = ("limit", "cursor", "offset")  # a list that is answered whole takes them too


async def check_query(request: Request[Any, Any, Any]) -> None:
    """Refuse unknown, repeated and null parameters (Litestar's before_request). Raises Invalid."""
    raw = request.scope["query_string"]
    if not raw or not request.scope["path"].startswith(_UNDER):
        return
    known = _parameters(request.scope["route_handler"])
    problems: list[Problem] = []
    seen: set[str] = set()
    for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True):
        if name in seen:
            problems.append(Problem(printable(name), "is given more than once"))
        elif name not in known and name not in _PAGING:
            problems.append(Problem(printable(name), "is not a known parameter"))
        elif value.lower() == "null" and not known.get(name, True):
            problems.append(Problem(printable(name), "is null; leave it out instead"))
        seen.add(name)
    if problems:
        raise Invalid(*problems)


def _parameters(handler: BaseRouteHandler | Any) -> dict[str, bool]:  # noqa: ANN401 -- Litestar's
    """Return the query parameters of a route, and whether each is a text, which "null" may be."""
    found: dict[str, bool] = {}
    for name, field in handler.parsed_fn_signature.parameters.items():
        kwarg = field.kwarg_definition
        if isinstance(kwarg, ParameterKwarg) and kwarg.param_type is ParamType.QUERY:
            found[kwarg.name or name] = str in (field.annotation, *get_args(field.annotation))
    return found
