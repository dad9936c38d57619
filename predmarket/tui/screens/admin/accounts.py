"""The page of accounts: making them, their codes, money, roles and access."""

from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Input

from predmarket.client import calls
from predmarket.client.response_types import User
from predmarket.enums import Role
from predmarket.tui import admin_actions
from predmarket.tui.actions import Action
from predmarket.tui.screens.admin.code import CodeDialog
from predmarket.tui.screens.admin.keys import ACCOUNTS
from predmarket.tui.screens.admin.page import PAGE, AdminDesk, AdminPage
from predmarket.tui.screens.form import Field, FormDialog
from predmarket.tui.state import formatting, parse
from predmarket.tui.state.pages import Pages
from predmarket.tui.widgets.panel import Span
from predmarket.tui.widgets.table import Row, Table
from predmarket.tui.widgets.table_columns import number, text

_CREATE = (
    Field("email", "E-mail", hint="or a handle", needed=True),
    Field("name", "Full name"),
    Field("role", "Role", words=[*Role]),
    Field("credit", "Credit", hint="play money to open with"),
    Field("group", "Group", hint="a missing one is made"),
)


class AccountsPage(AdminPage):
    """Every account, with what an admin does to it."""

    name_shown = "Accounts"
    first = "#all-users"
    hints = (
        "accounts.create", "accounts.reset", "admin.transfer", "admin.role", "admin.disable",
    )  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = ACCOUNTS

    def __init__(self, desk: AdminDesk) -> None:
        super().__init__(desk)
        self._users = _accounts("")

    def compose(self) -> ComposeResult:
        yield Input(placeholder="/ search accounts", id="user-search", compact=True)
        yield self._table()

    def opened(self) -> None:
        """Load the accounts anew."""
        self.reload(self._users, "accounts", "user list")

    def _table(self) -> Table:
        def rows() -> list[Row]:
            return [_row(user) for user in self._users.items]

        columns = [
            text("", 11), number("ID", 4), text("E-MAIL", 10, stretch=True), text("ROLE", 9),
            text("STATE", 6), number("CASH", 8), number("LOCKED", 5), text("LAST SEEN", 7),
            text("PUBLIC NAME", 3, stretch=True), text("FULL NAME", 3, stretch=True),
        ]  # fmt: skip
        return Table(
            columns,
            stamp=lambda: (id(self._users), self._users.version),
            rows=rows,
            empty="no account",
            id="all-users",
        )

    def _user(self) -> User | None:
        return self.under_cursor("#all-users", self._users, lambda user: user["id"])

    @on(Input.Changed, "#user-search")
    def _searched(self, event: Input.Changed) -> None:
        self._users = _accounts(event.value.strip())
        self.opened()

    @on(Table.NearEnd, "#all-users")
    def _more(self) -> None:
        self.more(self._users, "accounts", "user list")

    async def _change(self, action: Action[User]) -> None:
        """Change an account, and show it as it is then, where it is in the list."""
        done = await self.perform(action, reload=False)
        if done is not None:
            now = done.answer
            old = next((user for user in self._users.items if user["id"] == now["id"]), now)
            self._users.change({**old, **now}, lambda user: user["id"] == now["id"])

    def action_search(self) -> None:
        """Go to the search."""
        self.query_one("#user-search").focus()

    @work
    async def action_create(self) -> None:
        """Make an account, and show its code."""
        found = await self.app.push_screen_wait(FormDialog("New account", _CREATE, act="Create"))
        if found is None:
            return
        action = admin_actions.create_user(
            found["email"],
            name=found["name"] or None,
            role=Role.ADMIN if found["role"] == Role.ADMIN else None,
            credit=found["credit"] or None,
            group=found["group"] or None,
        )
        done = await self.perform(action)
        if done is not None:
            await self._show_code(done.answer["user"]["email"], done.answer["code"])

    @work
    async def action_reset(self) -> None:
        """Give the account under the cursor a new code, and show it."""
        user = self._user()
        if user is None:
            return
        text = f"{user['email']} chooses another password with a new code. The old one works until."
        form = FormDialog("New code", (), text=text, act="Give a code")
        if await self.app.push_screen_wait(form) is None:
            return
        done = await self.perform(admin_actions.reset_user(user["id"], user["email"]))
        if done is not None:
            await self._show_code(user["email"], done.answer["code"])

    async def _show_code(self, email: str, code: str) -> None:
        said = f"{email} chooses a password with this code within seven days, on the log-in screen"
        await self.app.push_screen_wait(
            CodeDialog("One-time code", code, f"{said} or by: predmarket auth claim")
        )

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
            await self.perform(
                admin_actions.transfer(found["who"], found["amount"], found["reason"])
            )

    @work
    async def action_role(self) -> None:
        """Make the account under the cursor an admin, or not."""
        user = self._user()
        if user is None:
            return
        role = Role.USER if user["role"] == Role.ADMIN else Role.ADMIN
        form = FormDialog("Role", (), text=f"Make {user['email']} {role}?", act="Change it")
        if await self.app.push_screen_wait(form) is not None:
            await self._change(admin_actions.update_user(user["id"], user["email"], role=role))

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
            await self._change(admin_actions.update_user(user["id"], user["email"], disabled=off))


def _accounts(search: str) -> Pages[User]:
    return Pages(calls.users(q=search or None, limit=PAGE))


def _row(user: User) -> Row:
    off = user.get("disabled")
    seen = user.get("lastSeenAt")
    return Row(
        user["id"],
        (
            Span("✕" if off else "", "loss"),
            Span(str(user["id"]), "dim"),
            Span(user["email"], "dim" if off else "strong"),
            Span(user["role"], "accent" if user["role"] == Role.ADMIN else "plain"),
            Span("disabled" if off else "", "loss"),
            Span(_money(user.get("available"))),
            Span(_money(user.get("locked")), "dim"),
            Span(formatting.minute(seen) if seen else formatting.NOTHING, "dim"),
            Span(user["displayName"]),
            Span(user["fullName"] or "", "dim"),
        ),
    )


def _money(amount: str | None) -> str:
    return formatting.NOTHING if amount is None else formatting.money(parse.money(amount))
