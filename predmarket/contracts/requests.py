"""Decode a request's body, and name each problem by its path."""

import re
from collections.abc import Callable, Sequence
from enum import Enum
from functools import cache
from itertools import islice
from typing import ClassVar, Literal, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from predmarket.contracts.amounts import Amount, Time
from predmarket.contracts.errors import MAX_PROBLEMS, Problem
from predmarket.contracts.text import MEANINGS


class Request(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A request's body. Unknown fields are refused.

    ``holds_objects``: some values are objects, or lists of them, that are decoded with the body.
    """

    holds_objects: ClassVar[bool] = False

    def problems(self) -> list[Problem]:
        """Return the problems between fields, after each field alone was found valid."""
        return []


class NoFields(Request, frozen=True):
    """The body of a call without fields: nothing, or an empty object."""


R = TypeVar("R", bound=Request)


class Invalid(Exception):
    """A request is malformed (400). ``more`` counts further problems."""

    def __init__(self, *problems: Problem, more: int = 0) -> None:
        super().__init__("; ".join(f"{p.path} {p.message}".strip() for p in problems))
        self.problems = list(problems)
        self.more = more


MAX_VALUES = 12_000
"""A body with more commas is refused without decoding: its values would cost too much time."""
_BYTES_A_TOKEN = 4096
_WIDEST_MESSAGE = 200
"""Characters kept of the decoder's message about a value; it may quote the client."""
_WIDEST_PATTERN = 100 + max(len(repr(pattern)) for pattern in MEANINGS)
"""Characters kept of a decoder's message that names a pattern."""
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NAME = re.compile(rb'[{,]\s*+("[^"\\]*+(?:\\.[^"\\]*+)*+")\s*+:\s*+', re.DOTALL)
_SCALAR = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s"\[{,}]++', re.DOTALL)
_WHOLE = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|((?<![\w.+-])-?[0-9]++)\.0++(?![0-9.eE])', re.DOTALL
)
"""A string, which is skipped, or a whole number with a decimal point."""
_NEXT = re.compile(rb"\s*+(?=,)")
_PLACE = " - at `$"


def read_special(kind: type[Amount | Time], value: object) -> Amount | Time:
    """Read one of our types from a decoded JSON value. A number with a point comes as text."""
    return kind.read(value)


@cache
def decoder(kind: type[R]) -> msgspec.json.Decoder[R]:
    """Return the decoder of a request. Numbers never become floats."""
    return msgspec.json.Decoder(kind, dec_hook=read_special, float_hook=str)


def weight(raw: bytes) -> int:
    """Return the permits that decoding a body costs: one, and one more for each 4 KiB."""
    return 1 + len(raw) // _BYTES_A_TOKEN


def decode(raw: bytes, kind: type[R]) -> R:
    """Return the request that ``raw`` holds. Raises Invalid with the problems found."""
    if raw.count(b",") > MAX_VALUES:
        raise Invalid(Problem("", f"holds more than {MAX_VALUES} values"))
    try:
        request: R = decoder(kind).decode(raw)
    except _UNREADABLE as error:
        if b".0" in raw and (plain := _without_points(raw)) != raw:
            return decode(plain, kind)
        raise _invalid(raw, kind, error) from None
    problems = request.problems()
    if raw.count(b":") != _given_at_least(request):
        problems = [*(_repeated_within(raw) if kind.holds_objects else repeated(raw)), *problems]
    if problems:
        raise Invalid(*problems)
    return request


def _without_points(raw: bytes) -> bytes:
    """Return JSON with whole numbers written without a point.

    60.0 is an integer in JSON Schema, but the decoder refuses it as one.
    """
    return _WHOLE.sub(lambda found: found[1] or found[0], raw)


@cache
def _none_by_default(kind: type[Request]) -> bool:
    return all(field.required or field.default is None for field in msgspec.structs.fields(kind))


def _given_at_least(request: Request) -> int:
    """Return a lower bound of the fields that a body held, 0 if unknown.

    A colon follows each name: if there are as many colons as fields, no field is there twice.
    """
    if not _none_by_default(type(request)):
        return 0
    values = msgspec.structs.astuple(request)
    return len(values) - values.count(None)


def repeated(raw: bytes) -> list[Problem]:
    """Return a problem for each field that an object, which decodes, holds twice.

    One pass over the object's own names; it ends at the second repeated name.
    """
    seen: set[str] = set()
    again: list[str] = []
    at: int | None = raw.index(b"{")
    while at is not None and len(again) < 2 and (found := _NAME.match(raw, at)) is not None:
        name: str = msgspec.json.decode(found[1], type=str)
        at = _value_end(raw, found.end(), name)
        if name in seen or at is None:
            again.append(name)
        seen.add(name)
        behind = None if at is None else _NEXT.match(raw, at)
        at = None if behind is None else behind.end()
    return [Problem(printable(name), "is given more than once") for name in dict.fromkeys(again)]


def _repeated_within(raw: bytes) -> list[Problem]:
    """Return a problem for each field that an object, or an object within it, holds twice."""
    found = repeated(raw)
    values: dict[str, msgspec.Raw] = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    for name, value in values.items():
        inner = {"": value}
        if bytes(value)[:1] == b"[":
            parts = msgspec.json.decode(value, type=list[msgspec.Raw])
            inner = {f".{number}": part for number, part in enumerate(parts)}
        for place, part in inner.items():
            if bytes(part)[:1] == b"{":
                found += [
                    Problem(f"{name}{place}.{problem.path}", problem.message)
                    for problem in repeated(bytes(part))
                ]
    return found


def _value_end(raw: bytes, start: int, name: str) -> int | None:
    """Return where the value of a name ends, or None if the name comes again after it.

    The decoder finds the end of arrays and objects, but keeps only the last value of a name.
    """
    scalar = _SCALAR.match(raw, start)
    if scalar is not None:
        return scalar.end()
    try:
        value = bytes(msgspec.json.decode(raw, type=dict[str, msgspec.Raw])[name])
    except RecursionError as error:
        raise Invalid(_problem(error)) from None
    return start + len(value) if raw.startswith(value, start) else None


def _invalid(raw: bytes, kind: type[Request], error: Exception) -> Invalid:
    """Return the problems of all fields; each is decoded alone, as decoding stops at the first."""
    try:
        fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except _UNREADABLE as broken:
        return Invalid(_problem(broken))
    problems: list[Problem] = []
    for field in _fields(kind):
        given = fields.pop(field.name, None)
        if given is None:
            if field.required:
                problems.append(Problem(field.name, "is required"))
            continue
        try:
            field.decode(given)
        except _UNREADABLE as wrong:
            if field.words:
                problems.append(Problem(field.name, must_be(field.words)))
            else:
                problems.append(_problem(wrong, field.name))
    unknown = [
        Problem(printable(name), "is not a known field") for name in islice(fields, MAX_PROBLEMS)
    ]
    if not problems and not unknown:
        return Invalid(_problem(error))
    return Invalid(*problems, *unknown, more=len(fields) - len(unknown))


class _Field(NamedTuple):
    """A field of a request with its name in JSON; ``words`` are the values of an enumeration."""

    name: str
    required: bool
    decode: Callable[[msgspec.Raw], object]
    words: list[str]


@cache
def _fields(kind: type[Request]) -> list[_Field]:
    hints = get_type_hints(kind, include_extras=True)
    return [
        _Field(
            field.encode_name,
            field.required,
            msgspec.json.Decoder(hints[field.name], dec_hook=read_special, float_hook=str).decode,
            _words(hints[field.name]),
        )
        for field in msgspec.structs.fields(kind)
    ]


def _words(hint: object) -> list[str]:
    """Return the words that a field accepts, none if it is no enumeration."""
    if isinstance(hint, type):
        return [str(word.value) for word in hint] if issubclass(hint, Enum) else []
    if get_origin(hint) is Literal:
        return [str(word) for word in get_args(hint)]
    return [word for part in get_args(hint) for word in _words(part)]


def must_be(words: Sequence[str]) -> str:
    """Return the message about a value that is not one of ``words``."""
    *most, last = words
    return f"must be {', '.join(most)} or {last}" if most else f"must be {last}"


def _problem(error: Exception, name: str = "") -> Problem:
    """Return a decoder's error as a problem, in the API's words."""
    if isinstance(error, RecursionError):
        return Problem(name, "is nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return Problem(name, "is not UTF-8")
    said = str(error)
    what, place, path = said.rpartition(_PLACE)
    path = name + path.rstrip("`").replace("[", ".").replace("]", "") if place else name
    return Problem(path.lstrip("."), in_words(what if place else said))


_KINDS = {
    "str": "a string",
    "int": "a whole number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}

_WORDS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
    (re.compile(r"Expected str of length >= (\d+)"), lambda m: f"must have at least {_letters(m)}"),
    (re.compile(r"Expected str of length <= (\d+)"), lambda m: f"must have at most {_letters(m)}"),
    (re.compile(r"Expected array of length >= (\d+)"), lambda m: f"must hold at least {m[1]}"),
    (re.compile(r"Expected array of length <= (\d+)"), lambda m: f"must hold at most {m[1]}"),
    (re.compile(r"Expected int >= (-?\d+)"), lambda m: f"must be at least {m[1]}"),
    (re.compile(r"Expected int <= (-?\d+)"), lambda m: f"must be at most {m[1]}"),
    (re.compile(r"Expected ([a-z| ]+), got .*"), lambda m: f"must be {_kinds(m)}"),
    (re.compile(r"Expected ([a-z| ]+)"), lambda m: f"must be {_kinds(m)}"),
    (re.compile(r"Invalid enum value (.*)"), lambda m: f"{m[1]} is not one of its values"),
    (re.compile(r"Object missing required field (.*)"), lambda m: f"lacks the field {m[1]}"),
    (re.compile(r"Object contains unknown field (.*)"), lambda m: f"has no field {m[1]}"),
    (re.compile("Input data was truncated"), lambda _: "is empty or cut short"),
]
"""The decoder's messages, and ours. The quotes around names are already removed."""


def _letters(found: re.Match[str]) -> str:
    return "1 character" if found[1] == "1" else f"{found[1]} characters"


def _kinds(found: re.Match[str]) -> str:
    kinds = [_KINDS.get(kind, kind) for kind in found[1].split(" | ")]
    return " or ".join(kinds)


def in_words(message: str) -> str:
    """Return a decoder's message about a value in our words."""
    beginning = message[:_WIDEST_PATTERN]
    for pattern, meaning in MEANINGS.items():
        if repr(pattern) in beginning:
            return meaning
    message = message[:_WIDEST_MESSAGE].replace("`", "")
    for said, say in _WORDS:
        found = said.fullmatch(message)
        if found is not None:
            return say(found)
    return re.sub(r"^[EIO](?=[a-z])", lambda first: first[0].lower(), message)


def printable(name: str, most: int = 64) -> str:
    """Return the beginning of a name from a client, with only printable characters."""
    name = name[:most]
    if name.isprintable():
        return name
    return "".join(letter if letter.isprintable() else "?" for letter in name)
