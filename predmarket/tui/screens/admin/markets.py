"""The page of markets, from draft to resolution, and the import of many."""

from typing import ClassVar, cast

from textual import work
from textual.app import ComposeResult
from textual.binding import BindingType

from predmarket.client import ClientError, response_types
from predmarket.enums import MarketStatus
from predmarket.tui import admin_actions
from predmarket.tui.screens import field_parsing
from predmarket.tui.screens.admin import importing, resolving
from predmarket.tui.screens.admin.keys import MARKETS
from predmarket.tui.screens.admin.page import AdminPage
from predmarket.tui.screens.field_parsing import Wrong
from predmarket.tui.screens.form import Field, FormDialog
from predmarket.tui.state import formatting
from predmarket.tui.state.events import Event
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.markets import Market
from predmarket.tui.widgets.panel import Span
from predmarket.tui.widgets.table import Row, Table
from predmarket.tui.widgets.table_columns import number, text

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


class MarketsPage(AdminPage):
    """Every market, with what an admin does to it."""

    name_shown = "Markets"
    first = "#all-markets"
    hints = (
        "admin.create", "admin.open", "admin.halt", "admin.close", "admin.resolve",
        "admin.confirm", "admin.withdraw", "admin.past-due", "admin.import",
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = MARKETS

    def compose(self) -> ComposeResult:
        yield self._market_table()

    def opened(self) -> None:
        """Load the markets, and the overview of them."""
        self._reload()
        self.desk.look_over()

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

    def _market(self) -> Market | None:
        key = self.query_one("#all-markets", Table).key
        return self.trader.state.markets.get(key if isinstance(key, int) else None)

    @work(exclusive=True)
    async def _reload(self) -> None:
        try:
            await self.trader.lists.load()
        except ClientError as error:
            self.trader.say(str(error), Weight.BAD)

    def action_past_due(self) -> None:
        """Put the cursor on the next market that is past due, the longest overdue first."""
        shown = self.desk.overview
        due = [one["id"] for one in shown["pastDue"]] if shown is not None else []
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
            self.refuse(error)
            return
        await self.perform(
            admin_actions.create_market(
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
        change = admin_actions.change_market(market.slug, MarketStatus(status))
        if status == MarketStatus.CLOSED:
            text = "Its resting orders will be cancelled."
            form = FormDialog(f"Close {market.slug}", (), text=text, act="Close it")
            if await self.app.push_screen_wait(form) is None:
                return
        elif self.trader.keeps_back(change):  # a key alone, without a question
            return
        await self.perform(change)

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
        done = await self.perform(admin_actions.resolve_market(market.slug, *how))
        paid = None if done is None else done.answer["payouts"]
        if paid is not None:
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
            await self.perform(admin_actions.confirm_event_proposal(found.slug, of_event))
        else:
            of_market = cast("response_types.Proposal", seen)
            await self.perform(admin_actions.confirm_proposal(found.slug, of_market))

    @work
    async def action_withdraw(self) -> None:
        """Withdraw the proposed resolution of the market under the cursor, or of its event."""
        found = self._proposed()
        if found is None:
            return
        if await self.app.push_screen_wait(resolving.withdrawing(found)) is None:
            return
        if isinstance(found, Event):
            await self.perform(admin_actions.withdraw_event_proposal(found.slug))
        else:
            await self.perform(admin_actions.withdraw_proposal(found.slug))

    @work
    async def action_import(self) -> None:
        """Create the markets or events of a file, after it was checked."""
        asked = await self.app.push_screen_wait(importing.form())
        if asked is None:
            return
        file, elements = asked["file"], []
        try:
            elements = importing.read(asked)
            bodies = [one.body for one in elements]
            check = admin_actions.import_all(asked["kind"], file, bodies, dry_run=True)
            self.trader.echo = check.command
            report = await self.trader.client.send(check.call)
        except ClientError as error:
            text = importing.problems(error, elements)
            form = FormDialog("Nothing is created", (), text=text, act="OK")
            await self.app.push_screen_wait(form)
            return
        if await self.app.push_screen_wait(importing.confirming(file, report)) is not None:
            await self.perform(admin_actions.import_all(asked["kind"], file, bodies))


def _standing(market: Market) -> str:
    """Return a market's outcome, what is proposed for it, or its status."""
    proposal = market.proposal
    return str(market.outcome or market.status) if proposal is None else f"{proposal.outcome}?"


def _tone(market: Market) -> str:
    if market.proposal is not None:
        return "warn"
    return {MarketStatus.OPEN: "gain", MarketStatus.HALTED: "warn"}.get(market.status, "dim")
