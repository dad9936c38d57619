"""Decoding a request's body, with every problem found named by its path."""

import json
import re
from collections.abc import Callable, Sequence
from enum import Enum
from functools import cache
from typing import ClassVar, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from predmarket.contracts.amounts import Amount, Time
from predmarket.contracts.errors import Problem
from predmarket.contracts.text import MEANINGS


class Request(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """A request's body. Unknown fields are refused. Nested: a field may hold objects of its own."""

    nested: ClassVar[bool] = False

    def problems(self) -> list[Problem]:
        """Return what is wrong between the fields, each field on its own being right."""
        return []


class NoFields(Request, frozen=True):
    """A call that takes no body but may be sent an empty object."""


R = TypeVar("R", bound=Request)


class Invalid(Exception):
    """A request that is malformed (400)."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{p.path} {p.message}".strip() for p in problems))
        self.problems = list(problems)


_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_NAME = re.compile(rb'"([^"\\]*)"\s*:')
_AT = re.compile(r"^(?P<what>.*?)(?: - at `\$(?P<path>.*)`)?$", re.DOTALL)


def read_special(kind: type[Amount | Time], value: object) -> Amount | Time:
    """Read a type of ours from what JSON gave; a number with a point comes as its text."""
    return kind.read(value)


@cache
def decoder(kind: type[R]) -> msgspec.json.Decoder[R]:
    """Return the decoder of a request. Numbers never become floats."""
    return msgspec.json.Decoder(kind, dec_hook=read_special, float_hook=str)


def decode(raw: bytes, kind: type[R]) -> R:
    """Return the request that ``raw`` holds. Raises Invalid with every problem found."""
    try:
        request: R = decoder(kind).decode(raw)
    except _UNREADABLE as error:
        raise Invalid(*_problems(raw, kind, error)) from None
    problems = request.problems()
    if raw.count(b":") != _given_at_least(request):
        problems = [*_repeated(raw, kind), *problems]
    if problems:
        raise Invalid(*problems)
    return request


@cache
def _none_by_default(kind: type[Request]) -> bool:
    return all(field.required or field.default is None for field in msgspec.structs.fields(kind))


def _given_at_least(request: Request) -> int:
    """Return how many fields a body held for certain, 0 where that does not show.

    Behind each name is a colon: with as many of them as there are fields, none is there twice.
    """
    if request.nested or not _none_by_default(type(request)):
        return 0
    values = msgspec.structs.astuple(request)
    return len(values) - values.count(None)


def _repeated(raw: bytes, kind: type[Request]) -> list[Problem]:
    """Return the fields that a body, which decoded, holds twice: who could say which counts?

    Two equal names in plain sight, or an escape that may hide one, are worth a second, slow look.
    """
    if kind.nested:
        names = [b'"%s"' % name.encode() for name in kind.__struct_encode_fields__]
        suspect = any(raw.count(name) > 1 for name in names)
    else:
        given = _NAME.findall(raw)
        suspect = len(given) != len(set(given))
    if not suspect and b"\\" not in raw:
        return []
    return repeats(raw)


def repeats(raw: bytes) -> list[Problem]:
    """Return the fields that an object, which decoded, holds twice; looked at slowly."""
    fields = [name for name, _ in json.loads(raw, object_pairs_hook=list, parse_int=str)]
    twice = dict.fromkeys(name for name in fields if fields.count(name) > 1)
    return [Problem(name, "is given more than once") for name in twice]


def _problems(raw: bytes, kind: type[Request], error: Exception) -> list[Problem]:
    """Look at each field on its own, since the decoder stops at the first problem."""
    try:
        fields = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except _UNREADABLE as broken:
        return [_problem(broken)]
    hints = get_type_hints(kind, include_extras=True)
    problems: list[Problem] = []
    for field in msgspec.structs.fields(kind):
        given = fields.pop(field.encode_name, None)
        if given is None:
            if field.required:
                problems.append(Problem(field.encode_name, "is required"))
            continue
        try:
            msgspec.json.Decoder(hints[field.name], dec_hook=read_special, float_hook=str).decode(
                given
            )
        except _UNREADABLE as wrong:
            words = _words(hints[field.name])
            if words:
                problems.append(Problem(field.encode_name, must_be(words)))
            else:
                problems.append(_problem(wrong, field.encode_name))
    problems += [Problem(printable(name), "is not a known field") for name in fields]
    return problems or [_problem(error)]


def _words(hint: object) -> list[str]:
    """Return the words that a field takes, none when it takes anything but words of a list."""
    if isinstance(hint, type):
        return [str(word.value) for word in hint] if issubclass(hint, Enum) else []
    if get_origin(hint) is Literal:
        return [str(word) for word in get_args(hint)]
    return [word for part in get_args(hint) for word in _words(part)]


def must_be(words: Sequence[str]) -> str:
    """Return what to say of a value that is not one of ``words``."""
    *most, last = words
    return f"must be {', '.join(most)} or {last}" if most else f"must be {last}"


def _problem(error: Exception, name: str = "") -> Problem:
    """Put a decoder's error into the wire's words."""
    if isinstance(error, RecursionError):
        return Problem(name, "is nested too deeply")
    if isinstance(error, UnicodeDecodeError):
        return Problem(name, "is not UTF-8")
    found = _AT.match(str(error))
    assert found is not None  # the pattern takes any text
    path = name + (found["path"] or "").replace("[", ".").replace("]", "")
    return Problem(path.lstrip("."), in_words(found["what"]))


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
"""What the decoder says, and how we say it; its marks around names are gone by then."""


def _letters(found: re.Match[str]) -> str:
    return "1 character" if found[1] == "1" else f"{found[1]} characters"


def _kinds(found: re.Match[str]) -> str:
    kinds = [_KINDS.get(kind, kind) for kind in found[1].split(" | ")]
    return " or ".join(kinds)


def in_words(message: str) -> str:
    """Return what the decoder says of a value as we would say it."""
    for pattern, meaning in MEANINGS.items():
        if repr(pattern) in message:
            return meaning
    message = message.replace("`", "")
    for said, say in _WORDS:
        found = said.fullmatch(message)
        if found is not None:
            return say(found)
    return re.sub(r"^[EIO](?=[a-z])", lambda first: first[0].lower(), message)


def printable(name: str) -> str:
    """Return a name that a client made up, fit to be shown."""
    return "".join(letter if letter.isprintable() else "?" for letter in name[:64])
