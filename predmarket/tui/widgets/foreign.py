"""Texts that others wrote, for Textual's own widgets: clean, and with no markup that counts."""

from textual.content import Content

from predmarket.characters import clean_lines


def foreign(text: str, style: str = "") -> Content:
    """Return a text as content in one style, such as ``$error``."""
    return Content.styled(clean_lines(text), style)
