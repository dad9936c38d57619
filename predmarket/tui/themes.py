"""A dark and a light theme, and the colours that our widgets need from every theme.

Green and red mean gain and loss. Buying and selling are blue and orange of similar lightness, which
people who cannot tell green from red can distinguish. Every text has a contrast of 4.5 : 1 against
its background, faint text 3 : 1.
"""

from textual.theme import Theme

DARK = "predmarket-dark"
LIGHT = "predmarket-light"

THEMES = (
    Theme(
        name=DARK,
        primary="#5aa2f7",
        secondary="#3d5a80",
        accent="#f2c14e",
        success="#3fbf7f",
        error="#f0616d",
        warning="#f5a623",
        foreground="#d5dbe6",
        background="#0d1117",
        surface="#131922",
        panel="#1a212d",
        dark=True,
        variables={
            "buy": "#5aa9ff",
            "sell": "#ff9552",
            "gain": "#3fbf7f",
            "loss": "#f0616d",
            "text-faint": "#8490a3",
            "grid": "#263040",
            "volume": "#46566e",
            "cursor": "#22304a",
            "border": "#2b3646",
            "border-blurred": "#2b3646",
        },
    ),
    Theme(
        name=LIGHT,
        primary="#1d5fbf",
        secondary="#8fb0dc",
        accent="#9a6200",
        success="#0f7a45",
        error="#c02436",
        warning="#a35200",
        foreground="#1c2430",
        background="#f3f5f8",
        surface="#fbfcfd",
        panel="#e8ecf2",
        dark=False,
        variables={
            "buy": "#1257b8",
            "sell": "#b24a00",
            "gain": "#0f7a45",
            "loss": "#c02436",
            "text-faint": "#647086",
            "grid": "#d9dfe8",
            "volume": "#aab7c9",
            "cursor": "#d8e5f8",
            "border": "#c3ccd9",
            "border-blurred": "#c3ccd9",
        },
    ),
)

FALLBACK = {
    "buy": "primary",
    "sell": "warning",
    "gain": "success",
    "loss": "error",
    "text-faint": "text-muted",
    "grid": "panel",
    "volume": "secondary",
    "cursor": "boost",
}
"""What our widgets ask for and a theme of others does not name."""
