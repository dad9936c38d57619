"""The terms of a new market or event, from the options that their commands share."""

from collections.abc import Sequence
from typing import TypedDict

from predmarket.cli import arguments
from predmarket.cli.context import Line
from predmarket.cli.numbers import RATE, TICK, optional
from predmarket.cli.timestamps import moment
from predmarket.client.response_types import Market
from predmarket.enums import MarketStatus


class Terms(TypedDict):
    """The terms that markets and events share, as the client takes them. None: not given."""

    description: str | None
    tick_size: str | None
    maker_fee_rate: str | None
    taker_fee_rate: str | None
    closes_at: str | None
    status: MarketStatus | None
    category: str | None
    tags: Sequence[str] | None
    source: str | None
    group: str | None


def terms(
    line: Line,
    *,
    description: str | None,
    tick: str | None,
    maker_fee: str | None,
    taker_fee: str | None,
    closes_at: str | None,
    draft: bool,
    category: str | None,
    tag: Sequence[str] | None,
    source: str | None,
    group: str | None,
) -> Terms:
    """Return the terms that the options give. Raises Failure, ClientError."""
    return Terms(
        description=description,
        tick_size=optional(tick, TICK, "--tick"),
        maker_fee_rate=optional(maker_fee, RATE, "--maker-fee"),
        taker_fee_rate=optional(taker_fee, RATE, "--taker-fee"),
        closes_at=moment(line, closes_at, "--closes-at"),
        status=MarketStatus.DRAFT if draft else None,
        category=category,
        tags=arguments.tags(tag),
        source=source,
        group=group,
    )


def like(market: Market, given: Terms) -> Terms:
    """Return the given terms, and for those not given the market's. When it closes is its own."""
    return Terms(
        description=_first(given["description"], market["description"]),
        tick_size=given["tick_size"] or market["tickSize"],
        maker_fee_rate=given["maker_fee_rate"] or market["makerFeeRate"],
        taker_fee_rate=given["taker_fee_rate"] or market["takerFeeRate"],
        closes_at=given["closes_at"],
        status=given["status"],
        category=_first(given["category"], market.get("category")),
        tags=market.get("tags") if given["tags"] is None else given["tags"],
        source=_first(given["source"], market.get("source")),
        group=_first(given["group"], market.get("group")),
    )


def _first(given: str | None, other: str | None) -> str | None:
    return other if given is None else given
