"""The forms of the import of markets and events: which file, and what would be created of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from predmarket.client import ApiError, ClientError
from predmarket.client.market_file import Element, placed, read_events, read_markets
from predmarket.client.response_types import ImportReport
from predmarket.client.rows_file import UnreadableFile
from predmarket.tui.screens import field_parsing
from predmarket.tui.screens.field_parsing import Wrong
from predmarket.tui.screens.form import Field, FormDialog

_FIELDS = (
    Field("file", "File", hint="markets.csv, or .json", needed=True),
    Field("kind", "Of", words=("markets", "events")),
)
_MOST_BYTES = 1 << 20
"""A file beyond this is far over what the exchange takes at once."""
_SHOWN = 8


def form() -> FormDialog:
    """Return the form that asks for the file."""
    text = (
        "The file is checked first, and nothing is created before you have seen what it holds."
        " CSV or JSON: predmarket market import --help says which columns."
    )
    return FormDialog("Import", _FIELDS, text=text, act="Check it")


def read(values: Mapping[str, str]) -> list[Element]:
    """Return the elements of the file that the form names. Raises UnreadableFile."""
    path = Path(values["file"]).expanduser()
    try:
        if not path.is_file():
            raise UnreadableFile(f"there is no file {path}")
        if path.stat().st_size > _MOST_BYTES:
            raise UnreadableFile(f"{path} is longer than 1 MiB")
    except OSError as error:
        raise UnreadableFile(f"cannot read {path}: {error.strerror}") from None
    reader = read_markets if values["kind"] == "markets" else read_events
    return reader(str(path), _moment)


def _moment(text: str, where: str) -> str:
    try:
        return field_parsing.moment(text, where)
    except Wrong as error:
        raise UnreadableFile(str(error)) from None


def problems(error: ClientError, elements: Sequence[Element]) -> str:
    """Return why a file cannot be imported, its problems by line."""
    if not isinstance(error, ApiError) or not isinstance(error.details, list):
        return str(error)
    found = [placed(one, elements) for one in error.details]
    lines = [
        f"{one['path']}: {one['message']}" if isinstance(one, Mapping) else str(one)
        for one in found[:_SHOWN]
    ]
    if len(found) > _SHOWN:
        lines.append(f"and {len(found) - _SHOWN} more")
    return "\n".join([error.message, "", *lines])


def confirming(file: str, report: ImportReport) -> FormDialog:
    """Return the question before what is new in a file is created."""
    new = [one["slug"] for one in report["items"] if one["status"] == "NEW"]
    known = [one for one in report["items"] if one["status"] != "NEW"]
    lines = [f"{len(new)} would be created{_names(new)}"]
    if known:
        lines.append(f"{len(known)} there already, left as they are")
    other = [one for one in known if one["differs"]][:_SHOWN]
    lines += [f"{one['slug']} differs in {', '.join(one['differs'])}" for one in other]
    return FormDialog(f"Import {file}", (), text="\n".join(lines), act="Create them")


def _names(slugs: Sequence[str]) -> str:
    if not slugs:
        return ""
    more = f" and {len(slugs) - _SHOWN} more" if len(slugs) > _SHOWN else ""
    return f": {', '.join(slugs[:_SHOWN])}{more}"
