"""The view of `leaderboard --watch`: the board whole at each change, drawn for a projector."""

from collections.abc import Sequence
from decimal import Decimal

from predmarket.cli import user_layouts
from predmarket.cli.grid import Grid, Row
from predmarket.cli.views import Ask
from predmarket.client.calls import Call
from predmarket.client.feed import Feed
from predmarket.client.messages import Message
from predmarket.client.response_types import Leaderboard, Standing

_BAR = 24
"""Characters of the longest bar."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class LeaderboardView:
    """The leaderboard. No topic tells of it, so it is asked for again and again."""

    fields: Sequence[str] = user_layouts.STANDING.fields
    topics: Sequence[str] = ()

    def __init__(self, call: Call[Leaderboard]) -> None:
        self._call = call
        self._board: Leaderboard | None = None

    @property
    def title(self) -> str:
        """What is ranked, and how many accounts."""
        if self._board is None:
            return "Leaderboard"
        season, group, total = self._board["season"], self._board["group"], self._board["total"]
        ended = ", final" if season is not None and season["endedAt"] is not None else ""
        parts = ["Leaderboard", f"{season['name']}{ended}" if season else "", group or ""]
        return f"{' · '.join(filter(None, parts))}  {total} ranked"

    async def hear(self, message: Message | None, feed: Feed, ask: Ask) -> Sequence[Row]:
        """Ask for the board. Raises ClientError."""
        del message, feed
        before = self._board
        self._board = await ask(self._call)
        return [] if self._board == before or self._board is None else [self._board]

    def csv(self, row: Row) -> Sequence[Row]:
        """Return the lines of a board."""
        items = row["items"]
        assert isinstance(items, list)  # a board
        return items

    def grid(self, height: int) -> Grid:
        """Return the best accounts, each profit as a number and as a bar."""
        items = self._board["items"] if self._board is not None else []
        shown = items[: height - 1]
        longest = max((abs(Decimal(one["profit"])) for one in shown), default=Decimal(0))
        return Grid(
            ["RANK", "NAME", "PROFIT", "", "VALUE", "TRADES"],
            [True, False, True, True, True, True],
            [_row(one, longest) for one in shown],
            ["", "TRADES", "VALUE"],
        )


def _row(one: Standing, longest: Decimal) -> list[str]:
    profit = Decimal(one["profit"])
    sign = "▲ +" if profit > 0 else "▼ -" if profit < 0 else ""
    value = f"{Decimal(one['value']):,.2f}"
    return [
        str(one["rank"]),
        one["displayName"],
        f"{sign}{abs(profit):,.2f}",
        _bar(profit, longest),
        value,
        str(one["trades"]),
    ]


def _bar(profit: Decimal, longest: Decimal) -> str:
    """Return a profit as a bar of up to _BAR characters, a loss as a paler one."""
    whole, part = divmod(int(_BAR * 8 * abs(profit) / longest) if longest else 0, 8)
    bar = "█" * whole + _EIGHTHS[part].strip() if profit >= 0 else "▒" * whole
    return bar.ljust(_BAR)
