"""The numbers of gateways' commands, so that no command is taken twice.

A gateway numbers its commands in ascending order, and they arrive in that order. A command whose
number is not above its gateway's last one is a repeat: an intruder put an old parcel into the
stream again. A core that takes over reads the last numbers from the journal. It looks back as far
as a deadline can reach, because a command whose deadline has passed never begins.
"""

from typing import NamedTuple

import msgspec
from sqlalchemy import text

from predmarket.server.storage.database import Database
from predmarket.units import Micros

LOOK_BACK: Micros = 10_000_000
"""Twice as long as a command waits for its reply."""
_MAX_GATEWAYS = 1_000
_PAGE = 100
_JOURNAL = text(
    "SELECT batch, entries FROM journal WHERE batch < :before ORDER BY batch DESC LIMIT :limit"
)


class _Given(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The first fields of a journal entry."""

    time: Micros
    id: str


class _Last(NamedTuple):
    number: int
    deadline: Micros


_entries = msgspec.msgpack.Decoder(list[_Given])


class CommandNumbers:
    """The last number of each gateway that has recently sent commands."""

    def __init__(self) -> None:
        self._last: dict[str, _Last] = {}

    async def load(self, db: Database, now: Micros) -> None:
        """Load the numbers that the former core has taken. Raises UNAVAILABLE (database.py)."""
        since, before = now - LOOK_BACK, 2**63 - 1
        while True:
            async with db.read() as connection:
                found = await connection.execute(_JOURNAL, {"before": before, "limit": _PAGE})
                rows = found.all()
            for batch, entries in rows:
                before = batch
                given = _entries.decode(bytes(entries))
                for one in given:
                    self._note(one)
                if given and given[0].time < since:
                    return
            if len(rows) < _PAGE:
                return

    def _note(self, one: _Given) -> None:
        command, _, _step = one.id.partition("/")  # a later step has the command's id and its own
        gateway, _, number = command.rpartition("-")
        if gateway and int(number) > self._last.get(gateway, _Last(0, 0)).number:
            self._last[gateway] = _Last(int(number), one.time + LOOK_BACK)

    def take(self, gateway: str, number: int, deadline: Micros, now: Micros) -> bool:
        """Record a command's number; False: it is a repeat."""
        last = self._last.get(gateway)
        if last is not None and number <= last.number:
            return False
        if last is None and len(self._last) >= _MAX_GATEWAYS:
            # The deadlines of all others have passed, so they cannot be repeated.
            self._last = {name: one for name, one in self._last.items() if one.deadline > now}
        self._last[gateway] = _Last(number, deadline)
        return True
