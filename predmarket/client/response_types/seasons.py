"""Seasons and the leaderboard."""

from typing import TypedDict


class Season(TypedDict):
    """creditedAt is null until every account has its credit, endedAt while the season runs."""

    id: int
    name: str
    credit: str
    startedAt: str
    creditedAt: str | None
    endedAt: str | None


class StartedSeason(Season):
    """accountsCredited counts those that got the credit by this request."""

    accountsCredited: int


class Standing(TypedDict):
    """Equal profits share a rank."""

    rank: int
    displayName: str
    profit: str
    value: str
    trades: int


class Leaderboard(TypedDict):
    """total counts all ranked accounts; season is null for the board since the beginning."""

    items: list[Standing]
    total: int
    season: Season | None
    group: str | None
