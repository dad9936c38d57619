"""Checks a state that was just loaded; one that fails is not used.

Source: docs/market_rules.md, Collateral, Events.
"""

from predmarket.engine.ledger import Pool
from predmarket.engine.state import State
from predmarket.engine.steps import EventSteps
from predmarket.enums import MarketStatus
from predmarket.units import PRICE_ONE


class LoadError(Exception):
    """The database contradicts itself; run ``predmarket audit``."""


def event_steps(state: State) -> dict[int, EventSteps]:
    """Return the steps that hold an event, by the event."""
    return {one.event_id: one for one in state.unfinished.values() if isinstance(one, EventSteps)}


def verify(state: State) -> None:
    """Check the loaded sums against the loaded totals. Raises LoadError."""
    ledger = state.ledger
    cash = sum(a.available + a.locked for a in ledger.accounts.values())
    pools: list[Pool] = [*state.markets.values(), *state.market_events.values()]
    collateral = sum(pool.collateral for pool in pools)
    if cash + collateral + ledger.fees != ledger.net_deposits:
        raise LoadError("cash, collateral and fees do not add up to the net deposits")
    _verify_markets(state)
    _verify_events(state)
    for account in ledger.accounts.values():
        if account.locked != sum([order.lock for order in account.orders.values()]):
            raise LoadError(f"account {account.user_id}: locked differs from its orders' locks")
    _verify_reserves(state)
    for group in state.order_groups.by_id.values():
        if group.exceeded:
            raise LoadError(f"order group {group.id}: it is above its limit and has not tripped")


def _verify_markets(state: State) -> None:
    for market in state.markets.values():
        if market.proposal is not None and market.status is not MarketStatus.CLOSED:
            raise LoadError(f"market {market.id}: a resolution is proposed, and it is not closed")
        if market.ending is not None or market.final:
            continue
        if not market.total_yes == market.total_no == market.open_interest:
            raise LoadError(f"market {market.id}: YES, NO and open interest differ")
        sets = market.open_interest if market.event is None else 0
        if market.collateral != sets * PRICE_ONE:
            raise LoadError(f"market {market.id}: collateral differs from open interest")


def _verify_reserves(state: State) -> None:
    reserved: dict[tuple[int, int], list[int]] = {}
    for order in state.orders.values():
        if order.close:
            both = reserved.setdefault((order.user_id, order.market_id), [0, 0])
            both[order.is_buy] += order.close
    for position in state.positions():
        key = position.user_id, position.market_id
        yes, no = reserved.get(key, (0, 0))
        if (position.reserved_yes, position.reserved_no) != (yes, no):
            raise LoadError(f"position {key}: reserves differ from its orders' close parts")


def _verify_events(state: State) -> None:
    """Check what the markets and the holdings of each event add up to. Raises LoadError."""
    steps_of = event_steps(state)
    for event in state.market_events.values():
        if event.proposal is not None and state.status_of(event) is not MarketStatus.CLOSED:
            raise LoadError(f"event {event.id}: a resolution is proposed, and it is not closed")
        if event.outcome is not None:
            continue
        under_way = steps_of.get(event.id)
        struck = under_way is not None and under_way.market_id is not None and under_way.settling
        live = sum([not market.final for market in state.markets_of(event)])
        if event.outcomes != live + (not event.exhaustive) - struck:
            raise LoadError(f"event {event.id}: its outcomes are not those of its markets")
        if event.ending is not None:
            continue
        if event.total_base != event.open_interest:
            raise LoadError(f"event {event.id}: bases and sets differ")
        if event.collateral != event.open_interest * PRICE_ONE:
            raise LoadError(f"event {event.id}: collateral differs from its sets")
        for holding in event.holdings.values():
            if not struck and holding.free_sets(event.outcomes):
                raise LoadError(f"event {event.id}: user {holding.user_id} holds sets not merged")
