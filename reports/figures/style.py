"""How figures look: one colour and marker per estimator, log axes that know zero."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy

INK, MUTED, GRID, PAPER = "#1f2328", "#6e7782", "#e3e6ea", "#ffffff"
DARK = {INK: "#e4e7eb", MUTED: "#98a2ad", GRID: "#30363d", PAPER: "#15181c"}
# Okabe & Ito (2008), told apart by the colour-blind: without yellow, which no white page shows,
# grey in place of black, and two more. Markers differ too, so nothing hangs on colour alone.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8f98")
COLORS += ("#8b6bb8", "#9c6b3c")
MARKERS = ("o", "s", "D", "^", "v", "P", "X", "*")
SETTINGS = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same layout everywhere
    "font.size": 8.5,
    "text.color": INK,
    "text.parse_math": False,  # names from a store stay text
    "axes.edgecolor": GRID,
    "axes.labelcolor": MUTED,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.facecolor": PAPER,
    "axes.unicode_minus": True,
    "figure.facecolor": PAPER,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "svg.fonttype": "none",
    "svg.hashsalt": "gradmeter",
}


@dataclass(frozen=True)
class Style:
    """Colour and marker of one estimator."""

    color: str
    marker: str

    def points(self, hollow: bool = False) -> dict:
        """Keywords for `Axes.plot`; hollow means biased."""
        return {
            "color": self.color,
            "marker": self.marker,
            "markersize": 5.5,
            "markeredgewidth": 1.2,
            "markerfacecolor": PAPER if hollow else self.color,
            "clip_on": False,
        }


def styles_of(labels: Iterable[str]) -> dict[str, Style]:
    """A style for every label: the same in every report, unless two names want the same one."""
    taken: dict[str, Style] = {}
    for label in sorted(set(labels)):
        wish = int.from_bytes(hashlib.sha256(label.encode()).digest()[:4])
        first, *rest = (
            Style(COLORS[color % len(COLORS)], MARKERS[(color % len(COLORS) + turn) % len(MARKERS)])
            for turn in range(len(MARKERS))
            for color in range(wish, wish + len(COLORS))
        )
        taken[label] = next(
            (style for style in (first, *rest) if style not in taken.values()), first
        )
    return taken


def log_limits(values: Iterable[float]) -> tuple[float, float, float]:
    """Of a log axis around `values` the ends, and where to draw those that are zero, as log10."""
    values = numpy.asarray(list(values), dtype=float)
    logs = numpy.log10(values[numpy.isfinite(values) & (values > 0)])
    low, high = (logs.min(), logs.max()) if len(logs) else (-1.0, 1.0)
    margin = max(0.2, 0.06 * (high - low))
    low, high = max(low - margin, -250.0), min(high + margin, 250.0)  # doubles, with some room
    if (values == 0).any():
        return low - 0.1 * (high - low), high, low - 0.07 * (high - low)
    return low, high, low


def log_axis(axes, which: str, values: Iterable[float]) -> float:
    """Make one axis logarithmic around `values`; return where to draw those that are zero."""
    low, high, floor = log_limits(values)
    getattr(axes, f"set_{which}scale")("log")
    getattr(axes, f"set_{which}lim")(10**low, 10**high)
    axis = getattr(axes, f"{which}axis")
    places = ticks(low, high)
    axis.set_ticks(places, [power(place) for place in places])
    axes.minorticks_off()
    return 10**floor


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """About `most` round numbers between two powers of ten: 1 1.5 2, 1 2 5, 1 3 10 or 1 10."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    grids = ((0.8, (1, 1.5, 2, 3, 5, 7)), (1.3, (1, 2, 5)), (2.6, (1, 3)))
    steps = next((steps for width, steps in grids if high - low < width), (1,))
    found = [step * 10.0**decade for decade in decades for step in steps]
    found = [value for value in found if low <= math.log10(value) <= high]
    return found[:: -(-len(found) // most)] if len(steps) == 1 else found


def power(value: float) -> str:
    """A tick on a log axis: 0.02, 1, 500, 10⁻⁷, 2·10⁸."""
    if 1e-3 <= value < 1e4:
        return f"{value:g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    raised = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    lead = round(value / 10.0**exponent, 6)
    return f"10{raised}" if lead == 1 else f"{lead:g}·10{raised}"


def plain(axes, grid: str) -> None:
    """No frame, no tick marks, a faint grid behind the data."""
    axes.set_axisbelow(True)
    axes.grid(axis=grid, which="major")
    axes.tick_params(which="both", length=0)
    for side in ("top", "right", "left" if grid == "x" else "top"):
        axes.spines[side].set_visible(False)
