"""The keys that work on every screen. Each has an id for remapping."""

from textual.binding import Binding, BindingType

BINDINGS: list[BindingType] = [
    Binding(
        "f1,question_mark",
        "help",
        "Help",
        id="app.help",
        key_display="?",
        tooltip="The keys that work here.",
    ),
    Binding("f4", "portfolio", "Portfolio", id="app.portfolio", tooltip="Everything you have."),
    Binding(
        "f5",
        "admin",
        "Admin",
        id="app.admin",
        tooltip="Markets, accounts, invitations, groups, seasons: for admins.",
    ),
    Binding(
        "L",
        "standings",
        "Standings",
        id="app.standings",
        tooltip="Who has gained most, in a season or since the beginning.",
    ),
    Binding("f6", "theme", "Theme", id="app.theme", tooltip="Dark or light."),
    Binding(
        "f7",
        "copy",
        "Copy",
        id="app.copy",
        tooltip="Copy the command that does what was done last.",
    ),
    Binding(
        "f8",
        "arm",
        "Arm",
        id="app.arm",
        priority=True,
        tooltip="ARM: clicks send. SAFE: they only say what they would.",
    ),
    Binding(
        "f9",
        "kill",
        "CANCEL ALL",
        id="app.kill",
        priority=True,
        tooltip="Cancel all orders in all markets, at once.",
    ),
    Binding(
        "ctrl+q,f10",
        "quit",
        "Quit",
        id="app.quit",
        priority=True,
        tooltip="Leave. Open orders stay.",
    ),
]
