"""Calls about seasons and the leaderboard."""

from predmarket.client.calls.call import Access, Call, Number, get, given, in_path, list_of, number
from predmarket.client.response_types import Leaderboard, Page, Season, StartedSeason


def start_season(name: str, *, credit: Number | None = None) -> Call[StartedSeason]:
    """Start a season, with a credit to every account (admin).

    Sent again while the season runs, it goes on with what was left, and credits nobody twice.
    """
    body = given(name=name, credit=number(credit))
    return Call("POST", "/v1/seasons", body=body, repeatable=True)


def end_season(season: str | int) -> Call[Season]:
    """End a season for good, by its name or id: its leaderboard stays as it is (admin)."""
    return Call("POST", f"/v1/seasons/{in_path(season)}/end")


def seasons(*, limit: int | None = None, cursor: str | None = None) -> Call[Page[Season]]:
    """List seasons, newest first: only the first one may be running."""
    return list_of("/v1/seasons", limit=limit, cursor=cursor)


def leaderboard(
    *, season: str | int | None = None, group: str | None = None, limit: int | None = None
) -> Call[Leaderboard]:
    """Accounts by what they gained, best first: in a season, or since each account's beginning.

    With ``group`` only its members, for members and admins.
    """
    return get("/v1/leaderboard", Access.OPTIONAL, season=season, group=group, limit=limit)
