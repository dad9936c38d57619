"""The client agrees with the contracts: it reads every field and sends valid bodies."""

import json
from typing import get_type_hints

import msgspec
import pytest

from predmarket.cli import market_layouts, order_layouts, user_layouts
from predmarket.cli.grid import Layout
from predmarket.client import NewOrder, calls, response_types
from predmarket.client.calls import Call
from predmarket.contracts import (
    accounts,
    administration,
    events,
    identity,
    markets,
    order_groups,
    orders,
    realtime,
    requests,
    seasons,
    user_groups,
)


def wire_names(kind: type[msgspec.Struct]) -> set[str]:
    """Return a contract's field names on the wire."""
    return {field.encode_name for field in msgspec.structs.fields(kind)}


@pytest.mark.parametrize(
    ("shape", "contract"),
    [
        (response_types.Login, identity.Session),
        (response_types.User, identity.ListedUser),
        (response_types.ApiKey, identity.ApiKey),
        (response_types.SessionInfo, identity.SessionInfo),
        (response_types.NewApiKey, identity.NewApiKey),
        (response_types.Market, markets.Market),
        (response_types.Resolution, markets.Resolution),
        (response_types.EventSummary, events.EventSummary),
        (response_types.Event, events.Event),
        (response_types.EventResolution, events.EventResolution),
        (response_types.Payoff, events.Payoff),
        (response_types.EventHolding, events.EventHolding),
        (response_types.EventTickers, realtime.EventTickers),
        (response_types.EventPositionsSnapshot, realtime.EventPositionsSnapshot),
        (response_types.Payouts, markets.Payouts),
        (response_types.Book, markets.OrderBook),
        (response_types.Trade, markets.Trade),
        (response_types.Candle, markets.Candle),
        (response_types.OrderFill, orders.OrderFill),
        (response_types.Canceled, orders.CanceledOrders),
        (response_types.CancelAfter, orders.CancelAfter),
        (response_types.Balance, accounts.Balance),
        (response_types.Position, accounts.Position),
        (response_types.Portfolio, accounts.Portfolio),
        (response_types.Fill, accounts.Fill),
        (response_types.Transfer, accounts.Transfer),
        (response_types.LedgerLine, accounts.LedgerLine),
        (response_types.Order, orders.QueuedOrder),
        (response_types.Preview, orders.Preview),
        (response_types.Batch, orders.BatchAnswer),
        (response_types.BatchResult, orders.BatchResult),
        (response_types.OrderState, orders.OrderState),
        (response_types.BookLevels, realtime.BookLevels),
        (response_types.Ticker, realtime.Ticker),
        (response_types.TradesSnapshot, realtime.TradesSnapshot),
        (response_types.MarketsSnapshot, realtime.MarketsSnapshot),
        (response_types.OrdersSnapshot, realtime.OrdersSnapshot),
        (response_types.FillsSnapshot, realtime.FillsSnapshot),
        (response_types.PositionsSnapshot, realtime.PositionsSnapshot),
        (response_types.OrderAck, realtime.OrderAck),
        (response_types.UserCode, identity.UserCode),
        (response_types.NewUser, identity.NewUser),
        (response_types.Invite, identity.Invite),
        (response_types.NewInvite, identity.NewInvite),
        (response_types.Overview, administration.Overview),
        (response_types.PastDueMarket, administration.PastDueMarket),
        (response_types.UserGroup, user_groups.UserGroup),
        (response_types.Season, seasons.Season),
        (response_types.StartedSeason, seasons.StartedSeason),
        (response_types.Standing, seasons.Standing),
        (response_types.Leaderboard, seasons.Leaderboard),
        (response_types.OrderGroup, order_groups.OrderGroup),
        (response_types.OrderGroupUpdate, order_groups.OrderGroupUpdate),
        (response_types.OrderGroupsSnapshot, order_groups.OrderGroupsSnapshot),
    ],
)
def test_shapes_have_the_contracts_fields(shape: type, contract: type[msgspec.Struct]) -> None:
    """The client's response types have exactly the contracts' fields."""
    assert wire_names(contract) == set(get_type_hints(shape))


def test_users_have_more_than_the_common_fields() -> None:
    """disabled is in some answers only."""
    assert wire_names(identity.User) <= set(get_type_hints(response_types.User))


@pytest.mark.parametrize(
    ("layout", "contract"),
    [
        (market_layouts.MARKET, markets.Market),
        (order_layouts.ORDER, orders.QueuedOrder),
        (order_layouts.PREVIEW, orders.Preview),
        (market_layouts.CANDLE, markets.Candle),
        (order_layouts.LEDGER_LINE, accounts.LedgerLine),
        (order_layouts.ORDER_FILL, orders.OrderFill),
        (market_layouts.TRADE, markets.Trade),
        (order_layouts.BALANCE, accounts.Balance),
        (order_layouts.POSITION, accounts.Position),
        (order_layouts.PORTFOLIO, accounts.Portfolio),
        (order_layouts.FILL, accounts.Fill),
        (user_layouts.USER, identity.ManagedUser),
        (user_layouts.API_KEY, identity.ApiKey),
        (user_layouts.NEW_API_KEY, identity.NewApiKey),
        (market_layouts.RESOLUTION, markets.Resolution),
        (order_layouts.TRANSFER, accounts.Transfer),
    ],
)
def test_csv_has_every_field(layout: Layout, contract: type[msgspec.Struct]) -> None:
    """CSV has every field, and every column of a table is a field."""
    assert wire_names(contract) <= set(layout.fields)
    assert {column.key for column in layout.columns} <= set(layout.fields)


LIMIT = NewOrder(
    market="rain",
    side="BUY",
    qty="10",
    price="0.60",
    time_in_force="GTD",
    expires_at="2030-01-01T00:00:00.000000Z",
    post_only=True,
    reduce_only=True,
    self_trade_prevention="CANCEL_BOTH",
    client_order_id="c",
    deadline="2030-01-01T00:00:00.000000Z",
    order_group_id=7,
)
MARKET = NewOrder(market=1, side="SELL", qty=1, type="MARKET", max_slippage="0.05")


PROPOSAL: response_types.Proposal = {
    "outcome": "NO",
    "settlementPrice": None,
    "note": None,
    "source": None,
    "actorId": 1,
    "effectiveAt": None,
}


@pytest.mark.parametrize(
    ("call", "contract"),
    [
        (calls.place_order(LIMIT), orders.PlaceOrderRequest),
        (calls.place_order(MARKET), orders.PlaceOrderRequest),
        (calls.preview_order(LIMIT), orders.PlaceOrderRequest),
        (calls.place_batch([LIMIT.body(), MARKET.body()]), orders.BatchRequest),
        (calls.amend_order(1, price="0.5", qty="2"), orders.AmendOrderRequest),
        (calls.cancel_all(market="1", side="BUY"), orders.CancelAllRequest),
        (calls.cancel_all(), orders.CancelAllRequest),
        (calls.cancel_after(60), orders.CancelAfterRequest),
        (calls.claim("7KQF", "a password"), identity.ClaimRequest),
        (calls.update_me(full_name="Ann", display_name="ann"), identity.UpdateMeRequest),
        (
            calls.create_user("ann", full_name="A", role="USER", credit=1, group="9b"),
            identity.CreateUserRequest,
        ),
        (
            calls.create_invite(uses=2, expires_at="2030-01-01T00:00:00Z", credit=1, group="9b"),
            identity.InviteRequest,
        ),
        (calls.create_group("9b"), user_groups.UserGroupRequest),
        (calls.create_order_group(10), order_groups.OrderGroupRequest),
        (calls.update_order_group(7, "2.5"), order_groups.OrderGroupRequest),
        (calls.register("a@example.com", "password123", "Ann"), identity.RegisterRequest),
        (calls.login("a@example.com", "password123"), identity.LoginRequest),
        (calls.refresh("token"), identity.RefreshRequest),
        (calls.change_password("password123", "password124"), identity.PasswordRequest),
        (calls.create_api_key("bot", ["read", "trade"]), identity.ApiKeyRequest),
        (calls.update_user(7, role="ADMIN", disabled=False), identity.UpdateUserRequest),
        (calls.transfer("a@example.com", "-5.5", "why"), accounts.TransferRequest),
        (calls.transfer(7, "5", "why"), accounts.TransferRequest),
        (
            calls.create_market(
                "rain",
                "Rain?",
                description="d",
                tick_size="0.01",
                maker_fee_rate="0",
                taker_fee_rate="0.07",
                closes_at="2030-01-01T00:00:00.000000Z",
                status="DRAFT",
            ),
            markets.CreateMarketRequest,
        ),
        (calls.update_market("rain", status="HALTED"), markets.UpdateMarketRequest),
        (calls.resolve_market("rain", "SCALAR", "0.25"), markets.ResolveMarketRequest),
        (calls.resolve_market("rain", "VOID"), markets.ResolveMarketRequest),
        (
            calls.resolve_market("rain", "NO", note="Dry.", source="met.no", after="24h"),
            markets.ResolveMarketRequest,
        ),
        (calls.confirm_proposal("rain", PROPOSAL), markets.ConfirmProposalRequest),
        (
            calls.resolve_event("vote", "ann", effective_at="2030-01-01T00:00:00Z"),
            events.ResolveEventRequest,
        ),
    ],
)
def test_what_is_sent_is_accepted(call: Call[object], contract: type[requests.Request]) -> None:
    """Every request body decodes under its contract, which forbids unknown fields."""
    assert call.body is not None
    requests.decode(json.dumps(dict(call.body)).encode(), contract)
