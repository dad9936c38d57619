"""Layouts that several commands share.

CSV has every field of the API, in the API's order. A table has the fields that people want to see.
"""

from predmarket.cli.columns import names, text
from predmarket.cli.grid import Layout

ANY = Layout()
"""Whatever fields the answer has."""

SETTING = Layout(
    (
        text("OF", "scope"),
        text("NAME", "name"),
        text("VALUE", "value"),
        text("FROM", "origin"),
    ),
    names("scope name value origin"),
)

CHECK = Layout(
    (text("CHECK", "name"), text("OK", "ok"), text("DETAIL", "detail")),
    names("name ok detail"),
)
