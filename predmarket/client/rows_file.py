"""Reads files of rows: a JSON array, an object with one, lines of JSON, or CSV."""

import csv
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import NamedTuple, TypeAlias

from predmarket.client.errors import ClientError
from predmarket.nearest import guess

Body: TypeAlias = dict[str, object]
"""A row as the API takes it."""


class UnreadableFile(ClientError):
    """A file does not hold what was asked for; the message names the file and the place."""


class PlacedRow(NamedTuple):
    """A row with its place in the file, for people: a line, or its number in a JSON array."""

    place: str
    body: Body


_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class RowKind:
    """What a file's rows are: their noun, and their fields as the API names them. others: more
    names of fields. flags: fields that are true or false.
    """

    noun: str
    fields: Sequence[str]
    others: Mapping[str, str] = field(default_factory=dict)
    flags: Sequence[str] = ()

    def find(self, name: str) -> str | None:
        """Return the field that ``name`` means, None if there is none."""
        known = {_plain(one): one for one in self.fields}
        known |= {_plain(one): meant for one, meant in self.others.items()}
        return known.get(_plain(name))

    def refuse(self, name: str, file: str) -> Exception:
        """Return the error for a ``name`` of no field."""
        near = guess(name, [*self.fields, *self.others])
        noun = f"an {self.noun}" if self.noun[0] in "aeiou" else f"a {self.noun}"
        return UnreadableFile(f"{file}: {name.strip()!r} is no field of {noun}{near}")


def read_rows(file: str, kind: RowKind) -> list[Body]:
    """Return the rows in ``file`` (- is stdin), numbers as they are written there.

    Raises UnreadableFile.
    """
    return [row.body for row in read_placed(file, kind)]


def read_placed(file: str, kind: RowKind) -> list[PlacedRow]:
    """Return the rows as ``read_rows`` does, each with its place. Raises UnreadableFile."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise UnreadableFile(f"cannot read {file}: {reason}") from None
    text = text.removeprefix("\ufeff")
    try:
        is_json = text.lstrip()[:1] in ("[", "{")
        rows = _of_json(text, file, kind) if is_json else _of_csv(text, file, kind)
    except RecursionError:
        raise UnreadableFile(f"{file} is nested too deeply") from None
    if not rows:
        raise UnreadableFile(f"{file} holds no {kind.noun}")
    return rows


def _of_json(text: str, file: str, kind: RowKind) -> list[PlacedRow]:
    try:
        data = _decode(text)
    except ValueError:
        rows = [*_of_lines(text, file)]
    else:
        if isinstance(data, dict):
            data = data.get(f"{kind.noun}s", [data])
        if not isinstance(data, list):
            raise UnreadableFile(f"{file} must hold an array of {kind.noun}s")
        rows = [(f"{kind.noun} {number}", row) for number, row in enumerate(data, 1)]
    found = []
    for place, row in rows:
        if not isinstance(row, dict):
            raise UnreadableFile(f"{file} must hold an array of {kind.noun}s")
        found.append(PlacedRow(place, {kind.find(name) or name: row[name] for name in row}))
    return found


def _of_lines(text: str, file: str) -> Iterator[tuple[str, object]]:
    for number, row in enumerate(text.split("\n"), 1):
        if row.strip():
            try:
                yield f"line {number}", _decode(row)
            except ValueError as error:
                raise UnreadableFile(f"{file} holds no JSON: line {number}: {error}") from None


def _decode(text: str) -> object:
    return json.loads(text, parse_float=str, parse_constant=str)


def _of_csv(text: str, file: str, kind: RowKind) -> list[PlacedRow]:
    reader = csv.reader(StringIO(text))
    rows: list[tuple[int, list[str]]] = []
    begins = 1
    for row in reader:
        if any(cell.strip() for cell in row):
            rows.append((begins, row))
        begins = reader.line_num + 1
    if not rows:
        return []
    heading = [_field(name, file, kind) for name in rows[0][1]]
    twice = next((name for name in heading if heading.count(name) > 1), None)
    if twice is not None:
        raise UnreadableFile(f"{file} has two columns {twice}")
    return [
        PlacedRow(f"line {line}", _row(heading, row, f"{file}: {kind.noun} {number}", kind))
        for number, (line, row) in enumerate(rows[1:], 1)
    ]


def _field(name: str, file: str, kind: RowKind) -> str:
    known = kind.find(name)
    if known is None:
        raise kind.refuse(name, file)
    return known


def _row(heading: list[str], row: list[str], where: str, kind: RowKind) -> Body:
    if len(row) > len(heading):
        raise UnreadableFile(f"{where} has more cells than there are columns")
    cells = zip(heading, map(str.strip, row), strict=False)
    body: Body = {name: cell for name, cell in cells if cell}
    for name in kind.flags:
        if name in body:
            body[name] = _truth(str(body[name]), f"{where}: {name}")
    return body


def _truth(text: str, name: str) -> bool:
    if text.lower() not in _TRUTHS:
        raise UnreadableFile(f"{name} is true or false, not {text}")
    return _TRUTHS[text.lower()]


def _plain(name: str) -> str:
    return name.strip().replace("-", "").replace("_", "").replace(" ", "").lower()
