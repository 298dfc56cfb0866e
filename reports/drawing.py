"""How figures look: one colour and marker per estimator, log axes that know zero, and the files.

Nothing here touches pyplot or matplotlib's settings outside a `with`.
"""

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

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
class Look:
    """Colour and marker of one estimator."""

    color: str
    marker: str

    def points(self, hollow: bool = False) -> dict:
        """Keywords for `Axes.plot` and `Axes.errorbar`; hollow means biased."""
        return {
            "color": self.color,
            "marker": self.marker,
            "markersize": 5.5,
            "markeredgewidth": 1.2,
            "markerfacecolor": PAPER if hollow else self.color,
        }


def looks(labels: Iterable[str]) -> dict[str, Look]:
    """A look for every label: the same from report to report, unless two names want the same one."""
    taken: dict[str, Look] = {}
    for label in sorted(set(labels)):
        wish = int.from_bytes(hashlib.sha256(label.encode()).digest()[:4])
        first, *rest = (
            Look(COLORS[color % len(COLORS)], MARKERS[(color % len(COLORS) + turn) % len(MARKERS)])
            for turn in range(len(MARKERS))
            for color in range(wish, wish + len(COLORS))
        )
        taken[label] = next((look for look in (first, *rest) if look not in taken.values()), first)
    return taken


def log_axis(axes: Axes, which: str, values: Iterable[float]) -> float:
    """Make one axis logarithmic around `values`; return where to draw those that are zero."""
    values = numpy.asarray(list(values), dtype=float)
    positive = values[numpy.isfinite(values) & (values > 0)]
    low, high = (positive.min(), positive.max()) if len(positive) else (0.1, 10.0)
    margin = max(1.6, (high / low) ** 0.06)
    low, high = low / margin, high * margin
    floor = low
    if (values == 0).any():
        low /= (high / low) ** 0.1
        floor = low * (high / low) ** 0.03
    getattr(axes, f"set_{which}scale")("log")
    getattr(axes, f"set_{which}lim")(low, high)
    axis = getattr(axes, f"{which}axis")
    decades = numpy.log10(high / low)
    subs = (1,) if decades > 3 else (1, 3) if decades > 1.3 else (1, 2, 5)
    axis.set_major_locator(LogLocator(numticks=5, subs=subs))
    axis.set_major_formatter(FuncFormatter(lambda value, _: power(value)))
    axis.set_minor_formatter(NullFormatter())
    return floor


def power(value: float) -> str:
    """A tick on a log axis: 0.02, 1, 500, 10⁻⁷, 2·10⁸."""
    if 1e-3 <= value < 1e4:
        return f"{value:g}"
    exponent = int(numpy.floor(numpy.log10(value) + 1e-9))
    raised = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    lead = round(value / 10.0**exponent, 6)
    return f"10{raised}" if lead == 1 else f"{lead:g}·10{raised}"


def plain(axes: Axes, grid: str) -> None:
    """No frame, no tick marks, a faint grid behind the data."""
    axes.set_axisbelow(True)
    axes.grid(axis=grid, which="major")
    axes.tick_params(which="both", length=0)
    for side in ("top", "right", "left" if grid == "x" else "top"):
        axes.spines[side].set_visible(False)


def to_svg(figure: Figure) -> bytes:
    """The figure as SVG, the same bytes every time; it turns dark where the reader's screen is."""
    buffer = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with rc_context(SETTINGS):
        figure.savefig(buffer, format="svg", metadata=nothing)
    text = buffer.getvalue().decode()
    rules = "".join(
        f'[style*="{name}: {light}"]{{{name}:{dark}!important}}'
        for light, dark in DARK.items()
        for name in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme:dark){{{rules}}}</style>"
    text = text.replace("'DejaVu Sans'", "system-ui, 'DejaVu Sans', sans-serif")
    return text.replace("<defs>", f"{style}<defs>", 1).encode()


def to_png(figure: Figure, dpi: int = 160) -> bytes:
    """The figure as PNG."""
    buffer = io.BytesIO()
    with rc_context(SETTINGS):
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()
