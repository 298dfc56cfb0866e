"""The figures of a report: on its pages as data, and as files for a paper."""

import base64
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pandas

from reports.figures import plots
from reports.figures.matplotlib_files import to_pdf, to_png, to_svg
from reports.figures.style import Style, styles_of
from reports.frames.rankings import headline
from reports.text.rendering import write_whole

FORMATS = ("pdf", "svg", "png")
FIGURES = {  # by the name of their file: the caption and how to draw it
    "variance": ("variance with 95 % intervals, by estimator", plots.variance_by_estimator),
    "work": ("variance × seconds, by estimator", plots.variance_times_seconds),
    "bias": ("squared bias against variance", plots.bias_against_variance),
    "samples": ("variance against samples per estimate", plots.variance_against_samples),
}


def on_page(part: pandas.DataFrame, styles: Mapping[str, Style]) -> list[tuple[str, str]]:
    """The figures of one problem as pairs (caption, data URI), those with something to show.

    `part` is its part of the ranking, `styles` are those of all estimators of the report.
    """
    return [
        (caption, data(to_svg(draw(part, styles, titles=False))))
        for caption, draw in _shown(part).values()
    ]


def export(
    ranked: pandas.DataFrame, names: Mapping[str, str], folder: Path, formats: Iterable[str]
) -> None:
    """Write `folder/PROBLEM-FIGURE.FORMAT` for each; `names` are the problems' in file names."""
    written = {"pdf": to_pdf, "svg": to_svg, "png": to_png}
    styles = styles_of(ranked["label"])
    for problem, part in ranked.groupby("problem", sort=False):
        for name, (_, draw) in _shown(part).items():
            figure = draw(part, styles, titles=False)
            for suffix in formats:
                path = folder / f"{names[problem]}-{name}.{suffix}"
                write_whole(path, written[suffix](figure))


def data(svg: bytes) -> str:
    """A picture as an address that holds all of it."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


def _shown(part: pandas.DataFrame) -> dict[str, tuple[str, Callable]]:
    """The figures that have data: several K, a truth to be biased against, a time."""
    rows = part[part["variance"].notna()]
    head = headline(rows)
    has = {
        "variance": len(head) > 0,
        "work": head["work_variance"].notna().any(),
        "bias": head["bias2_high"].notna().any(),
        "samples": rows["samples"].nunique() > 1,
    }
    return {name: figure for name, figure in FIGURES.items() if has[name]}
