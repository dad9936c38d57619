"""Command: replay.

The server is imported only where the recording is a database.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import dropwhile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from predmarket.cli import arguments, context, layouts
from predmarket.cli.context import Line
from predmarket.cli.failure import usage
from predmarket.cli.output import Progress

if TYPE_CHECKING:
    import predmarket.client as api
    from predmarket.recorded_orders import Row
    from predmarket.replay import Played, Player
    from predmarket.replay.accounts import ReplayAccounts
    from predmarket.replay.client_pool import ClientPool

_DATABASE = b"SQLite format 3\0"
_FASTEST = 1_000_000


Recording: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="FILE|DATABASE",
        help="Recorded orders (.csv, .parquet), or an exchange's folder, database file or URL.",
    ),
]
Speed: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--speed",
        metavar="N|max",
        help="N times as fast as recorded, or as fast as possible; default: the exchange's clock.",
    ),
]
Label: TypeAlias = Annotated[
    str, typer.Option("--label", metavar="NAME", help="Begins the names of the accounts.")
]
Funds: TypeAlias = Annotated[
    int,
    typer.Option(
        "--funds", metavar="AMOUNT", min=1, max=1_000_000_000, help="What each account gets."
    ),
]
After: TypeAlias = Annotated[
    int, typer.Option("--after", metavar="SEQ", min=0, help="Go on after this command.")
]


def replay(
    ctx: typer.Context,
    recording: Recording,
    *,
    speed: Speed = None,
    market: arguments.MarketOption = None,
    label: Label = "replay",
    funds: Funds = 1_000_000,
    after: After = 0,
) -> None:
    """Examples:
      predmarket replay day.csv --speed 60
      predmarket replay ./then --market will-it-rain-tomorrow --speed max
      predmarket -P lab replay day.parquet --label monday --json

    Play recorded orders into a running exchange, in their exact order, as accounts of their own
    with which one's own orders compete (docs/recorded-orders.md). It needs an admin: it makes the
    accounts, and the markets that are missing. A stepped clock is moved along. Ctrl-C stops it and
    says how to go on. Another --label plays the same once more.
    """
    line = context.of(ctx)
    if not (label.isascii() and label.replace("-", "").isalnum() and len(label) <= 24):
        raise usage("--label takes up to 24 letters, digits and -")
    at_speed = None if speed is None else _speed(speed)
    from predmarket.recorded_orders import RecordedOrdersError
    from predmarket.replay.client_pool import ClientPool

    try:
        with (
            line.output.progress() as progress,
            _rows(recording, market, progress) as rows,
            line.client() as admin,
        ):
            later = dropwhile(lambda row: row.seq <= after, rows)
            pool = ClientPool(_accounts(line, admin, label.lower(), str(funds)).open)
            with pool:
                player = _player(later, admin, pool, label.lower(), at_speed)
                played = _play(line, player, progress)
    except RecordedOrdersError as error:
        raise usage(str(error)) from None
    except OSError as error:
        raise usage(f"{recording}: {error.strerror or error}") from None
    line.output.record(
        layouts.ANY,
        {
            "rows": played.rows,
            "placed": played.placed,
            "amended": played.amended,
            "canceled": played.canceled,
            "gone": played.gone,
            "refused": sum(played.refused.values()),
            **{f"refused {code}": count for code, count in sorted(played.refused.items())},
            "sequence": played.seq,
        },
    )


def _speed(text: str) -> float:
    """Return a speed, 0 for as fast as possible. Raises Failure."""
    if text.lower() == "max":
        return 0.0
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed <= _FASTEST:
        raise usage(f"--speed takes max, or a number up to {_FASTEST}, not {text}")
    return speed


@contextmanager
def _rows(recording: str, market: str | None, progress: Progress) -> "Iterator[Iterable[Row]]":
    """Yield the rows of a file, or of an exchange's database. Raises RecordedOrdersError."""
    given = _database(recording)
    if given is None:
        from predmarket.recorded_orders import read_rows

        every = read_rows(Path(recording))
        yield every if market is None else (row for row in every if row.market == market)
        return
    from predmarket.cli.server_admin import operator_errors

    with operator_errors():
        from predmarket.server.core.recording import Selection
        from predmarket.server.process import journal_export

        with journal_export.recorded(given, Selection(market), progress) as rows:
            yield rows


def _database(recording: str) -> dict[str, str] | None:
    """Return the settings of the database that a recording is, None for a file of rows."""
    if "://" in recording:
        return {"database_url": recording}
    path = Path(recording)
    if path.is_dir():
        return {"data_dir": recording}
    if path.is_file():
        with path.open("rb") as file:
            if file.read(len(_DATABASE)) == _DATABASE:
                return {"database_url": f"sqlite:///{path}"}
    return None


def _accounts(line: Line, admin: "api.Client", label: str, funds: str) -> "ReplayAccounts":
    from predmarket.replay.accounts import ReplayAccounts

    return ReplayAccounts(line.settings.url.value, admin, label=label, funds=funds)


def _player(
    rows: "Iterable[Row]",
    admin: "api.Client",
    pool: "ClientPool",
    label: str,
    speed: float | None,
) -> "Player":
    from predmarket.replay import Player
    from predmarket.replay.markets import MissingMarkets
    from predmarket.replay.pace import STEPPED, Pace, pace_of

    clock = str(admin.status().get("clock", "wall"))
    chosen = pace_of(clock) if speed is None else speed or None
    stepped = admin if clock == STEPPED else None
    pace = Pace(chosen, stepped) if chosen is not None or stepped is not None else None
    return Player(
        rows,
        pool.client,
        MissingMarkets(admin).require,
        label=label,
        at=None if pace is None else pace.at,
    )


def _play(line: Line, player: "Player", progress: Progress) -> "Played":
    try:
        while player.play_one():
            progress("replaying", player.played.rows, 0)
    except KeyboardInterrupt:
        played = player.played
        line.output.note(
            f"stopped: {played.rows} rows are played; to go on: the same with --after {played.seq}"
        )
        raise
    return player.played
