"""Turns seasons and standings into API objects."""

import msgspec

from predmarket.contracts import seasons
from predmarket.contracts.amounts import format_time
from predmarket.server.read_model.queries.seasons import SeasonRecord
from predmarket.server.read_model.queries.standings import Board, Standing
from predmarket.units import format_money


def season(record: SeasonRecord) -> seasons.Season:
    """Return a season."""
    credited, ended = record.credited_at, record.ended_at
    return seasons.Season(
        record.id,
        record.name,
        format_money(record.credit),
        format_time(record.started_at),
        None if credited is None else format_time(credited),
        None if ended is None else format_time(ended),
    )


def started(record: SeasonRecord, credited: int) -> seasons.StartedSeason:
    """Return a season with the number of accounts that its start has credited just now."""
    return seasons.StartedSeason(
        **msgspec.structs.asdict(season(record)), accounts_credited=credited
    )


def leaderboard(
    board: Board, limit: int, of: SeasonRecord | None, group: str | None
) -> seasons.Leaderboard:
    """Return the best ``limit`` accounts of a board."""
    items = [_standing(one) for one in board.standings[:limit]]
    return seasons.Leaderboard(items, board.total, None if of is None else season(of), group)


def _standing(one: Standing) -> seasons.Standing:
    return seasons.Standing(
        one.rank, one.display_name, format_money(one.profit), format_money(one.value), one.trades
    )
