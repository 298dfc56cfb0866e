"""Figures of a report, one panel per problem: hollow markers are biased, bars are 95 % intervals.

Each takes a frame (and the styles of its estimators, so that several figures agree) and returns a
`matplotlib.figure.Figure`; `to_svg` and `to_png` make files of it.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import compress

import numpy
import pandas

from reports.figures.matplotlib_files import drawing
from reports.figures.panel import REFERENCE, Panel, listing, log_scale
from reports.figures.style import MUTED, Style, styles_of
from reports.frames.rankings import headline, ranking

WIDTH = 4.7  # inches of a panel
LETTER = 0.073  # inches of a letter, about
LINES = 20  # most lines in one panel; more cannot be told apart

Styles = Mapping[str, Style] | None
Box = tuple[float, float, float, float]  # left, bottom, width and height of a panel, in inches


def variance_by_estimator(frame: pandas.DataFrame, styles: Styles = None, *, titles: bool = True):
    """Per problem, the variance of one estimate with its interval, quietest on top."""
    rows = headline(ranking(frame)).dropna(subset="variance")
    return _panels(rows, styles, titles, _dots("variance", "variance of one estimate"), _listing)


def variance_times_seconds(frame: pandas.DataFrame, styles: Styles = None, *, titles: bool = True):
    """Per problem, variance × seconds with its interval: what ranks estimators at equal time."""
    rows = headline(ranking(frame)).dropna(subset="work_variance")
    return _panels(rows, styles, titles, _dots("work_variance", "variance × seconds"), _listing)


def bias_against_variance(frame: pandas.DataFrame, styles: Styles = None, *, titles: bool = True):
    """Per problem, squared bias against variance; below the line the noise of one estimate is more.

    A point with an arrow is an upper limit: the interval of the bias reaches zero.
    """
    rows = headline(ranking(frame)).dropna(subset=["variance", "bias2_high"])
    return _panels(rows, styles, titles, _draw_bias, _keyed)


def variance_against_samples(
    frame: pandas.DataFrame, styles: Styles = None, *, titles: bool = True
):
    """Per problem, variance against K, with a line that falls as 1/K; the 20 quietest at most."""
    rows = ranking(frame).dropna(subset="variance")
    chosen = {*_places(headline(rows))}
    shown = numpy.fromiter((place in chosen for place in _places(rows)), dtype=bool)
    rows = rows[shown].sort_values("samples", kind="stable")
    last = rows.groupby(["problem", "label"], sort=False)["variance"].transform("last")
    rows = rows[last.groupby(rows["problem"]).rank(method="dense") <= LINES]
    return _panels(rows, styles, titles, _draw_samples, _keyed)


def _places(rows: pandas.DataFrame) -> Iterator[tuple]:
    """Of each row the problem, device and precision."""
    return zip(
        *(map(str, rows[key].tolist()) for key in ("problem", "device", "dtype")), strict=True
    )


def _panels(rows: pandas.DataFrame, styles: Styles, titles: bool, draw: Callable, size: Callable):
    """One panel below the other; `size` gives its height and the margins beside it, in inches."""
    styles = styles or styles_of(rows["label"])
    parts = [part for _, part in rows.groupby("problem", sort=False)]
    sizes = [size(part) for part in parts]
    head = 0.25 if titles else 0.0
    total = sum(height + head for height, _, _ in sizes) or 1.0
    with drawing(WIDTH, total) as figure:
        top = total
        for part, (height, left, right) in zip(parts, sizes, strict=True):
            top -= height + head
            box = (left, top + 0.42, WIDTH - left - right, height - 0.47)
            panel = draw(figure, box, part, styles)
            if titles:
                panel.title(part["problem"].iloc[0])
        if not parts:
            figure.text(0.5, 0.5, "nothing was measured", ha="center", color=MUTED)
    return figure


def _listing(part: pandas.DataFrame) -> tuple[float, float, float]:
    return 0.57 + 0.21 * len(part), _longest(part) * LETTER + 0.15, 0.15


def _keyed(part: pandas.DataFrame) -> tuple[float, float, float]:
    entries = part["label"].nunique()
    return max(2.6, 0.55 + 0.165 * entries), 0.65, _longest(part) * LETTER * 0.9 + 0.4


def _longest(part: pandas.DataFrame) -> int:
    return min(max(part["label"].str.len().max(), 6), 32)


def _dots(column: str, title: str) -> Callable:
    def draw(figure, box: Box, part: pandas.DataFrame, styles: Mapping[str, Style]) -> Panel:
        part = part.sort_values([column, "label"], kind="stable")
        names = ["label", "biased", column, f"{column}_low", f"{column}_high"]
        values = part[names[2:]].to_numpy(dtype=float)
        across, up = log_scale(values.ravel()), listing(part["label"].tolist())
        panel = Panel(figure, box, across, up, (f"{title}, {_setting(part)}", ""), "x")
        places = numpy.arange(len(part))
        colors, looks = _looks(part, styles)
        panel.lines(values[:, 1:], places[:, None], colors, 1.4)
        panel.points(values[:, 0].clip(across.floor), places, looks)
        panel.zeros(places[values[:, 0] == 0])
        return panel

    return draw


def _setting(part: pandas.DataFrame) -> str:
    return f"K = {part['samples'].iloc[0]}"


def _looks(part: pandas.DataFrame, styles: Mapping[str, Style]) -> tuple[list[str], list[dict]]:
    """The colour of each row and how its point is drawn."""
    pairs = zip(part["label"].tolist(), part["biased"].tolist(), strict=True)
    looks = [styles[label].points(biased) for label, biased in pairs]
    return [look["color"] for look in looks], looks


def _draw_bias(figure, box: Box, part: pandas.DataFrame, styles: Mapping[str, Style]) -> Panel:
    names = ["variance", "bias2", "bias2_low", "bias2_high"]
    variance, middle, low, high = part[names].to_numpy(dtype=float).T
    known = low > 0
    shown = numpy.where(known, middle, high)
    across = log_scale(variance)
    up = log_scale([*shown.clip(0), shown[shown > 0].min(initial=math.inf) / 3])
    titles = f"variance of one estimate, {_setting(part)}", "squared bias"
    panel, (colors, looks) = Panel(figure, box, across, up, titles), _looks(part, styles)
    x, y = variance.clip(across.floor), shown.clip(up.floor)
    ends = [10.0 ** min(across.low, up.low), 10.0 ** max(across.high, up.high)]
    panel.reference(ends, ends)
    ends = numpy.stack([low, high], 1)[known]
    panel.lines(x[known, None], ends, [*compress(colors, known)])
    panel.arrows_down(x[~known], y[~known], [*compress(colors, ~known)])
    panel.points(x, y, looks)
    panel.key([(label, look, None) for label, look in zip(part["label"], looks, strict=True)])
    return panel


def _draw_samples(figure, box: Box, part: pandas.DataFrame, styles: Mapping[str, Style]) -> Panel:
    values = part[["variance", "variance_low", "variance_high"]].to_numpy(dtype=float)
    samples = part["samples"].to_numpy(dtype=float)
    counts = sorted({*samples[samples > 0].tolist()})
    across, up = log_scale(samples, counts), log_scale(values.T.ravel())
    titles = "samples per estimate, K", "variance of one estimate"
    panel, entries = Panel(figure, box, across, up, titles), []
    start = values[values[:, 0] > 0, 0].max(initial=0.0)
    if counts and start:
        panel.reference(counts, [start * 1.3 * counts[0] / k for k in counts])
    panel.lines(samples[:, None], values[:, 1:], _looks(part, styles)[0])
    shown = values[:, 0].clip(up.floor)
    own: dict[str, list[int]] = {}
    for row, label in enumerate(part["label"].tolist()):
        own.setdefault(label, []).append(row)
    biased, order, looks = part["biased"].to_numpy(dtype=bool), [], []
    for label in sorted(own, key=lambda label: (-shown[own[label][-1]], label)):
        rows = own[label]
        look = styles[label].points(bool(biased[rows].any()))
        panel.lines(samples[None, rows], shown[None, rows], [look["color"]], 1.1)
        entries.append((label, look, {"color": look["color"], "width": 1.1}))
        order += rows
        looks += [look] * len(rows)
    panel.points(samples[order], shown[order], looks)
    if counts and start:
        entries.append(("∝ 1/K", None, REFERENCE))
    panel.key(entries)
    return panel
