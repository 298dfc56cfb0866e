"""A panel of a figure, with scales, a grid and a key: matplotlib's axes at a tenth of their time.

A site has hundreds of figures with dozens of names, marks and intervals each. As axes, ticks, lines
and texts of matplotlib's one takes it 75 to 100 ms; a panel hands everything to the renderer that
matplotlib has for SVG, PNG or PDF, lines and marks of one look as one path.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy
from matplotlib.artist import Artist
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.markers import MarkerStyle
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.textpath import text_to_path
from matplotlib.transforms import Affine2D, Bbox

from reports.figures.style import GRID, INK, MUTED, SETTINGS, log_limits, power, ticks

SIZE, SMALL = SETTINGS["font.size"], 7.5  # points of letters, and of those in a key
REFERENCE = {"color": MUTED, "width": 0.8, "dashes": (4, 3)}  # the look of a line to compare with
ANCHORS = {"left": 0.0, "center": 0.5, "right": 1.0}  # the share of a text before its place


@dataclass(frozen=True)
class Scale:
    """One direction of a panel: the values at its two ends, its ticks, their names and colour.

    On a `log` scale ends are powers of ten, ticks and values are not. `floor` is where zero stands.
    """

    low: float
    high: float
    ticks: Sequence[float]
    names: Sequence[str]
    log: bool = False
    floor: float = 0.0
    color: str = MUTED

    def shares(self, values: Iterable[float]) -> numpy.ndarray:
        """Where values stand: 0 at the low end, 1 at the high one."""
        values = numpy.asarray(values, dtype=float)
        if self.log:
            values = numpy.log10(numpy.maximum(values, 1e-320))
        return (values - self.low) / (self.high - self.low)


def log_scale(values: Iterable[float], at: Sequence[float] | None = None) -> Scale:
    """A logarithmic scale around `values`, with round numbers as ticks or those in `at`."""
    low, high, floor = log_limits(values)
    places = ticks(low, high) if at is None else at
    names = [power(place) if at is None else f"{place:g}" for place in places]
    return Scale(low, high, places, names, True, 10**floor)


def listing(names: Sequence[str]) -> Scale:
    """An upright scale of names at 0, 1, 2, ..., the first on top."""
    return Scale(len(names) - 0.4, -0.6, range(len(names)), names, color=INK)


class Panel(Artist):
    """A part of a figure on which values are drawn: lines in their order, then points, then words.

    - `box`: left, bottom, width and height in inches.
    - `across`, `up`: its scales, and `titles` of both.
    - `grid`: of the scale "across", where the other is a list of names, or of "both".
    """

    def __init__(
        self,
        figure: Figure,
        box: Sequence[float],
        across: Scale,
        up: Scale,
        titles: tuple[str, str] = ("", ""),
        grid: str = "both",
    ):
        super().__init__()
        self.box = Bbox.from_bounds(*(72 * length for length in box))
        self.across, self.up = across, up
        self._strokes: list[tuple] = []  # the arguments of `_stroke`
        self._marks: dict[tuple, list[Path]] = {}  # outlines of points by their look
        self._words: list[tuple] = []  # the arguments of `words`
        figure.add_artist(self)
        x, y = self._x(across.shares(across.ticks)), self._y(up.shares(up.ticks))
        self._frame(x, y if grid == "both" else [])
        for place, name in zip(x, across.names, strict=True):
            self.words(place, self.box.y0 - 9.95, name, color=across.color, to="center")
        for place, name in zip(y, up.names, strict=True):
            self.words(self.box.x0 - 3.5, place - 3.23, name, color=up.color, to="right")
        self.words(self._x(0.5), self.box.y0 - 22.45, titles[0], to="center")
        if titles[1]:
            left = self.box.x0 - 9.5 - max((width_of(name, SIZE) for name in up.names), default=0)
            self.words(left, self._y(0.5), titles[1], to="center", upwards=True)

    def _frame(self, x: Sequence[float], y: Sequence[float]) -> None:
        """A grid through these places, and an edge at the start of each direction that has one."""
        (left, bottom), (right, top) = self.box.min, self.box.max
        upright = [[(place, bottom), (place, top)] for place in x]
        level = [[(left, place), (right, place)] for place in y]
        self._stroke(upright + level, GRID, 0.7)
        edges = [[(left, bottom), (right, bottom)], [(left, bottom), (left, top)]]
        self._stroke(edges if len(y) else edges[:1], GRID, 0.8)

    def title(self, words: str) -> None:
        """Words above the left end of the panel."""
        self.words(self.box.x0, self.box.y1 + 6, words, SETTINGS["axes.titlesize"], INK)

    def lines(self, x, y, colors: Sequence[str], width: float = 1.5) -> None:
        """A line through each row of values, held within the scales.

        - `x`, `y`: [lines, points], or what becomes that by broadcasting.
        - `colors`: of each line. Lines of one colour are drawn together.
        """
        places = self._places(self.across.shares(x).clip(0, 1), self.up.shares(y).clip(0, 1))
        of_color: dict[str, list] = {}
        for path, color in zip(places, colors, strict=True):
            of_color[color] = [*of_color.pop(color, []), path]  # the last colour on top
        for color, paths in of_color.items():
            self._stroke(paths, color, width)

    def reference(self, x, y) -> None:
        """A thin dashed line through values; it is cut off where it leaves the panel."""
        path = self._places(self.across.shares(x), self.up.shares(y))
        self._stroke([path], **REFERENCE, within=self.box)

    def points(self, x, y, looks: Sequence[dict]) -> None:
        """A marker at each pair of values, with a look of `style.Style.points` for each."""
        places = self._places(self.across.shares(x), self.up.shares(y))
        for place, look in zip(places, looks, strict=True):
            self._mark(place, look)

    def zeros(self, up: Iterable[float]) -> None:
        """The word 0 beside what stands at the floor of the scale "across"."""
        for x, y in self._places(self.across.shares(self.across.floor), self.up.shares(up)):
            self.words(x + 6, y - 3, "0", SMALL, INK)

    def arrows_down(self, x, y, colors: Sequence[str]) -> None:
        """An arrow of 12.5 points from each pair of values downwards."""
        places = self._places(self.across.shares(x), self.up.shares(y))
        for (x, y), color in zip(places, colors, strict=True):
            head = [(x - 1.7, y - 9.1), (x, y - 12.5), (x + 1.7, y - 9.1)]
            self._stroke([[(x, y - 2), (x, y - 12.5)], head], color, 0.9)

    def words(self, x, y, words: str, size=SIZE, color=MUTED, to="left", upwards=False) -> None:
        """A text, level or `upwards`, its "left", "center" or "right" at a place in points."""
        if words := " ".join(str(words).splitlines()):
            self._words.append((x, y, words, size, color, to, upwards))

    def key(self, entries: Sequence[tuple[str, dict | None, dict | None]]) -> None:
        """Beside the panel the names of what was drawn, and how.

        An entry is a name, the look of its points or None, and that of its line or None: its
        color, width and dashes.
        """
        left, pitch = self.box.x1 + 0.02 * self.box.width + 3, 1.35 * SMALL
        y = self._y(0.5) + pitch * (len(entries) - 1) / 2 + 0.68
        for name, look, line in entries:
            if line:
                self._stroke([[(left, y), (left + 9, y)]], **line)
            if look:
                self._mark((left + 4.5, y), look)
            self.words(left + 15, y - 2.63, name, SMALL, INK)
            y -= pitch

    def _x(self, shares):
        return self.box.x0 + self.box.width * shares

    def _y(self, shares):
        return self.box.y0 + self.box.height * shares

    def _places(self, x, y) -> numpy.ndarray:
        """Shares of the panel as places in points: [*shape, 2]."""
        return numpy.stack(numpy.broadcast_arrays(self._x(x), self._y(y)), -1)

    def _stroke(self, paths, color: str, width: float, dashes=None, within=None) -> None:
        """Lines of one look through places in points, cut off at the edges `within` a box."""
        if len(paths):
            self._strokes.append((_joined(paths), color, width, dashes, within))

    def _mark(self, place: Sequence[float], look: dict) -> None:
        outline = _outline(look["marker"], look["markersize"])
        key = tuple(look[name] for name in ("color", "markerfacecolor", "markeredgewidth"))
        moved = Path(outline.vertices + place, outline.codes)
        self._marks[key] = [*self._marks.pop(key, []), moved]  # the last look on top

    def draw(self, renderer) -> None:
        """Hand everything to a renderer of matplotlib's."""
        to_pixels = Affine2D().scale(renderer.points_to_pixels(1.0))
        for path, color, width, dashes, within in self._strokes:
            gc = _pen(renderer, color, width)
            if dashes:
                gc.set_dashes(0, [width * dash for dash in dashes])
            if within:
                gc.set_clip_rectangle(within.transformed(to_pixels))
            renderer.draw_path(gc, path, to_pixels)
        for (color, face, width), outlines in self._marks.items():
            gc = _pen(renderer, color, width)
            path = Path.make_compound_path(*outlines)
            renderer.draw_path(gc, path, to_pixels, to_rgb(face))
        anchored = Text(rotation_mode="anchor")  # tells SVG what part of a text is at its place
        for one in self._words:
            _write(renderer, to_pixels, anchored, *one)


def _pen(renderer, color: str, width: float = 1.0):
    gc = renderer.new_gc()
    gc.set_foreground(color)
    gc.set_linewidth(width)
    return gc


def _joined(paths: Sequence[Sequence]) -> Path:
    """Lines through places as one path."""
    codes = [[Path.MOVETO, *[Path.LINETO] * (len(path) - 1)] for path in paths]
    return Path(numpy.concatenate(paths), numpy.concatenate(codes))


def _write(renderer, to_pixels, anchored, x, y, words, size, color, to, upwards) -> None:
    """Draw a text; see `Panel.words`."""
    anchored.set_position(to_pixels.transform((x, y)))
    anchored.set_horizontalalignment(to)
    back = ANCHORS[to] and ANCHORS[to] * width_of(words, size)
    x, y = to_pixels.transform((x, y - back) if upwards else (x - back, y))
    if renderer.flipy():
        y = renderer.get_canvas_width_height()[1] - y
    gc = _pen(renderer, color)
    renderer.draw_text(gc, x, y, words, _font(size), 90 * upwards, False, anchored)


@lru_cache(4096)
def width_of(words: str, size: float) -> float:
    """The width of a line of text, in points."""
    return text_to_path.get_text_width_height_descent(words, _font(size), False)[0]


@cache
def _font(size: float) -> FontProperties:
    return FontProperties(family=SETTINGS["font.family"], size=size)


@cache
def _outline(marker: str, size: float) -> Path:
    """A marker of so many points around the origin."""
    style = MarkerStyle(marker)
    return (style.get_transform() + Affine2D().scale(size)).transform_path(style.get_path())
