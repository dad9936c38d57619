"""What tests take from Textual, which has no public way to it.

It keeps what it draws in its compositor. Its public screenshot is an SVG, which takes a
hundred times as long, and tests look at the screen again and again.
"""

from textual.screen import Screen


def drawn_text(screen: Screen[object]) -> str:
    """Return the whole text that Textual draws."""
    lines = screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in line) for line in lines)


def full_update(screen: Screen[object]) -> str:
    """Return Textual's terminal output for drawing everything."""
    return screen._compositor.render_full_update().render_segments(screen.app.console)
