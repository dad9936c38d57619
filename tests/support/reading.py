"""One reader's messages without times and with ids as ranks, comparable between exchanges."""

import re
from typing import Any

TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")
OF_TIME = re.compile(r"(^|_)ts(_ms)?$|uptime|timestamp|^time$")
ID = re.compile(r"^id$|Ids?$|_id$|^canceled$|^commandSeq$")
IN_TOPIC = re.compile(r"^(\w+:)(\d+)(.*)$")
OPAQUE = ("nextCursor", "cursor", "requestId", "request_id")


class Reading:
    """The messages of one outsider; each kind of id is ranked by its first appearance."""

    def __init__(self) -> None:
        self._ranks: dict[object, dict[object, int]] = {}
        self.lines: list[object] = []

    def rank(self, kind: object, id: object) -> str:
        """Return an id's rank among those of its kind."""
        known = self._ranks.setdefault(kind, {})
        return f"#{known.setdefault(id, len(known))}"

    def plain(self, value: Any, key: str = "", kind: object = None) -> Any:  # noqa: ANN401 -- JSON
        """Return a value without times and ids."""
        if isinstance(value, dict):
            kind = frozenset(value)  # an object's other fields tell the kind of its id
            shown = {self._topic(name): self.plain(one, name, kind) for name, one in value.items()}
            return {name: one for name, one in shown.items() if not OF_TIME.search(name)}
        if isinstance(value, list):
            return [self.plain(one, key, kind) for one in value]
        if key in OPAQUE and value:
            return "…"
        if ID.search(key) and value is not None:
            return self.rank((key, kind), str(value))
        return self._topic(value) if isinstance(value, str) else value

    def _topic(self, text: str) -> str:
        if TIME.fullmatch(text):
            return "time"
        found = IN_TOPIC.match(text)
        return found[1] + self.rank(found[1], found[2]) + found[3] if found else text

    def note(self, *asked: object, said: Any) -> None:  # noqa: ANN401 -- JSON
        """Record the reply to a request."""
        self.lines.append((*asked, self.plain(said)))
