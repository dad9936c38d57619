"""The two exchanges of event_pair.py with proposed resolutions: made, confirmed, withdrawn.

Settled differences: by the API one admin cannot propose without a time, so that is a proposal which
another has to confirm; a time that has passed is refused before anybody asks more.
"""

from collections.abc import Callable

from tests.conformance.event_pair import (
    EventPair,
    adds_up,
    event_resolution_body,
    settled_by_event,
)
from tests.conformance.expected import Json, show_time
from tests.conformance.pair import resolution_body, same, settled
from tests.reference.events import unfinished
from tests.reference.records import Command


class ProposalPair(EventPair):
    """Both exchanges, compared in what they show of proposals, too."""

    def do(self, command: Command) -> None:
        """Carry out one command of the reference on both."""
        own: dict[str, Callable[[Command], None]] = {
            "propose": self._propose,
            "confirm": self._confirm,
            "withdraw": self._withdraw,
        }
        if command["op"] not in own:
            super().do(command)
            return
        self.world.now = command["ts"]
        own[command["op"]](command)

    def _propose(self, command: Command) -> None:
        resolution, at, actor = command["resolution"], command["at"], command["actor"]
        by_two = command["by_two"] or at is None
        is_event = resolution["op"] == "resolve_event"
        body = event_resolution_body(resolution) if is_event else resolution_body(resolution)
        body |= {} if at is None else {"effectiveAt": show_time(at)}
        with self.world.resolving(by_two=by_two):
            answer = self.world.call(actor, "POST", f"{_path(resolution)}/resolve", body)
        if not adds_up(body):
            self.at_the_door(answer, "VALIDATION_FAILED")
        elif not self._found(answer, resolution):
            return
        elif at is not None and at <= command["ts"]:
            self.at_the_door(answer, "VALIDATION_FAILED")
        elif self.done(answer, self.apply({**command, "by_two": by_two})):
            self._remember(resolution)
            self._same(resolution, answer[1])
            same("paid", None, answer[1]["payouts"])

    def _remember(self, resolution: Command) -> None:
        """Note how markets will end by a proposal."""
        ledger = self.reference.ledger
        if resolution["op"] == "resolve":
            self.expected.proposed[resolution["market"]] = settled(resolution)
            return
        for market in unfinished(ledger, ledger.events[resolution["event"]]):
            self.expected.proposed[market.id] = settled_by_event(resolution, market.id)

    def _confirm(self, command: Command) -> None:
        answer = self.world.call(command["actor"], "POST", f"{_path(command)}/proposal/confirm")
        if self._found(answer, command) and self.done(answer, self.apply(command)):
            self._same(command, answer[1])

    def _withdraw(self, command: Command) -> None:
        answer = self.world.call(command["actor"], "DELETE", f"{_path(command)}/proposal")
        if self._found(answer, command) and self.done(answer, self.apply(command)):
            name = "event" if command.get("market") is None else "market"
            self._same(command, {name: answer[1]})

    def _found(self, answer: tuple[int, Json], command: Command) -> bool:
        """Tell whether what a command is about exists; if not, check that the gateway said so."""
        id = command.get("market")
        if id is None:
            return self.known(answer, command)
        if id not in self.reference.ledger.markets:
            self.at_the_door(answer, "MARKET_NOT_FOUND")
            return False
        return True

    def _same(self, command: Command, shown: Json) -> None:
        """Compare what a command is about with what the answer shows of it."""
        id = command.get("market")
        if id is None:
            same("event", self.event(command["event"]), shown["event"])
        else:
            same("market", self.expected.market(id), shown["market"])


def _path(command: Command) -> str:
    id = command.get("market")
    return f"/v1/events/{command['event']}" if id is None else f"/v1/markets/{id}"
