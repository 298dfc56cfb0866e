"""The shapes of a figure as SVG: texts, lines, markers, legends."""

import math
import re
from html import escape

from reports.figures.style import INK

_ACTS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")  # XML has none of them
OUTLINES = {  # of markers, of about 5.5 points, from their middle
    "o": "m-2.75,0a2.75,2.75 0 1 0 5.5,0a2.75,2.75 0 1 0-5.5,0z",
    "s": "m-2.75,-2.75h5.5v5.5h-5.5z",
    "D": "m0,-3.9l3.9,3.9l-3.9,3.9l-3.9-3.9z",
    "^": "m0,-2.75l2.75,5.5h-5.5z",
    "v": "m0,2.75l2.75-5.5h-5.5z",
    "P": "m-.92,-2.75h1.84v1.83h1.83v1.84h-1.83v1.83h-1.84v-1.83h-1.83v-1.84h1.83z",
    "X": "m-1.38,-2.75l1.38,1.38l1.38-1.38l1.37,1.37l-1.38,1.38l1.38,1.38l-1.37,1.37l-1.38-1.38"
    "l-1.38,1.38l-1.37-1.37l1.38-1.38l-1.38-1.38z",
    "*": "m0,-2.75l.62,1.9h2l-1.62,1.17l.62,1.9l-1.62-1.17l-1.62,1.17l.62-1.9l-1.62-1.17h2z",
}


def at(value: float) -> str:
    """A coordinate to a tenth of a point."""
    return f"{value:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, size: float, color: str, anchor: str = "start") -> str:
    """A line of text whose start, "middle" or "end" is at x, on the line y."""
    where = "" if anchor == "start" else f' text-anchor="{anchor}"'
    words = escape(_ACTS.sub("", str(words)), quote=False)
    return f'<text x="{at(x)}" y="{at(y)}" font-size="{size}" fill="{color}"{where}>{words}</text>'


def stroke(path: str, color: str, width: float, dashes=None, alpha: float | None = None) -> str:
    """A line along a path; `dashes` in units of its width."""
    how = f' stroke-dasharray="{" ".join(at(d * width) for d in dashes)}"' if dashes else ""
    how += f' stroke-opacity="{alpha}"' if alpha else ""
    return f'<path d="{path}" stroke="{color}" stroke-width="{width}"{how}/>'


def marker(x: float, y: float, how: dict) -> str:
    """A marker at a spot, as the keywords of `style.Style.points` say."""
    color, width = how["color"], how.get("markeredgewidth", 1.0)
    face, scale = how.get("markerfacecolor", color), how.get("markersize", 5.5) / 5.5
    place, turn = f"M{at(x)},{at(y)}", ""
    if scale != 1:
        place, turn = "M0,0", f' transform="translate({at(x)} {at(y)}) scale({scale:.2f})"'
    return (
        f'<path d="{place}{OUTLINES[how["marker"]]}" fill="{face}" stroke="{color}" '
        f'stroke-width="{width}"{turn}/>'
    )


def legend(axes, entries: list[tuple[str, dict]], size: float) -> str:
    """The entries (name and keywords of its line) one below the other, right of a panel."""
    step = size * 1.5
    x, y = axes.left + axes.width * 1.02 + 2, axes.top + axes.height / 2
    y -= step * (len(entries) - 1) / 2
    parts = []
    for place, (name, how) in enumerate(entries):
        row = y + place * step
        if how["linewidth"]:
            path = f"M{at(x)},{at(row)}h{at(size * 1.2)}"
            parts.append(stroke(path, how["color"], how["linewidth"], how["dashes"]))
        if how.get("marker"):
            parts.append(marker(x + size * 0.6, row, how))
        parts.append(text(x + size * 2, row + size * 0.35, name, size, INK))
    return "".join(parts)


def inside(first, second, box) -> list[tuple[float, float]]:
    """The part of a line through two spots that lies in a panel; nothing where none does."""
    (x, y), (dx, dy) = first, (second[0] - first[0], second[1] - first[1])
    start, end = -math.inf, math.inf
    edges = ((x, dx, box.left, box.left + box.width), (y, dy, box.top, box.top + box.height))
    for at_, step, low, high in edges:
        if step == 0:
            if not low <= at_ <= high:
                return []
            continue
        ends = sorted(((low - at_) / step, (high - at_) / step))
        start, end = max(start, ends[0]), min(end, ends[1])
    return [(x + t * dx, y + t * dy) for t in (start, end)] if start < end else []
