"""The keys of the admin screen, and the keys in its footer."""

from textual.binding import Binding, BindingType

HINTS = (
    "admin.create", "admin.open", "admin.halt", "admin.close", "admin.resolve", "admin.confirm",
    "admin.withdraw", "admin.past-due", "admin.transfer", "admin.role", "admin.disable",
    "admin.back", "app.help",
)  # fmt: skip
BINDINGS: list[BindingType] = [
    Binding(
        "f5,escape",
        "app.pop_screen",
        "Back",
        id="admin.back",
        tooltip="Back to trading.",
    ),
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
        "d",
        "transfer",
        "Transfer",
        id="admin.transfer",
        tooltip="Deposit to, or withdraw from, an account.",
    ),
    Binding(
        "p",
        "past_due",
        "Past due",
        id="admin.past-due",
        tooltip="Go to the next market whose closing time has passed and that is not resolved.",
    ),
    Binding("g", "role", "Role", id="admin.role", tooltip="Make the account an admin, or not."),
    Binding(
        "e", "disable", "Disable", id="admin.disable", tooltip="Disable or enable the account."
    ),
]
