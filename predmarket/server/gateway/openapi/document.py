"""Generates the OpenAPI 3.1 document of an application from its routes.

Paths, parameters, bodies and answers come from the handlers' signatures, summaries from their
docstrings, schemas from the contracts, and security from the guards. Errors come from the one table
(contracts/errors.py) and from each route's notes. A new route is in the document automatically.

Litestar's own generator does not fit: it cannot see types that a hook decodes, describes its own
form of a 400, and brings pages under /schema.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from inspect import cleandoc
from typing import get_args

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg
from litestar.routes import HTTPRoute
from litestar.types import Guard
from litestar.typing import FieldDefinition

from predmarket import __version__
from predmarket.contracts.errors import ERRORS, STATUS, ErrorAnswer
from predmarket.enums import ErrorCode as E
from predmarket.server.gateway.auth.authenticator import ACCESS_COOKIE
from predmarket.server.gateway.guards import (
    anyone,
    auth_call,
    board_reader,
    cancel_entry,
    failed_sign_in,
    order_entry,
    preview_entry,
    session_if_any,
    sign_in,
)
from predmarket.server.gateway.openapi.examples import EXAMPLES, OTHER_EXAMPLES
from predmarket.server.gateway.openapi.links import LINKS
from predmarket.server.gateway.openapi.notes import KEY, Notes
from predmarket.server.gateway.openapi.schemas import Schema, components, pattern
from predmarket.server.gateway.openapi.texts import ABOUT, HEADERS, SECURITY_SCHEMES, TAGS

_IMPLICIT = ("request", "data", "scope", "state", "headers", "cookies", "query", "body", "socket")
_LIMITS = (auth_call, sign_in, failed_sign_in, order_entry, cancel_entry, preview_entry)
"""Guards that count calls and do not ask who is calling."""
_OPTIONAL = ([anyone], [session_if_any], [board_reader])
"""Guards that ask who is calling, and let anonymous callers in, too."""
_BEARER_OR_COOKIE: list[Schema] = [{"bearer": []}, {"cookie": []}]


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path, and the handler that answers it."""

    path: str
    method: str
    handler: HTTPRouteHandler

    @property
    def name(self) -> str:
        """Return the handler's name; links find it by this name."""
        return str(self.handler.fn.__name__)

    @property
    def id(self) -> str:
        """Return the operationId: the handler's name in camelCase."""
        first, *rest = self.name.split("_")
        return first + "".join(word.capitalize() for word in rest)

    @property
    def notes(self) -> Notes | None:
        """Return the route's notes, None if it has none."""
        found = self.handler.opt.get(KEY)
        assert found is None or isinstance(found, Notes)
        return found

    @property
    def body(self) -> tuple[type, bool] | None:
        """Return the body's contract and whether a body is required."""
        field = self.handler.parsed_fn_signature.parameters.get("data")
        if field is None:
            return None
        kinds = get_args(field.annotation) or (field.annotation,)
        return kinds[0], not field.is_optional

    @property
    def answer(self) -> type | None:
        """Return the main answer's contract, None if it is no JSON of ours."""
        field = self.handler.parsed_fn_signature.return_type
        kind = field.inner_types[0].annotation if field.inner_types else field.annotation
        return kind if isinstance(kind, type) and hasattr(kind, "__struct_fields__") else None

    @property
    def parameters(self) -> Iterator[tuple[str, FieldDefinition, ParameterKwarg]]:
        """Return the parameters of path and query, by name."""
        for name, field in self.handler.parsed_fn_signature.parameters.items():
            found = field.kwarg_definition
            if name not in _IMPLICIT and isinstance(found, ParameterKwarg):
                yield found.name or name, field, found

    @property
    def codes(self) -> list[E]:
        """Return every error that the operation can give, in the table's order."""
        found = {E.INTERNAL, E.UNAVAILABLE, *(self.notes or Notes()).errors}
        if self._who:
            found.add(E.UNAUTHENTICATED)
            if self.method not in ("get", "head"):
                found.add(E.CSRF)
        if self._who not in ([], [anyone]):
            found.add(E.FORBIDDEN)  # a key may lack the scope
        is_read = self._who and self.method in ("get", "head")
        if is_read or any(guard in _LIMITS for guard in self.handler.resolve_guards()):
            found.add(E.RATE_LIMITED)
        if self.body or any(True for _ in self.parameters):
            found.add(E.VALIDATION_FAILED)
        if self.body:
            found |= {E.PAYLOAD_TOO_LARGE, E.UNSUPPORTED_MEDIA_TYPE}
        return [code for code in ERRORS if code in found]

    @property
    def security(self) -> list[Schema]:
        """Return the operation's security requirements."""
        if not self._who:
            return []
        return [{}, *_BEARER_OR_COOKIE] if self._who in _OPTIONAL else _BEARER_OR_COOKIE

    @property
    def _who(self) -> list[Guard]:
        """Return the guards that identify the caller."""
        return [guard for guard in self.handler.resolve_guards() if guard not in _LIMITS]


def operations(app: Litestar) -> list[Operation]:
    """Return every operation that the application documents."""
    found = [
        Operation(route.path_format, method.lower(), handler)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method, (handler, _) in route.route_handler_map.items()
        if method != "OPTIONS" and handler.resolve_include_in_schema()
    ]
    return sorted(found, key=lambda one: (one.path, one.method))


def document(app: Litestar) -> Schema:
    """Return the document of an application."""
    found = operations(app)
    kinds = {ErrorAnswer: None} | {
        kind: None
        for one in found
        for kind in (one.answer, one.body and one.body[0])
        if kind is not None
    }
    _, schemas = components(kinds)
    refusals: dict[str, Schema] = {}
    paths: dict[str, Schema] = {}
    for one in found:
        paths.setdefault(one.path, {})[one.method] = _operation(one, found, refusals)
    return {
        "openapi": "3.1.0",
        "info": {"title": "predmarket", "version": __version__, "description": ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": dict(sorted(refusals.items())),
            "headers": HEADERS,
            "securitySchemes": SECURITY_SCHEMES | {"cookie": _cookie()},
        },
    }


def _cookie() -> Schema:
    return {
        "type": "apiKey",
        "in": "cookie",
        "name": ACCESS_COOKIE,
        "description": "Set by register, login and refresh. A write needs an Origin of ours too.",
    }


def _operation(one: Operation, all: Iterable[Operation], refusals: dict[str, Schema]) -> Schema:
    said = cleandoc(one.handler.fn.__doc__ or "").replace("``", "`")
    summary, _, rest = said.partition("\n")
    shown: Schema = {
        "operationId": one.id,
        "summary": summary.rstrip(".").replace("`", ""),
        "description": rest.strip() or summary,
        "tags": one.handler.resolve_tags(),
        "security": one.security,
    }
    parameters = [*_parameters(one), *_headers(one)]
    if parameters:
        shown["parameters"] = parameters
    if one.body is not None:
        kind, required = one.body
        shown["requestBody"] = {"required": required, "content": _json(kind)}
    shown["responses"] = _answers(one, all) | _refusals(one, refusals)
    return shown


def _parameters(one: Operation) -> Iterator[Schema]:
    for name, field, kwarg in one.parameters:
        place = kwarg.param_type.value
        kind = next((kind for kind in get_args(field.annotation) if kind is not type(None)), None)
        (schema,), named = components([kind or field.annotation])
        if "$ref" in schema:  # an enumeration: only those in answers are named
            schema = named[schema["$ref"].rpartition("/")[2]]
        schema = {**schema, **_limits(kwarg), **(kwarg.schema_extra or {})}
        if field.has_default and field.default is not None:
            schema["default"] = field.default
        yield {
            "name": name,
            "in": place,
            "required": place == "path" or field.is_required,
            "description": kwarg.description or "",
            "schema": schema,
        }


def _limits(kwarg: ParameterKwarg) -> Schema:
    """Return the bounds in a parameter's definition."""
    found = {
        "exclusiveMinimum": kwarg.gt,
        "minimum": kwarg.ge,
        "exclusiveMaximum": kwarg.lt,
        "maximum": kwarg.le,
        "minLength": kwarg.min_length,
        "maxLength": kwarg.max_length,
        "pattern": None if kwarg.pattern is None else pattern(kwarg.pattern),
    }
    return {name: value for name, value in found.items() if value is not None}


def _headers(one: Operation) -> Iterator[Schema]:
    for name, text in (one.notes or Notes()).headers.items():
        yield {
            "name": name,
            "in": "header",
            "required": False,
            "description": text,
            "schema": {"type": "string", "pattern": pattern(r"^[\x21-\x7e]{1,255}\Z")},
        }


def _json(kind: type, status: int = 0) -> Schema:
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    content: Schema = {"schema": schema}
    example = OTHER_EXAMPLES.get((kind, status), EXAMPLES.get(kind))
    if example is not None:
        content["example"] = example
    return {"application/json": content}


def _answers(one: Operation, all: Iterable[Operation]) -> Schema:
    """Return the main answer, and answers with the same content under another status."""
    notes = one.notes or Notes()
    main = int(one.handler.status_code)
    shown: Schema = {"headers": {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}}
    if one.answer is not None:
        links = _links(one.answer, {other.name: other for other in all})
        if links:
            shown["links"] = links
    elif main != HTTPStatus.NO_CONTENT:
        kind = "object" if notes.media.endswith("json") else "string"
        shown["content"] = {notes.media: {"schema": {"type": kind}}}
    texts = {main: _phrase(main), **notes.answers}
    answers: Schema = {}
    for status, text in sorted(texts.items()):
        answers[str(status)] = {"description": text, **shown}
        if one.answer is not None:
            answers[str(status)]["content"] = _json(one.answer, status)
    return answers


def _links(kind: type, by_name: dict[str, Operation]) -> Schema:
    shown: Schema = {}
    for link in LINKS.get(kind, ()):
        target = by_name.get(link.to)
        if target is None:  # an application with only some of the routes
            continue
        found: Schema = {"operationId": target.id}
        parameters = {f"path.{name}": at for name, at in (link.path or {}).items()}
        parameters |= {f"query.{name}": at for name, at in (link.query or {}).items()}
        if parameters:
            found["parameters"] = parameters
        if link.body:
            found["requestBody"] = link.body
        shown[target.id] = found
    return shown


def _refusals(one: Operation, refusals: dict[str, Schema]) -> Schema:
    """Return a reference for each status; its target goes into ``refusals``."""
    by_status: dict[int, list[E]] = {}
    for code in one.codes:
        by_status.setdefault(STATUS[code], []).append(code)
    shown: Schema = {}
    for status, codes in sorted(by_status.items()):
        if status in (one.notes or Notes()).answers:
            continue
        name = "_".join([str(status), *codes])
        refusals.setdefault(name, _refusal(status, codes))
        shown[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return shown


def _refusal(status: int, codes: list[E]) -> Schema:
    headers = {"X-Request-Id": {"$ref": "#/components/headers/X-Request-Id"}}
    for name in ("Retry-After", "WWW-Authenticate"):
        if status in {"Retry-After": (429, 503), "WWW-Authenticate": (401,)}[name]:
            headers[name] = {"$ref": f"#/components/headers/{name}"}
    only = {"properties": {"error": {"properties": {"code": {"enum": [str(c) for c in codes]}}}}}
    return {
        "description": "\n".join(f"- `{code}`: {ERRORS[code].meaning}" for code in codes),
        "headers": headers,
        "content": {
            "application/json": {
                "schema": {"allOf": [{"$ref": "#/components/schemas/ErrorAnswer"}, only]},
                "examples": {str(code): {"value": _example(code)} for code in codes},
            }
        },
    }


def _example(code: E) -> dict[str, object]:
    details: object = {}
    if code is E.VALIDATION_FAILED:
        details = [{"path": "qty", "message": "is required"}]
    error = {"code": str(code), "message": ERRORS[code].meaning, "details": details}
    return {"error": error, "requestId": "5f3a9c0e7b21-7"}


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
