"""Seasons and the leaderboard in the API."""

import msgspec

from predmarket.contracts.amounts import Credit
from predmarket.contracts.requests import Request
from predmarket.contracts.text import GroupName


class SeasonRequest(Request, frozen=True):
    """POST /v1/seasons. ``credit`` goes to every account that is not disabled."""

    name: GroupName
    credit: Credit | None = None


class Season(msgspec.Struct, frozen=True, rename="camel"):
    """A season. ``creditedAt`` is null until every account has its credit, and without a credit;
    ``endedAt`` is null while the season runs.
    """

    id: int
    name: str
    credit: str
    started_at: str
    credited_at: str | None
    ended_at: str | None


class StartedSeason(Season, frozen=True, rename="camel"):
    """The answer of POST /v1/seasons: how many accounts got the credit by this request."""

    accounts_credited: int


class SeasonList(msgspec.Struct, frozen=True, rename="camel"):
    """One page of seasons, newest first."""

    items: list[Season]
    next_cursor: str | None = None


class Standing(msgspec.Struct, frozen=True, rename="camel"):
    """A line of the leaderboard: what an account gained, what it is worth, and how often it traded.

    Equal profits share a rank.
    """

    rank: int
    display_name: str
    profit: str
    value: str
    trades: int


class Leaderboard(msgspec.Struct, frozen=True, rename="camel"):
    """The leaderboard, best first. ``total`` counts all accounts that are ranked.

    ``season`` is null for the board since each account's beginning, ``group`` for everybody's.
    """

    items: list[Standing]
    total: int
    season: Season | None
    group: str | None
