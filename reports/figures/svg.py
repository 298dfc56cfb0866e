"""Figures of pages, written as SVG by themselves: the few calls of matplotlib's that `plots` makes.

A page has hundreds of figures, and matplotlib takes a tenth of a second for each; this takes a
fiftieth of that. `Figure` and `Axes` answer to matplotlib's names and units (inches, points, data
coordinates), so that every figure is described once, for pages and for papers.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from reports.figures.style import DARK, PAPER
from reports.figures.svg_axes import SIZE, Axes
from reports.figures.svg_shapes import at, text

STYLE = (
    "<style>text{font-family:system-ui,'DejaVu Sans',sans-serif}@media (prefers-color-scheme:dark){"
    + "".join(
        f'[{name}="{light}"]{{{name}:{dark}}}'
        for light, dark in DARK.items()
        for name in ("fill", "stroke")
    )
    + "}</style>"
)


@contextmanager
def drawing(width: float, height: float) -> Iterator["Figure"]:
    """A figure of so many inches to draw on, as `reports.figures.paper.drawing` gives one."""
    yield Figure(width, height)


class Figure:
    """Panels and texts on a page of `width` × `height` inches."""

    def __init__(self, width: float, height: float):
        self.width, self.height = 72 * width, 72 * height  # points
        self.axes: list[Axes] = []
        self.texts: list[str] = []

    def add_axes(self, box: Sequence[float]) -> Axes:
        """A panel at (left, bottom, width, height), as shares of the figure."""
        left, bottom, width, height = box
        place = (left * self.width, (1 - bottom - height) * self.height)
        self.axes.append(Axes((*place, width * self.width, height * self.height)))
        return self.axes[-1]

    def text(self, x: float, y: float, words: str, ha: str, color: str) -> None:
        """A text at a place given by shares of the figure."""
        spot = x * self.width, (1 - y) * self.height
        self.texts.append(text(*spot, words, SIZE, color, {"center": "middle"}[ha]))

    def svg(self) -> bytes:
        """All of it; it turns dark where the reader's screen is."""
        size = f"0 0 {at(self.width)} {at(self.height)}"
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{at(self.width)}pt" '
            f'height="{at(self.height)}pt" viewBox="{size}">{STYLE}'
            f'<path fill="{PAPER}" d="M0 0H{at(self.width)}V{at(self.height)}H0z"/>'
            '<g fill="none" stroke-linecap="butt">'
        )
        parts = [axes.written() for axes in self.axes]
        return "".join([head, *parts, *self.texts, "</g></svg>"]).encode()
