"""`python -m tests.abuse [--short] [--database KIND] [NAME …]` runs attacks and prints a table."""

import argparse
import asyncio
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from predmarket.server.storage import migrations
from tests.abuse.arena import LONG, MEBI, SHORT, Arena
from tests.abuse.assault import CLOSED_S, FAREWELL_S, Outcome, carry_out, left_open
from tests.abuse.attacks import ATTACKS
from tests.support.postgres import PostgresServer, fresh_database

_COLUMNS = (
    "attack", "sent, KB", "requests", "refused", "server CPU, s", "victim p50, ms", "p99, ms",
    "RSS before, MiB", "peak", "after", "left open", "machine ×", "verdict",
)  # fmt: skip


def row(outcome: Outcome) -> str:
    """Return an outcome as a row of the table."""
    victim, counts = outcome.victim, outcome.counts
    cells = [
        f"{outcome.attack.name}: {outcome.attack.says}",
        f"{counts.bytes_sent / 1000:,.0f}".replace(",", " "),
        counts.requests,
        counts.refused,
        f"{outcome.cpu:.1f}",
        f"{victim.percentile(0.5) * 1000:.0f}",
        f"{victim.percentile(0.99) * 1000:.0f}",
        f"{outcome.before / MEBI:.0f}",
        f"{outcome.peak / MEBI:.0f}",
        f"{outcome.after / MEBI:.0f}",
        outcome.left_open,
        f"{outcome.slowdown:.1f}",
        "; ".join(outcome.faults) or "stands",
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


async def campaign(arena: Arena, names: list[str], *, long: bool) -> list[Outcome]:
    """Run the attacks with these names, or all attacks."""
    wanted = [attack for attack in ATTACKS if not names or attack.name in names]
    outcomes: list[Outcome] = []
    watches: list[asyncio.Task[None]] = []
    for attack in wanted:
        outcome = await carry_out(arena, attack, long=long)
        outcome.stretch()
        outcomes.append(outcome)
        watches.append(asyncio.create_task(_watch(arena, outcome)))
        print(f"{attack.name}: {'; '.join(outcome.faults) or 'stands'}", file=sys.stderr)
        if outcome.died:
            await asyncio.to_thread(arena.close)
            await asyncio.to_thread(arena.start)
    await asyncio.gather(*watches)
    return outcomes


async def _watch(arena: Arena, outcome: Outcome) -> None:
    """Count the attack's connections that are still open a minute after it."""
    if outcome.held:
        await asyncio.sleep(CLOSED_S + FAREWELL_S)
        outcome.left_open = await left_open(arena, outcome.held, 0)


def main() -> None:
    """Run the campaign and print its table; exit 1 when an attack succeeds."""
    parser = argparse.ArgumentParser(prog="python -m tests.abuse", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that no server process keeps running
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pm-abuse-")))
        url = f"sqlite:///{folder / 'predmarket.db'}"
        if given.database == "postgres":
            server = stack.enter_context(PostgresServer())
            url = stack.enter_context(fresh_database(server.url()))
            migrations.upgrade(url)
        arena = Arena(folder, url, SHORT if given.short else LONG)
        stack.callback(arena.close)
        arena.prepare()
        arena.start()
        outcomes = asyncio.run(campaign(arena, given.names, long=not given.short))
    print(f"| {' | '.join(_COLUMNS)} |\n{'|---' * len(_COLUMNS)}|")
    print(*map(row, outcomes), sep="\n")
    succeeded = [outcome.attack.name for outcome in outcomes if outcome.faults]
    if succeeded:
        sys.exit(f"succeeded: {', '.join(succeeded)}")


if __name__ == "__main__":
    main()
