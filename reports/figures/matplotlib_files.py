"""Figures for papers: matplotlib's, as SVG, PNG and PDF.

Nothing here touches pyplot or matplotlib's settings outside a `with`.
"""

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from matplotlib import rc_context
from matplotlib.figure import Figure

from reports.figures.style import DARK, SETTINGS

DIGITS = re.compile(r"(?<=\.\d\d)\d+")  # behind the second decimal


@contextmanager
def drawing(width: float, height: float) -> Iterator[Figure]:
    """A figure of so many inches to draw on, in the style of the reports."""
    with rc_context(SETTINGS):
        yield Figure(figsize=(width, height))


def to_svg(figure: Figure) -> bytes:
    """The figure as SVG, the same bytes every time; it turns dark where the reader's screen is."""
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    drawn = _saved(figure, format="svg", metadata=nothing)
    rules = "".join(
        f'[style*="{name}: {light}"]{{{name}:{dark}!important}}'
        for light, dark in DARK.items()
        for name in ("fill", "stroke")
    )
    fonts = "text{font-family:system-ui,'DejaVu Sans',sans-serif}"
    style = f"<style>{fonts}@media (prefers-color-scheme:dark){{{rules}}}</style>"
    text = _slim(re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f]", "", drawn.decode()))  # XML has none
    return text.replace("<defs>", f"{style}<defs>", 1).encode()


def _slim(svg: str) -> str:
    """Half the size: two decimals, and no names, groups, turns or indentation without effect."""
    svg = re.sub(r"<\?xml.*?>|<!DOCTYPE.*?>|<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r' id="[A-Za-z0-9.]+_\d+"| transform="rotate\(-0 [^"]*"', "", svg)
    svg = re.sub(r"<[^>]*>", lambda tag: DIGITS.sub("", tag[0]), svg)
    svg = re.sub(r"<g/>| font-family: 'DejaVu Sans';|; stroke-linejoin: miter", "", svg)
    return re.sub(r"\s*\n\s*", "\n", svg).strip()


def to_png(figure: Figure, dpi: int = 160) -> bytes:
    """The figure as PNG."""
    return _saved(figure, format="png", dpi=dpi, metadata={"Software": None})


def to_pdf(figure: Figure) -> bytes:
    """The figure as PDF with its fonts in it, the same bytes every time."""
    dates = dict.fromkeys(("CreationDate", "Creator"))
    return _saved(figure, {"pdf.fonttype": 42}, format="pdf", metadata=dates)


def _saved(figure: Figure, settings: Mapping | None = None, **how) -> bytes:
    """What `savefig` writes, and no word about signs that the font lacks: names may hold any."""
    buffer = io.BytesIO()
    with rc_context(SETTINGS | (settings or {})), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(buffer, **how)
    return buffer.getvalue()
