"""The picture of a calibration: the share that came true over the price, as text and as SVG.

On the diagonal prices were right. A dot below it: such things happened less often than their price
said. Dots grow with the number of markets in SVG; in text a bin's number of markets stands below.
"""

from collections.abc import Sequence
from math import sqrt
from xml.sax.saxutils import escape

from predmarket.client.response_types import Calibration, CalibrationBin

_WIDTH, _HEIGHT = 50, 20
"""Steps of the text's axes: two columns a line make a square in most fonts."""
_SIDE, _MARGIN = 400, 60


def text(bins: Sequence[CalibrationBin]) -> str:
    """Return the diagram in characters: dots for the diagonal, o for a bin."""
    rows = [[" "] * (_WIDTH + 1) for _ in range(_HEIGHT + 1)]
    for column in range(0, _WIDTH + 1, 5):
        rows[round(column * _HEIGHT / _WIDTH)][column] = "."
    for one in bins:
        rows[round(float(one["share"]) * _HEIGHT)][round(float(one["price"]) * _WIDTH)] = "o"
    lines = ["YES"]
    for number in range(_HEIGHT, -1, -1):
        label = f"{number / _HEIGHT:.2f}" if number % 5 == 0 else ""
        lines.append(f"{label:>5} |{''.join(rows[number])}".rstrip())
    ticks = "".join(f"{part / 5:<10.2f}" for part in range(6)).rstrip()
    return "\n".join([*lines, f"      +{'-' * (_WIDTH + 1)}", f"       {ticks}  price"])


def svg(shown: Calibration) -> str:
    """Return the diagram as a picture that stands alone."""
    size = _SIDE + 2 * _MARGIN
    score = shown["brierScore"] or "-"
    title = f"Prices {shown['before']} before the close: {shown['markets']} markets, Brier {score}"
    style = 'font-family="sans-serif" font-size="13" fill="#333"'
    sideways = f'transform="rotate(-90 16 {size / 2:g})"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" {style}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{size}" height="{size}" fill="#fff"/>',
        f'<text x="{size / 2:g}" y="30" text-anchor="middle">{escape(title)}</text>',
        f'<text x="{size / 2:g}" y="{size - 12}" text-anchor="middle">price</text>',
        f'<text x="16" y="{size / 2:g}" text-anchor="middle" {sideways}>resolved YES</text>',
    ]
    for tenth in range(0, 11, 2):
        x, y = _at(tenth / 10, tenth / 10)
        low, left = _SIDE + _MARGIN, _MARGIN
        parts += [
            f'<path d="M{x:g} {left}V{low}M{left} {y:g}H{low}" stroke="#ddd"/>',
            f'<text x="{x:g}" y="{low + 18}" text-anchor="middle">{tenth / 10:g}</text>',
            f'<text x="{left - 8}" y="{y + 4:g}" text-anchor="end">{tenth / 10:g}</text>',
        ]
    (x0, y0), (x1, y1) = _at(0, 0), _at(1, 1)
    parts.append(f'<path d="M{x0:g} {y0:g}L{x1:g} {y1:g}" stroke="#999" stroke-dasharray="5"/>')
    points = [_at(float(one["price"]), float(one["share"])) for one in shown["bins"]]
    if points:
        line = " ".join(f"{x:g},{y:g}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="#1668a8" stroke-width="2"/>')
    for (x, y), one in zip(points, shown["bins"], strict=True):
        radius = min(16.0, 3 + sqrt(one["markets"]))
        count = f"{one['markets']} markets above {one['above']}, up to {one['to']}"
        parts.append(
            f'<circle cx="{x:g}" cy="{y:g}" r="{radius:.2f}" fill="#1668a8">'
            f"<title>{escape(count)}</title></circle>"
        )
    return "\n".join([*parts, "</svg>", ""])


def _at(price: float, share: float) -> tuple[float, float]:
    """Return where a point lies; y grows downwards."""
    return round(_MARGIN + price * _SIDE, 2), round(_MARGIN + (1 - share) * _SIDE, 2)
