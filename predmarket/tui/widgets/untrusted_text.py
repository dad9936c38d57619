"""Cleans other users' text for Textual's widgets, so that it is never read as markup."""

from textual.content import Content

from predmarket.characters import clean_lines


def foreign(text: str, style: str = "") -> Content:
    """Return a text as content in one style, such as ``$error``."""
    return Content.styled(clean_lines(text), style)
