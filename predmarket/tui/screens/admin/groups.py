"""The page of groups of accounts, with the members of the one under the cursor."""

import asyncio
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical

from predmarket.client import ClientError, calls
from predmarket.client.response_types import User, UserGroup
from predmarket.tui import admin_actions
from predmarket.tui.screens.admin.keys import GROUPS
from predmarket.tui.screens.admin.page import PAGE, AdminDesk, AdminPage
from predmarket.tui.screens.form import Field, FormDialog
from predmarket.tui.state.journal import Weight
from predmarket.tui.state.pages import Pages
from predmarket.tui.widgets.panel import Span
from predmarket.tui.widgets.table import Row, Table
from predmarket.tui.widgets.table_columns import number, text
from predmarket.tui.widgets.untrusted_text import foreign

_RESTS_S = 0.2
"""How long the cursor rests on a group before its members are asked for."""


class GroupsPage(AdminPage):
    """Groups on the left, members on the right."""

    name_shown = "Groups"
    first = "#all-groups"
    hints = ("groups.create", "groups.add", "groups.remove")
    BINDINGS: ClassVar[list[BindingType]] = GROUPS

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._groups: Pages[UserGroup] = Pages(calls.groups(limit=PAGE))
        self._members: Pages[User] | None = None
        self._shown: str | None = None
        """The group whose members are shown, or on their way."""

    def compose(self) -> ComposeResult:
        with Horizontal(id="sides"):
            with Vertical(id="groups-side", classes="box") as groups:
                groups.border_title = "Groups"
                yield self._group_table()
            with Vertical(id="members-side", classes="box") as members:
                members.border_title = "Members"
                yield self._member_table()

    def _group_table(self) -> Table:
        def rows() -> list[Row]:
            return [
                Row(
                    group["id"],
                    (
                        Span(group["name"], "strong"),
                        Span(str(group["memberCount"])),
                        Span(group["createdAt"][:10], "dim"),
                    ),
                )
                for group in self._groups.items
            ]

        columns = [text("GROUP", 10, stretch=True), number("MEMBERS"), text("CREATED", 3)]
        return Table(
            columns,
            stamp=lambda: self._groups.version,
            rows=rows,
            empty="no group yet",
            id="all-groups",
        )

    def _member_table(self) -> Table:
        def rows() -> list[Row]:
            users = [] if self._members is None else self._members.items
            return [
                Row(
                    user["id"],
                    (
                        Span(user["email"], "strong"),
                        Span(user["displayName"], "dim"),
                        Span(user["fullName"] or "", "dim"),
                    ),
                )
                for user in users
            ]

        columns = [
            text("E-MAIL", 10, stretch=True), text("PUBLIC NAME", 4, stretch=True),
            text("FULL NAME", 3, stretch=True),
        ]  # fmt: skip
        return Table(
            columns,
            stamp=lambda: (id(self._members), self._members and self._members.version),
            rows=rows,
            empty="no member",
            id="members",
        )

    def opened(self) -> None:
        """Load the groups anew, and the members of the one under the cursor."""
        self.reload(self._groups, "groups", "group list")
        self._shown = None

    def feed_widgets(self) -> None:
        """Ask for the members of another group once the cursor is on it."""
        group = self._group()
        name = None if group is None else group["name"]
        if name != self._shown:
            self._shown = name
            title = "Members" if name is None else f"Members of {name}"
            self.query_one("#members-side").border_title = foreign(title)
            self._load_members(name)

    def _group(self) -> UserGroup | None:
        return self.under_cursor("#all-groups", self._groups, lambda group: group["id"])

    @work(exclusive=True, group="members")
    async def _load_members(self, group: str | None) -> None:
        if group is None:
            self._members = None
            return
        await asyncio.sleep(_RESTS_S)
        members: Pages[User] = Pages(calls.users(group=group, limit=PAGE))
        await self.desk.load(members, "members", f"user list --group {group!r}")
        self._members = members

    @on(Table.NearEnd, "#all-groups")
    def _more_groups(self) -> None:
        self.more(self._groups, "groups", "group list")

    @on(Table.NearEnd, "#members")
    def _more_members(self) -> None:
        if self._members is not None:
            self.more(self._members, "members", "user list")

    @work
    async def action_create(self) -> None:
        """Make a group."""
        fields = (Field("group", "Name", hint="Class 9b", needed=True),)
        found = await self.app.push_screen_wait(FormDialog("New group", fields, act="Create"))
        if found is not None:
            await self.perform(admin_actions.create_group(found["group"]))

    @work
    async def action_add(self) -> None:
        """Add an account to the group under the cursor."""
        group = self._group()
        if group is None:
            return
        fields = (Field("email", "E-mail", hint="or a handle", needed=True),)
        form = FormDialog(f"Add to {group['name']}", fields, act="Add")
        found = await self.app.push_screen_wait(form)
        user = None if found is None else await self._account(found["email"])
        if user is not None:
            await self.perform(admin_actions.add_member(group["name"], user["id"], user["email"]))

    async def _account(self, email: str) -> User | None:
        """Return the account of an e-mail or handle; say so if there is none."""
        try:
            found = await self.trader.client.send(calls.users(q=email, limit=PAGE))
        except ClientError as error:
            self.trader.say(str(error), Weight.BAD)
            return None
        wanted = email.lower()
        user = next((one for one in found["items"] if one["email"].lower() == wanted), None)
        if user is None:
            self.trader.say(f"there is no account {email}", Weight.BAD)
        return user

    @work
    async def action_remove(self) -> None:
        """Remove the member under the cursor from its group."""
        group, members = self._group(), self._members
        member = (
            None
            if members is None
            else self.under_cursor("#members", members, lambda user: user["id"])
        )
        if group is None or member is None:
            self.trader.say("there is no member to remove", Weight.WARNING)
            return
        text = f"Remove {member['email']} from {group['name']}?"
        form = FormDialog("Remove", (), text=text, act="Remove")
        if await self.app.push_screen_wait(form) is not None:
            action = admin_actions.remove_member(group["name"], member["id"], member["email"])
            await self.perform(action)
