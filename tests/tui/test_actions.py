"""The command shown on the screen sends the same request as the screen."""

import shlex
from pathlib import Path
from typing import Any, cast

import pytest

from predmarket.client import response_types
from predmarket.enums import MarketStatus, OrderType, Outcome, Role, Side, TimeInForce
from predmarket.tui import actions, admin_actions
from predmarket.tui.actions import Action, Ticket
from tests.support.command_line import Run, environment, home, run, stub
from tests.support.stub_exchange import Answer, Request, Stub

__all__ = ["environment", "home", "run", "stub"]

SLUG = "will-it-rain"
LIMIT = Ticket(market=1, slug=SLUG, side=Side.BUY, qty=1000, price=6000)
MARKET = Ticket(market=1, slug=SLUG, side=Side.SELL, qty=150, type=OrderType.MARKET, slippage=500)
USER = {"id": 9, "email": "bo@example.com", "role": "USER", "fullName": None, "createdAt": "x"}
PROPOSAL: response_types.Proposal = {
    "outcome": "NO",
    "settlementPrice": None,
    "note": None,
    "source": None,
    "actorId": 1,
    "effectiveAt": None,
}
EVENT_PROPOSAL: response_types.EventProposal = {
    "outcome": "VOID",
    "weights": None,
    "note": None,
    "source": None,
    "actorId": 1,
    "effectiveAt": None,
}

SENT: dict[str, Action[Any]] = {
    "limit": actions.place(LIMIT),
    "market": actions.place(MARKET),
    "fill or kill": actions.place(
        Ticket(market=1, slug=SLUG, side=Side.BUY, qty=100, price=125, tif=TimeInForce.FOK)
    ),
    "good till": actions.place(
        Ticket(
            market=1, slug=SLUG, side=Side.BUY, qty=100, price=6000, tif=TimeInForce.GTD,
            expires_at="2035-01-01T00:00:00.000000Z", post_only=True,
        )
    ),
    "reduce only": actions.place(
        Ticket(market=1, slug=SLUG, side=Side.SELL, qty=100, price=6000, reduce_only=True)
    ),
    "preview": actions.preview(LIMIT),
    "cancel": actions.cancel(17),
    "cancel side": actions.cancel_side(1, SLUG, Side.SELL),
    "cancel all": actions.cancel_everything(),
    "amend": actions.amend(17, 5800, 500),
    "amend price": actions.amend(17, 5800, None),
    "create": admin_actions.create_market(
        "cpi-above-3", "CPI above 3 %?", description="By the first release", tick="0.001",
        taker_fee="0.02", closes_at="2035-01-01T00:00:00.000000Z", draft=True,
    ),
    "halt": admin_actions.change_market(SLUG, MarketStatus.HALTED),
    "open": admin_actions.change_market(SLUG, MarketStatus.OPEN),
    "close": admin_actions.change_market(SLUG, MarketStatus.CLOSED),
    "resolve": admin_actions.resolve_market(SLUG, Outcome.YES, None),
    "resolve to a price": admin_actions.resolve_market(SLUG, Outcome.SCALAR, "0.25"),
    "void": admin_actions.resolve_market(SLUG, Outcome.VOID, None),
    "propose": admin_actions.resolve_market(SLUG, Outcome.NO, None, "24h", "Dry.", "met.no"),
    "confirm a proposal": admin_actions.confirm_proposal(SLUG, PROPOSAL),
    "confirm an event": admin_actions.confirm_event_proposal(SLUG, EVENT_PROPOSAL),
    "withdraw a proposal": admin_actions.withdraw_proposal(SLUG),
    "withdraw an event": admin_actions.withdraw_event_proposal(SLUG),
    "deposit": admin_actions.transfer("bo@example.com", "100", "welcome back"),
    "withdraw": admin_actions.transfer("bo@example.com", "-5.50", "payout"),
    "role": admin_actions.update_user(9, "bo@example.com", role=Role.ADMIN),
    "disable": admin_actions.update_user(9, "bo@example.com", disabled=True),
    "make an account": admin_actions.create_user(
        "bo", name="Bo Berg", role=Role.ADMIN, credit="100", group="Class 9b"
    ),
    "reset": admin_actions.reset_user(9, "bo@example.com"),
    "invite": admin_actions.create_invite(
        uses=30, expires="2035-01-01T00:00:00.000000Z", credit="5", group="Class 9b"
    ),
    "revoke an invitation": admin_actions.revoke_invite(3),
    "make a group": admin_actions.create_group("Class 9b"),
    "add a member": admin_actions.add_member("Class 9b", 9, "bo@example.com"),
    "remove a member": admin_actions.remove_member("Class 9b", 9, "bo@example.com"),
    "start a season": admin_actions.start_season("Spring", "100"),
    "end a season": admin_actions.end_season("Spring"),
    "import": admin_actions.import_all("markets", "new.csv", [{"slug": "a", "question": "A?"}]),
    "check events": admin_actions.import_all(
        "events", "events.json", [{"slug": "e", "markets": []}], dry_run=True
    ),
    "enable": admin_actions.update_user(9, "bo@example.com", disabled=False),
}  # fmt: skip


def content(body: object) -> dict[str, object]:
    """Return a body for comparison: no unique ids, one market name, no trailing zeros."""
    names = {SLUG: 1}
    return {
        name: names.get(str(value), _plain(value))
        for name, value in cast("dict[str, object]", body or {}).items()
        if name not in {"clientOrderId", "deadline"}
    }


def _plain(value: object) -> object:
    text = str(value)
    return text.rstrip("0").rstrip(".") if "." in text and text[-1] == "0" else value


@pytest.mark.parametrize("name", SENT)
def test_the_echo_sends_the_same(
    run: Run, stub: Stub, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command's request to a stub equals the action's own call."""
    (tmp_path / "new.csv").write_text("slug,question\na,A?\n", encoding="utf-8")
    (tmp_path / "events.json").write_text('[{"slug": "e", "markets": []}]', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    action = SENT[name]
    last: list[Request] = []

    def taken(request: Request) -> Answer:
        last.append(request)
        return Answer(400, {"error": {"code": "VALIDATION_FAILED", "message": "enough seen"}})

    stub.on("GET", f"/v1/markets/{SLUG}", Answer(200, {"proposal": PROPOSAL}))
    stub.on("GET", f"/v1/events/{SLUG}", Answer(200, {"proposal": EVENT_PROPOSAL}))
    stub.on("GET", "/v1/users", Answer(200, {"items": [USER], "total": 1}))
    stub.on(action.call.method, action.call.path, taken)
    run(*shlex.split(action.command)[1:], "--yes")
    assert [content(request.body) for request in last] == [content(action.call.body)]


def test_orders_are_guarded_and_cancels_are_not() -> None:
    """Placing and amending need live data and ARM; cancels do not."""
    guarded = {name for name, action in SENT.items() if action.guarded}
    orders = {"limit", "market", "fill or kill", "good till", "reduce only"}
    assert guarded == orders | {"amend", "amend price"}


def test_each_placement_has_an_id_of_its_own() -> None:
    """Each placement has its own client order id, so that a retry cannot place twice."""
    first, second = actions.place(LIMIT), actions.place(LIMIT)
    assert first.call.repeatable
    assert first.call.body is not None
    assert second.call.body is not None
    assert first.call.body["clientOrderId"] != second.call.body["clientOrderId"]
