"""Panels of figures in SVG: the calls of matplotlib's axes that `plots` makes, in its units."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace

from reports.figures.style import GRID, INK, MUTED
from reports.figures.svg_shapes import at, inside, legend, marker, stroke, text

SIZE = 8.5  # points, of letters


@dataclass
class Axis:
    """One axis: its limits, whether it is logarithmic, its ticks with their names, its title."""

    low: float = math.nan
    high: float = math.nan
    log: bool = False
    ticks: list[tuple[float, str]] = field(default_factory=list)
    color: str = MUTED
    title: str = ""
    grid: bool = False
    seen: list[float] = field(default_factory=list)  # what was drawn, for limits not set

    def set_ticks(self, places: Iterable[float], names: Iterable[str], **_) -> None:
        """The ticks and what stands at them."""
        self.ticks = [*zip(map(float, places), names, strict=True)]

    def share(self, value: float) -> float:
        """Where a value stands between the limits: 0 at the low one, 1 at the high one."""
        low, high = self.low, self.high
        if math.isnan(low):
            low, high = min(self.seen, default=0.0), max(self.seen, default=1.0)
            margin = 0.05 * (high - low) or 0.5
            low, high = low - margin, high + margin
        if self.log:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, 1e-320))
        return (value - low) / (high - low) if high != low else 0.5


class Axes:
    """A panel; see matplotlib's class of that name for what its methods mean."""

    def __init__(self, box: Sequence[float]):
        self.left, self.top, self.width, self.height = box  # in points, from the upper left
        self.xaxis, self.yaxis = Axis(), Axis()
        self.drawn: list[tuple[float, callable]] = []
        self.entries: list[tuple[str, dict]] = []
        self.title, self.key = "", None
        sides = ("top", "right", "left", "bottom")
        self.spines = {side: SimpleNamespace(set_visible=self._hides(side)) for side in sides}
        self.hidden: set[str] = set()

    def _hides(self, side: str):
        return lambda shown: self.hidden.discard(side) if shown else self.hidden.add(side)

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Data coordinates in points from the upper left of the figure."""
        return (
            self.left + self.width * self.xaxis.share(x),
            self.top + self.height * (1 - self.yaxis.share(y)),
        )

    def hlines(self, y, xmin, xmax, colors, linewidth=1.2, **_) -> None:
        """Horizontal lines."""
        for place, low, high, color in _together(y, xmin, xmax, colors):
            self._line([(low, place), (high, place)], color, linewidth)

    def vlines(self, x, ymin, ymax, colors, linewidth=1.2, lw=None, **_) -> None:
        """Vertical lines."""
        for place, low, high, color in _together(x, ymin, ymax, colors):
            self._line([(place, low), (place, high)], color, lw or linewidth)

    def plot(self, x, y, color=INK, label="_", linewidth=1.5, linestyle="-", zorder=2, **how):
        """A line through points, with markers."""
        points = [*zip(_numbers(x), _numbers(y), strict=True)]
        line = linewidth if len(points) > 1 and linestyle != "" else 0
        how |= {"color": color, "linewidth": linewidth if linestyle != "" else 0}
        how |= {"dashes": linestyle[1] if isinstance(linestyle, tuple) else None}
        if not label.startswith("_"):
            self.entries.append((label, how))
        if line:
            self._line(points, color, line, how["dashes"], zorder, how.get("alpha"))
        if how.get("marker"):
            self._add(zorder, points, lambda spots: "".join(marker(x, y, how) for x, y in spots))

    def axvline(self, x, color, linewidth, linestyle, zorder=2) -> None:
        """A vertical line from edge to edge."""
        self._edges(lambda: [(self.point(x, 1)[0], self.top + end) for end in (0, self.height)],
                    color, linewidth, linestyle, zorder)  # fmt: skip

    def axline(self, first, second, color, linewidth, linestyle, zorder=2) -> None:
        """A line through two points, as far as the panel reaches."""
        self._edges(lambda: inside(self.point(*first), self.point(*second), self),
                    color, linewidth, linestyle, zorder)  # fmt: skip

    def annotate(self, words, spot, offset, textcoords, size=7.5, arrowprops=None) -> None:
        """A text at an offset in points from a spot, or an arrow from the spot to there."""
        right, up = offset

        def drawn(spots):
            ((x, y),) = spots
            if arrowprops:
                tip = y - up
                head = f"M{at(x - 2)},{at(tip - 4)}L{at(x)},{at(tip)}L{at(x + 2)},{at(tip - 4)}"
                shaft = f"M{at(x)},{at(y)}V{at(tip)}{head}"
                return stroke(shaft, arrowprops["color"], arrowprops["linewidth"])
            return text(x + right, y - up, words, size, INK)

        self._add(3, [spot], drawn)

    def legend(self, fontsize, **_) -> None:
        """Beside the panel, what each line and marker means."""
        self.key = fontsize

    def grid(self, axis, **_) -> None:
        """Faint lines at the ticks of "x", "y" or "both"."""
        self.xaxis.grid, self.yaxis.grid = axis in ("x", "both"), axis in ("y", "both")

    def set_axisbelow(self, _) -> None:
        """The grid is below everything."""

    def minorticks_off(self) -> None:
        """There are none between the ticks."""

    def tick_params(self, **_) -> None:
        """There are no marks at the ticks."""

    def set_xscale(self, _) -> None:
        """A logarithmic axis."""
        self.xaxis.log = True

    def set_yscale(self, _) -> None:
        """A logarithmic axis."""
        self.yaxis.log = True

    def set_xlim(self, low, high) -> None:
        """The ends of the axis."""
        self.xaxis.low, self.xaxis.high = low, high

    def set_ylim(self, low, high) -> None:
        """The ends of the axis."""
        self.yaxis.low, self.yaxis.high = low, high

    def set_xticks(self, places, names, color=MUTED, **_) -> None:
        """The ticks and what stands at them."""
        self.xaxis.set_ticks(places, names)
        self.xaxis.color = color

    def set_yticks(self, places, names, color=MUTED, **_) -> None:
        """The ticks and what stands at them."""
        self.yaxis.set_ticks(places, names)
        self.yaxis.color = color

    def set_xlabel(self, title) -> None:
        """What the axis shows."""
        self.xaxis.title = title

    def set_ylabel(self, title) -> None:
        """What the axis shows."""
        self.yaxis.title = title

    def set_title(self, title, color=INK) -> None:
        """What stands above the panel."""
        self.title = text(self.left, self.top - 6, title, 9, color)

    def written(self) -> str:
        """The panel as SVG: grid and names, what was drawn, the legend."""
        marks = [mark(spots()) for _, spots, mark in sorted(self.drawn, key=lambda one: one[0])]
        key = legend(self, self.entries, self.key) if self.key else ""
        return "".join([*self._frame(), *marks, self.title, key])

    def _frame(self) -> Iterator[str]:
        low, right = self.top + self.height, self.left + self.width
        for value, name in self.xaxis.ticks:
            x = self.left + self.width * self.xaxis.share(value)
            if self.xaxis.grid:
                yield stroke(f"M{at(x)},{at(self.top)}V{at(low)}", GRID, 0.7)
            yield text(x, low + 10.5, name, SIZE, self.xaxis.color, "middle")
        for value, name in self.yaxis.ticks:
            y = low - self.height * self.yaxis.share(value)
            if self.yaxis.grid:
                yield stroke(f"M{at(self.left)},{at(y)}H{at(right)}", GRID, 0.7)
            yield text(self.left - 4, y + 3, name, SIZE, self.yaxis.color, "end")
        if "left" not in self.hidden:
            yield stroke(f"M{at(self.left)},{at(self.top)}V{at(low)}", GRID, 0.8)
        yield stroke(f"M{at(self.left)},{at(low)}H{at(right)}", GRID, 0.8)
        if self.xaxis.title:
            middle = self.left + self.width / 2
            yield text(middle, low + 23, self.xaxis.title, SIZE, MUTED, "middle")
        if self.yaxis.title:
            x, y = self.left - 35, self.top + self.height / 2
            turn = f'<g transform="rotate(-90 {at(x)} {at(y)})">'
            yield f"{turn}{text(x, y, self.yaxis.title, SIZE, MUTED, 'middle')}</g>"

    def _line(self, points, color, width, dashes=None, zorder=1.0, alpha=None) -> None:
        def drawn(spots):
            path = "L".join(f"{at(x)},{at(y)}" for x, y in self._clipped(spots))
            return stroke(f"M{path}", color, width, dashes, alpha) if path else ""

        self._add(zorder, points, drawn)

    def _edges(self, ends, color, width, linestyle, zorder) -> None:
        def mark(spots):
            path = "L".join(f"{at(x)},{at(y)}" for x, y in spots)
            return stroke(f"M{path}", color, width, linestyle[1]) if path else ""

        self.drawn.append((zorder, ends, mark))

    def _add(self, zorder, points, mark) -> None:
        points = [point for point in points if all(map(math.isfinite, point))]
        if not points:
            return
        self.xaxis.seen += [x for x, _ in points]
        self.yaxis.seen += [y for _, y in points]
        self.drawn.append((zorder, lambda: [self.point(*point) for point in points], mark))

    def _clipped(self, spots):
        right, low = self.left + self.width, self.top + self.height
        return [(min(max(x, self.left), right), min(max(y, self.top), low)) for x, y in spots]


def _together(places, lows, highs, colors) -> Iterator[tuple]:
    """Lines one by one; a colour may be of all."""
    places, lows, highs = _numbers(places), _numbers(lows), _numbers(highs)
    colors = [colors] * len(places) if isinstance(colors, str) else colors
    return zip(places, lows, highs, colors, strict=True)


def _numbers(values) -> list[float]:
    """Floats of one number or many."""
    many = values if hasattr(values, "__iter__") else [values]
    return [float(value) for value in many]
