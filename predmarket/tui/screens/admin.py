"""The admin screen: the overview, markets from draft to resolution, transfers, and accounts."""

from typing import ClassVar, TypeVar, cast

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from predmarket.client import ClientError, calls, response_types
from predmarket.enums import MarketStatus, Role
from predmarket.tui import actions
from predmarket.tui.actions import Action
from predmarket.tui.screens import field_parsing, overview, resolving
from predmarket.tui.screens.admin_keys import BINDINGS, HINTS
from predmarket.tui.screens.base import DeskScreen, start
from predmarket.tui.screens.field_parsing import Wrong
from predmarket.tui.screens.form import Field, FormDialog
from predmarket.tui.screens.frame import fill_foot, fill_header
from predmarket.tui.state import formatting
from predmarket.tui.state.events import Event
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.markets import Market
from predmarket.tui.state.pages import Pages
from predmarket.tui.widgets.footer import Foot
from predmarket.tui.widgets.header import Header
from predmarket.tui.widgets.panel import Span
from predmarket.tui.widgets.summary import Summary
from predmarket.tui.widgets.table import Row, Table
from predmarket.tui.widgets.table_columns import number, text

T = TypeVar("T")
_PAGE = 100
_OVERVIEW_EVERY_S = 15.0

_CREATE = (
    Field("slug", "Slug", hint="rain-tomorrow", needed=True),
    Field("question", "Question", hint="Will it rain tomorrow?", needed=True),
    Field("description", "Description", hint="how it resolves"),
    Field("tick", "Tick", words=("0.01", "0.1", "0.001", "0.0001")),
    Field("maker", "Maker fee rate", hint="0"),
    Field("taker", "Taker fee rate", hint="0"),
    Field("closes", "Closes", hint="12h, or 2030-01-31T12:00:00Z"),
    Field("draft", "Draft", words=("no", "yes")),
)


class AdminScreen(DeskScreen[None]):
    """Markets on the left, accounts on the right."""

    AUTO_FOCUS = "#all-markets"
    BINDINGS: ClassVar[list[BindingType]] = BINDINGS

    def __init__(self) -> None:
        super().__init__()
        self._users = _accounts("")
        self._overview: response_types.Overview | None = None

    def compose(self) -> ComposeResult:
        yield Header(plain=self.trading.plain)
        yield Summary(id="overview")
        with Horizontal(id="sides"):
            with Vertical(id="markets-side", classes="box"):
                yield self._market_table()
            with Vertical(id="users-side", classes="box"):
                yield Input(placeholder="/ search accounts", id="user-search", compact=True)
                yield self._user_table()
        yield Foot()

    def on_mount(self) -> None:
        self.query_one("#markets-side").border_title = "Markets"
        self.query_one("#users-side").border_title = "Accounts"
        self.set_interval(_OVERVIEW_EVERY_S, self._look_over)
        self._reload()
        self._more_users()

    def feed_widgets(self) -> None:
        """Hand the state to the widgets."""
        fill_header(self.query_one(Header), self.trader)
        fill_foot(self.query_one(Foot), self, self.trader, HINTS)
        if self._overview is not None:
            summary = self.query_one(Summary)
            summary.parts = overview.lines(self._overview, self.trader.clock())

    def _market_table(self) -> Table:
        state = self.trader.state

        def rows() -> list[Row]:
            return [
                Row(
                    market.id,
                    (
                        Span(str(market.id), "dim"),
                        Span(market.slug, "strong"),
                        Span(_standing(market), _tone(market)),
                        Span(formatting.price(market.last, market.tick)),
                        Span(formatting.compact(market.volume)),
                        Span(formatting.compact(market.interest), "dim"),
                        Span(market.question, "dim"),
                    ),
                )
                for market in state.markets.listed()
            ]

        columns = [
            number("ID", 4), text("MARKET", 10, stretch=True), text("STATUS", 9), number("LAST", 8),
            number("VOLUME", 5), number("OPEN INT", 4), text("QUESTION", 3, stretch=True),
        ]  # fmt: skip
        return Table(
            columns,
            stamp=lambda: state.markets.version,
            rows=rows,
            empty="no market yet",
            id="all-markets",
        )

    def _user_table(self) -> Table:
        def rows() -> list[Row]:
            return [
                Row(
                    user["id"],
                    (
                        Span("✕" if user.get("disabled") else "", "loss"),
                        Span(str(user["id"]), "dim"),
                        Span(user["email"], "dim" if user.get("disabled") else "strong"),
                        Span(user["role"], "accent" if user["role"] == Role.ADMIN else "plain"),
                        Span("disabled" if user.get("disabled") else "", "loss"),
                    ),
                )
                for user in self._users.items
            ]

        columns = [
            text(" ", 11), number("ID", 4), text("E-MAIL", 10, stretch=True), text("ROLE", 9),
            text("", 6),
        ]  # fmt: skip
        return Table(
            columns,
            stamp=lambda: (id(self._users), self._users.version),
            rows=rows,
            empty="no account",
            id="all-users",
        )

    def _market(self) -> Market | None:
        key = self.query_one("#all-markets", Table).key
        return self.trader.state.markets.get(key if isinstance(key, int) else None)

    def _user(self) -> response_types.User | None:
        key = self.query_one("#all-users", Table).key
        return next((user for user in self._users.items if user["id"] == key), None)

    async def _perform(self, action: Action[T]) -> T | None:
        """Carry an action out, say so, and load what it changed."""
        done = await self.trader.perform(action)
        if done is not None:
            self.trader.say(f"done: {action.words}", Weight.GOOD)
            self._reload()
        return done

    @work(exclusive=True, group="markets")
    async def _reload(self) -> None:
        try:
            await self.trader.lists.load()
        except ClientError as error:
            self.trader.say(str(error), Weight.BAD)
        self._look_over()

    @work(exclusive=True, group="overview")
    async def _look_over(self) -> None:
        try:
            found = await self.trader.client.send(calls.overview())
        except ClientError as error:
            self.trader.say(f"no overview: {error}", Weight.WARNING)
        else:
            self._overview = found

    @on(Input.Changed, "#user-search")
    def _searched(self, event: Input.Changed) -> None:
        self._users = _accounts(event.value.strip())
        start(self, self._load_users, exclusive=True, group="search")

    @on(Table.NearEnd, "#all-users")
    def _more_users(self) -> None:
        start(self, self._load_users)

    async def _load_users(self) -> None:
        await self.load(self._users, "accounts", "user list")

    async def _change(self, action: Action[response_types.User]) -> None:
        """Change an account, and show it as it is then."""
        done = await self._perform(action)
        if done is not None:
            self._users.change(done, lambda user: user["id"] == done["id"])

    @on(Foot.Pressed)
    async def _pressed(self, event: Foot.Pressed) -> None:
        await self.run_action(event.action)

    def action_past_due(self) -> None:
        """Put the cursor on the next market that is past due, the longest overdue first."""
        due = [one["id"] for one in self._overview["pastDue"]] if self._overview else []
        table = self.query_one("#all-markets", Table)
        if not due:
            self.trader.say("no market is past due")
            return
        at = due.index(table.key) + 1 if table.key in due else 0
        table.put(due[at % len(due)])
        table.focus()

    @work
    async def action_create(self) -> None:
        """Create a market."""
        found = await self.app.push_screen_wait(FormDialog("New market", _CREATE, act="Create"))
        if found is None:
            return
        try:
            closes = (
                field_parsing.moment(found["closes"], "closing time") if found["closes"] else None
            )
        except Wrong as error:
            self.trader.say(str(error), Weight.BAD)
            return
        await self._perform(
            actions.create_market(
                found["slug"],
                found["question"],
                description=found["description"] or None,
                tick=None if found["tick"] == "0.01" else found["tick"],
                maker_fee=found["maker"] or None,
                taker_fee=found["taker"] or None,
                closes_at=closes,
                draft=found["draft"] == "yes",
            )
        )

    @work
    async def action_status(self, status: str) -> None:
        """Open, halt or close the market under the cursor."""
        market = self._market()
        if market is None:
            return
        change = actions.change_market(market.slug, MarketStatus(status))
        if status == MarketStatus.CLOSED:
            text = "Its resting orders will be cancelled."
            form = FormDialog(f"Close {market.slug}", (), text=text, act="Close it")
            if await self.app.push_screen_wait(form) is None:
                return
        elif self.trader.keeps_back(change):  # a key alone, without a question
            return
        await self._perform(change)

    @work
    async def action_resolve(self) -> None:
        """Resolve the market under the cursor, after its name was typed."""
        market = self._market()
        if market is None:
            return
        found = await self.app.push_screen_wait(resolving.form(market))
        if found is None:
            return
        how = resolving.read(found)
        again = resolving.early(market, self.trader.clock()) if how.after is None else None
        if again is not None and await self.app.push_screen_wait(again) is None:
            return
        done = await self._perform(actions.resolve_market(market.slug, *how))
        if done is not None and done["payouts"] is not None:
            paid = done["payouts"]
            self.trader.say(
                f"{market.slug} resolved {how.outcome}: {paid['total']} to"
                f" {paid['accounts']} accounts",
                Weight.GOOD,
            )

    def _proposed(self) -> Market | Event | None:
        """Return the market under the cursor, or its event, whichever has a proposal."""
        market = self._market()
        event = None if market is None else self.trader.state.events.get(market.event)
        for found in (event, market):
            if found is not None and found.proposal is not None:
                return found
        self.trader.say("no resolution of it is proposed", Weight.BAD)
        return None

    @work
    async def action_confirm(self) -> None:
        """Make the proposed resolution of the market under the cursor, or of its event."""
        found = self._proposed()
        if found is None or found.proposal is None:
            return
        seen = found.proposal.wire  # as it is asked about, whatever comes meanwhile
        form = resolving.confirming(found, self.trader.clock())
        if await self.app.push_screen_wait(form) is None:
            return
        if isinstance(found, Event):
            of_event = cast("response_types.EventProposal", seen)
            await self._perform(actions.confirm_event_proposal(found.slug, of_event))
        else:
            of_market = cast("response_types.Proposal", seen)
            await self._perform(actions.confirm_proposal(found.slug, of_market))

    @work
    async def action_withdraw(self) -> None:
        """Withdraw the proposed resolution of the market under the cursor, or of its event."""
        found = self._proposed()
        if found is None:
            return
        if await self.app.push_screen_wait(resolving.withdrawing(found)) is None:
            return
        if isinstance(found, Event):
            await self._perform(actions.withdraw_event_proposal(found.slug))
        else:
            await self._perform(actions.withdraw_proposal(found.slug))

    @work
    async def action_transfer(self) -> None:
        """Deposit to, or withdraw from, an account."""
        user = self._user()
        fields = (
            Field("who", "Account", value=user["email"] if user else "", needed=True),
            Field("amount", "Amount", hint="negative withdraws", needed=True),
            Field("reason", "Reason", hint="kept for ever", needed=True),
        )
        found = await self.app.push_screen_wait(FormDialog("Transfer", fields, act="Transfer"))
        if found is not None:
            await self._perform(actions.transfer(found["who"], found["amount"], found["reason"]))

    @work
    async def action_role(self) -> None:
        """Make the account under the cursor an admin, or not."""
        user = self._user()
        if user is None:
            return
        role = Role.USER if user["role"] == Role.ADMIN else Role.ADMIN
        form = FormDialog("Role", (), text=f"Make {user['email']} {role}?", act="Change it")
        if await self.app.push_screen_wait(form) is not None:
            await self._change(actions.update_user(user["id"], user["email"], role=role))

    @work
    async def action_disable(self) -> None:
        """Disable or enable the account under the cursor."""
        user = self._user()
        if user is None:
            return
        off = not user.get("disabled")
        verb = "Disable" if off else "Enable"
        form = FormDialog(verb, (), text=f"{verb} {user['email']}?", act=verb)
        if await self.app.push_screen_wait(form) is not None:
            await self._change(actions.update_user(user["id"], user["email"], disabled=off))


def _accounts(search: str) -> Pages[response_types.User]:
    return Pages(calls.users(q=search or None, limit=_PAGE))


def _standing(market: Market) -> str:
    """Return a market's outcome, what is proposed for it, or its status."""
    proposal = market.proposal
    return str(market.outcome or market.status) if proposal is None else f"{proposal.outcome}?"


def _tone(market: Market) -> str:
    if market.proposal is not None:
        return "warn"
    return {MarketStatus.OPEN: "gain", MarketStatus.HALTED: "warn"}.get(market.status, "dim")
