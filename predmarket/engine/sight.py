"""Who may trade in a market: a market of a group exists for its members and for admins alone.

Whoever is not flat there (in an event: in any of its markets) still sees it, but can only cancel
and reduce. So leaving a group, or a market's move into one, locks nobody's money in.
"""

from predmarket.engine.commands import AmendOrder, PlaceOrder
from predmarket.engine.market import Market
from predmarket.engine.state import State
from predmarket.enums import MarketStatus


def belongs(group_id: int | None, command: PlaceOrder | AmendOrder) -> bool:
    """Tell whether the sender belongs to the users that a market or an event of a group is for."""
    return group_id is None or command.as_admin or group_id in command.groups


def sees(state: State, market: Market, command: PlaceOrder) -> bool:
    """Tell whether a market exists for the sender."""
    if market.status is MarketStatus.DRAFT:
        return command.as_admin
    return belongs(market.group_id, command) or holds(state, market, command.user_id)


def holds(state: State, market: Market, user_id: int) -> bool:
    """Tell whether a user has shares or an open order in a market, or in a market of its event."""
    event, has_orders = market.event, bool(state.ledger.accounts[user_id].orders)
    if event is not None and user_id not in event.holdings and not has_orders:
        return False  # found out at once, however many markets the event has
    markets = [market] if event is None else state.markets_of(event)
    for one in markets:
        position = one.positions.get(user_id)
        if position is not None and (position.yes or position.no):
            return True
    own = state.own_orders(user_id) if has_orders else None
    return own is not None and any(own.in_market(one.id) for one in markets)
