"""The page of invitations: codes with which new users register."""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType

from predmarket.client import calls
from predmarket.client.response_types import Invite
from predmarket.tui import admin_actions
from predmarket.tui.screens import field_parsing
from predmarket.tui.screens.admin.code import CodeDialog
from predmarket.tui.screens.admin.keys import INVITATIONS
from predmarket.tui.screens.admin.page import PAGE, AdminDesk, AdminPage
from predmarket.tui.screens.field_parsing import Wrong
from predmarket.tui.screens.form import Field, FormDialog
from predmarket.tui.state import formatting, parse
from predmarket.tui.state.pages import Pages
from predmarket.tui.widgets.panel import Span
from predmarket.tui.widgets.table import Row, Table
from predmarket.tui.widgets.table_columns import number, text

_CREATE = (
    Field("uses", "Uses", value="1", hint="how many may register", needed=True),
    Field("expires", "Expires", hint="2d; empty: in seven days"),
    Field("credit", "Credit", hint="play money to open with"),
    Field("group", "Group", hint="a missing one is made"),
)


class InvitationsPage(AdminPage):
    """Every invitation, the newest first."""

    name_shown = "Invitations"
    first = "#all-invites"
    hints = ("invites.create", "invites.revoke")
    BINDINGS: ClassVar[list[BindingType]] = INVITATIONS

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._invites: Pages[Invite] = Pages(calls.invites(limit=PAGE))

    def compose(self) -> ComposeResult:
        def rows() -> list[Row]:
            now = self.trader.clock()
            return [_row(invite, now) for invite in self._invites.items]

        columns = [
            number("ID", 9), number("USED", 10), number("OF", 10), text("STATE", 10),
            text("EXPIRES", 8), number("CREDIT", 7), text("GROUP", 8, stretch=True),
            text("CREATED", 4),
        ]  # fmt: skip
        yield Table(
            columns,
            stamp=lambda: (self._invites.version, self.trader.clock() // _MINUTE),
            rows=rows,
            empty="no invitation yet",
            id="all-invites",
        )

    def opened(self) -> None:
        """Load the invitations anew."""
        self.reload(self._invites, "invitations", "invite list")

    @on(Table.NearEnd, "#all-invites")
    def _more(self) -> None:
        self.more(self._invites, "invitations", "invite list")

    @work
    async def action_create(self) -> None:
        """Make an invitation, and show its code."""
        form = FormDialog("New invitation", _CREATE, act="Create", check=_wrong)
        found = await self.app.push_screen_wait(form)
        if found is None:
            return
        ends = found["expires"]
        action = admin_actions.create_invite(
            uses=int(found["uses"]),
            expires=field_parsing.moment(ends, "expires") if ends else None,
            credit=found["credit"] or None,
            group=found["group"] or None,
        )
        done = await self.perform(action)
        if done is not None:
            code, count = done.answer["code"], done.answer["uses"]
            who = "One new user registers" if count == 1 else f"{count} new users register"
            how = f"predmarket auth register EMAIL --invite {code}"
            await self.app.push_screen_wait(
                CodeDialog("Invitation", code, f"{who} with this code, by: {how}")
            )

    @work
    async def action_revoke(self) -> None:
        """Revoke the invitation under the cursor."""
        invite = self.under_cursor("#all-invites", self._invites, lambda one: one["id"])
        if invite is None:
            return
        text = f"Revoke invitation {invite['id']} for ever? Accounts made by it stay."
        form = FormDialog("Revoke", (), text=text, act="Revoke it")
        if await self.app.push_screen_wait(form) is not None:
            await self.perform(admin_actions.revoke_invite(invite["id"]))


_MINUTE = 60_000_000


def _wrong(values: dict[str, str]) -> str:
    if not values["uses"].isascii() or not values["uses"].isdigit():
        return "uses is a whole number"
    try:
        if values["expires"]:
            field_parsing.moment(values["expires"], "expires")
    except Wrong as error:
        return str(error)
    return ""


def _row(invite: Invite, now: int) -> Row:
    if invite["revokedAt"] is not None:
        state = Span("revoked", "loss")
    elif invite["used"] >= invite["uses"]:
        state = Span("used up", "dim")
    elif parse.time(invite["expiresAt"]) <= now:
        state = Span("expired", "dim")
    else:
        state = Span("open", "gain")
    credit = parse.money(invite["credit"])
    return Row(
        invite["id"],
        (
            Span(str(invite["id"]), "dim"),
            Span(str(invite["used"]), "strong"),
            Span(str(invite["uses"])),
            state,
            Span(formatting.minute(invite["expiresAt"])),
            Span(formatting.money(credit) if credit else formatting.NOTHING),
            Span(invite["group"] or ""),
            Span(formatting.minute(invite["createdAt"]), "dim"),
        ),
    )
