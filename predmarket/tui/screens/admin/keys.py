"""The keys of the admin screen and of its pages; ``n`` makes a new one of what a page lists."""

from textual.binding import Binding, BindingType

HINTS = ("admin.next", "app.help", "admin.back")
"""The keys in the footer that every page has."""
BINDINGS: list[BindingType] = [
    Binding(
        "f5,escape",
        "app.pop_screen",
        "Back",
        id="admin.back",
        tooltip="Back to trading.",
    ),
    Binding("t", "screen.tab(1)", "Next page", id="admin.next", tooltip="The next page."),
    Binding("T", "screen.tab(-1)", "Page before", id="admin.before", tooltip="The page before."),
]
MARKETS: list[BindingType] = [
    Binding("n", "create", "New market", id="admin.create", tooltip="Create a market."),
    Binding("o", "status('OPEN')", "Open", id="admin.open", tooltip="Open, or reopen, the market."),
    Binding(
        "h",
        "status('HALTED')",
        "Halt",
        id="admin.halt",
        tooltip="Halt trading; orders keep their place.",
    ),
    Binding(
        "c",
        "status('CLOSED')",
        "Close",
        id="admin.close",
        tooltip="Close the market; its orders are cancelled.",
    ),
    Binding(
        "v",
        "resolve",
        "Resolve",
        id="admin.resolve",
        tooltip="Resolve or void the market, finally, or propose to.",
    ),
    Binding(
        "f",
        "confirm",
        "Confirm",
        id="admin.confirm",
        tooltip="Make the proposed resolution of the market, or of its event, finally.",
    ),
    Binding(
        "w",
        "withdraw",
        "Withdraw",
        id="admin.withdraw",
        tooltip="Withdraw the proposed resolution of the market, or of its event.",
    ),
    Binding(
        "p",
        "past_due",
        "Past due",
        id="admin.past-due",
        tooltip="Go to the next market whose closing time has passed and that is not resolved.",
    ),
    Binding(
        "i",
        "import",
        "Import",
        id="admin.import",
        tooltip="Create the markets or the events of a file, after it was checked.",
    ),
]
ACCOUNTS: list[BindingType] = [
    Binding(
        "d",
        "transfer",
        "Transfer",
        id="admin.transfer",
        tooltip="Deposit to, or withdraw from, an account.",
    ),
    Binding("g", "role", "Role", id="admin.role", tooltip="Make the account an admin, or not."),
    Binding(
        "e", "disable", "Disable", id="admin.disable", tooltip="Disable or enable the account."
    ),
    Binding(
        "n",
        "create",
        "New account",
        id="accounts.create",
        tooltip="Make an account with a one-time code.",
    ),
    Binding(
        "r",
        "reset",
        "New code",
        id="accounts.reset",
        tooltip="Give the account a new one-time code, for a forgotten password.",
    ),
    Binding("slash", "search", "Search", id="accounts.search", tooltip="Search the accounts."),
]
INVITATIONS: list[BindingType] = [
    Binding(
        "n",
        "create",
        "New invitation",
        id="invites.create",
        tooltip="Make a code with which new users register.",
    ),
    Binding(
        "x", "revoke", "Revoke", id="invites.revoke", tooltip="Revoke the invitation, for ever."
    ),
]
GROUPS: list[BindingType] = [
    Binding("n", "create", "New group", id="groups.create", tooltip="Make a group of accounts."),
    Binding("a", "add", "Add", id="groups.add", tooltip="Add an account to the group."),
    Binding(
        "x", "remove", "Remove", id="groups.remove", tooltip="Remove the member from the group."
    ),
]
SEASONS: list[BindingType] = [
    Binding(
        "n",
        "start",
        "Start",
        id="seasons.start",
        tooltip="Start a season, or go on with a start that stopped halfway.",
    ),
    Binding("e", "end", "End", id="seasons.end", tooltip="End the running season, for good."),
]
CALIBRATION: list[BindingType] = [
    Binding(
        "b",
        "before",
        "Before",
        id="calibration.before",
        tooltip="Prices of another time before the markets closed.",
    ),
    Binding("u", "reload", "Update", id="calibration.reload", tooltip="Load the calibration anew."),
]
