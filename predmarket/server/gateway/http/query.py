"""A query's names: each known to the route, and given once, unless it is a list.

A filter that is misspelt and passed over would answer with everything, which looks like success.
A query has at most MAX_PARAMETERS pairs.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, get_args, get_origin
from urllib.parse import parse_qsl

from litestar import Request
from litestar.enums import ParamType
from litestar.handlers import BaseRouteHandler
from litestar.params import ParameterKwarg

from predmarket.contracts.errors import Problem
from predmarket.contracts.requests import Invalid, printable

MAX_PARAMETERS = 50
_UNDER = "/v1/"  # elsewhere probes and scrapers add any parameters
_PAGING = ("limit", "cursor", "offset")  # lists without pages take them too


async def check_query(request: Request[Any, Any, Any]) -> None:
    """Refuse unknown, repeated and null parameters (Litestar's before_request). Raises Invalid."""
    raw = request.scope["query_string"]
    if raw and request.scope["path"].startswith(_UNDER):
        check_parameters(raw, _parameters(request.scope["route_handler"]))


class Parameter(NamedTuple):
    """A route's parameter: ``is_text`` allows the value "null", ``is_list`` several values."""

    is_text: bool = True
    is_list: bool = False


_OTHER = Parameter()


def check_parameters(raw: bytes, known: Mapping[str, Parameter]) -> None:
    """Refuse unknown, repeated and null parameters. Raises Invalid.

    A query with more than MAX_PARAMETERS is refused, and only the first are looked at.
    """
    pairs = raw.decode("latin-1").split("&", MAX_PARAMETERS)
    problems: list[Problem] = []
    more = 0
    if len(pairs) > MAX_PARAMETERS:
        more = 1 + pairs.pop().count("&")
        problems.append(Problem("", f"holds more than {MAX_PARAMETERS} parameters"))
    seen: set[str] = set()
    for name, value in parse_qsl("&".join(pairs), keep_blank_values=True):
        parameter = known.get(name, _OTHER)
        if name in seen and not parameter.is_list:
            problems.append(Problem(printable(name), "is given more than once"))
        elif name not in known and name not in _PAGING:
            problems.append(Problem(printable(name), "is not a known parameter"))
        elif value.lower() == "null" and not parameter.is_text:
            problems.append(Problem(printable(name), "is null; leave it out instead"))
        seen.add(name)
    if problems:
        raise Invalid(*problems, more=more)


def _parameters(handler: BaseRouteHandler | Any) -> dict[str, Parameter]:  # noqa: ANN401 -- Litestar's
    """Return the query parameters of a route."""
    found: dict[str, Parameter] = {}
    for name, field in handler.parsed_fn_signature.parameters.items():
        kwarg = field.kwarg_definition
        if isinstance(kwarg, ParameterKwarg) and kwarg.param_type is ParamType.QUERY:
            kinds = (field.annotation, *get_args(field.annotation))
            is_list = any(get_origin(kind) is list for kind in kinds)
            found[kwarg.name or name] = Parameter(str in kinds or is_list, is_list)
    return found
