"""One journal of random commands, replayed by several Pythons under several hash seeds.

    make replay COMMANDS=1000000 PYTHONS="3.11 3.13"

All replays, and the exchanges that wrote the journal, have to come to the same hash: of the state
after each 2 500 commands, and of every event and reply on the way. The commands are those of the
campaign against the reference exchange (differential.py): markets and events, proposals, order
groups, timers and steps.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from predmarket.engine.commands import Command
from predmarket.engine.events import Event
from predmarket.engine.replies import Reply
from predmarket.server.core import journal
from predmarket.server.core.journal import Entry
from tests.engine import replayed
from tests.engine.differential import RUN_LENGTH, Engine, kind_of
from tests.engine.replayed import Outcome, Recorder
from tests.engine.translate import to_command
from tests.reference.exchange import ReferenceExchange
from tests.reference.generate import random_commands

ROOT = Path(__file__).parents[2]
HASH_SEEDS = ("0", "1", "4242")
PYTHONS = ("3.11", "3.13")
NEEDED = "msgspec"
"""The only package that the engine needs."""
_BATCH = 500


class MissingPython(Exception):
    """There is no such interpreter here, or it cannot be used."""


class Writer(Engine):
    """An engine that keeps what it executes, timers and steps too, as the journal does."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self.entries: list[Entry] = []
        self._recorder = recorder

    def execute(self, now: int, command: Command) -> tuple[Reply, list[Event]]:
        """Apply one command alone, and keep it."""
        self.entries.append(Entry(now, "", command))
        reply, happened = super().execute(now, command)
        self._recorder.executed(reply, happened)
        return reply, happened


def write(path: Path, commands: int, seed: int) -> Outcome:
    """Write journals of at least so many commands, and return what their exchanges came to."""
    recorder = Recorder()
    with path.open("wb") as file:
        while recorder.commands < commands:
            writer, reference = Writer(recorder), ReferenceExchange()
            length = min(RUN_LENGTH, commands - recorder.commands)
            drawn = random_commands(seed, reference, length, connections=True, kind=kind_of(seed))
            for abstract in drawn:
                command = to_command(abstract, len(reference.ledger.markets))
                reference.apply(abstract)
                writer.apply(abstract["ts"], command)
            for start in range(0, len(writer.entries), _BATCH):
                batch = journal.encode(writer.entries[start : start + _BATCH])
                file.write(len(batch).to_bytes(4) + batch)
            file.write(bytes(4))
            recorder.ended(writer.exchange)
            seed += 1
    return recorder.outcome()


def python_of(version: str, folder: Path) -> str:
    """Return an interpreter of a version that has what the engine needs.

    An environment is made in ``folder`` where the package is missing. Raises MissingPython.
    """
    if version == ".".join(map(str, sys.version_info[:2])):
        return sys.executable
    named = shutil.which(f"python{version}")
    found = [] if named is None else [named]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
    found += [str(one) for one in sorted(pyenv.glob(f"{version}.*/bin/python"))]
    works = [one for one in found if _runs(one, f"import sys; {_IS} == {version!r} or exit(1)")]
    if not works:
        raise MissingPython(f"Python {version} is missing: neither on PATH nor in {pyenv}")
    ready = [one for one in works if _runs(one, f"import {NEEDED}")]
    return ready[0] if ready else _with_package(works[0], folder / f"python{version}")


_IS = "'.'.join(map(str, sys.version_info[:2]))"


def _with_package(python: str, folder: Path) -> str:
    own = str(folder / "bin" / "python")
    pip = (own, "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), NEEDED)
    for command in ((python, "-m", "venv", str(folder)), pip):
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            raise MissingPython(
                f"{python} has no {NEEDED}, and it cannot be installed for it:\n"
                f"{made.stderr.strip()}"
            )
    return own


def _runs(python: str, code: str) -> bool:
    return not subprocess.run((python, "-c", code), capture_output=True, check=False).returncode


def replay(python: str, hash_seed: str, path: Path) -> Outcome:
    """Replay a file in an interpreter of its own. Raises subprocess.CalledProcessError."""
    environment = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": hash_seed}
    command = (python, "-m", replayed.__name__, str(path))
    done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Outcome)


def campaign(path: Path, wanted: Outcome, pythons: Sequence[str], folder: Path) -> bool:
    """Replay a file on each Python under each hash seed; tell whether all came to the same."""
    same = True
    for version in pythons:
        try:
            python = python_of(version, folder)
        except MissingPython as missing:
            _say(str(missing))
            same = False
            continue
        for hash_seed in HASH_SEEDS:
            begun = time.monotonic()
            found = replay(python, hash_seed, path)
            agrees = (found.commands, found.state) == (wanted.commands, wanted.state)
            same = same and agrees
            took = time.monotonic() - begun
            _say(
                f"Python {found.python}, PYTHONHASHSEED={hash_seed}: {found.commands} commands in "
                f"{took:.0f} s, {found.state[:16]}… {'the same' if agrees else 'DIFFERS'}"
            )
    return same


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign as the command line says; return 1 if it is not whole."""
    parser = argparse.ArgumentParser(prog="python -m tests.engine.replay_campaign")
    parser.add_argument("--commands", type=int, default=20_000, help="commands of the journal")
    parser.add_argument("--seed", type=int, default=1, help="the first exchange's seed")
    parser.add_argument("--python", action="append", help="a version, such as 3.13")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "journal")
        wanted = write(path, chosen.commands, chosen.seed)
        _say(
            f"written by Python {wanted.python}: {wanted.commands} commands, "
            f"{path.stat().st_size / 1e6:.1f} MB, {wanted.state[:16]}…"
        )
        same = campaign(path, wanted, chosen.python or PYTHONS, Path(folder))
    return 0 if same else 1


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
