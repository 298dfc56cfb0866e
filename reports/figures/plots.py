"""Figures of a report, one panel per problem: hollow markers are biased, bars are 95 % intervals.

Each takes a frame (and the styles of its estimators, so that several figures agree) and returns a
`matplotlib.figure.Figure`; `to_svg` and `to_png` make files of it.
"""

from collections.abc import Callable, Iterator, Mapping

import numpy
import pandas

from reports.figures.matplotlib_files import drawing
from reports.figures.style import INK, MUTED, Style, log_axis, plain, styles_of
from reports.frames.rankings import headline, ranking

WIDTH = 4.7  # inches of a panel
LETTER = 0.073  # inches of a letter, about
LINES = 20  # most lines in one panel; more cannot be told apart

Styles = Mapping[str, Style] | None


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
            axes = figure.add_axes(tuple(x / (WIDTH, total)[i % 2] for i, x in enumerate(box)))
            draw(axes, part, styles)
            if titles:
                axes.set_title(part["problem"].iloc[0], color=INK)
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
    def draw(axes, part: pandas.DataFrame, styles: Mapping[str, Style]) -> None:
        part = part.sort_values([column, "label"], kind="stable")
        low, high = f"{column}_low", f"{column}_high"
        floor = log_axis(axes, "x", part[[column, low, high]].to_numpy().ravel())
        places = range(len(part))
        colors = [styles[label].color for label in part["label"]]
        axes.hlines(places, part[low], part[high], colors=colors, linewidth=1.4, clip_on=False)
        for place, row in zip(
            places, part[["label", "biased", column]].to_dict("records"), strict=True
        ):
            style = styles[row["label"]].points(row["biased"])
            axes.plot(max(row[column], floor), place, **style)
            if row[column] == 0:
                axes.annotate("0", (floor, place), (6, -3), textcoords="offset points", size=7.5)
        axes.set_yticks(places, part["label"], color=INK)
        axes.set_ylim(len(part) - 0.4, -0.6)
        axes.set_xlabel(f"{title}, K = {part['samples'].iloc[0]}")
        plain(axes, "x")

    return draw


def _draw_bias(axes, part: pandas.DataFrame, styles: Mapping[str, Style]) -> None:
    shown = part["bias2"].where(part["bias2_low"] > 0, part["bias2_high"])
    x_floor = log_axis(axes, "x", part["variance"])
    y_floor = log_axis(axes, "y", [*shown.clip(lower=0), shown[shown > 0].min() / 3])
    names = ["label", "biased", "variance", "bias2_low", "bias2_high"]
    for row, y in zip(part[names].to_dict("records"), shown, strict=True):
        style = styles[row["label"]].points(row["biased"])
        at = max(row["variance"], x_floor), max(y, y_floor)
        axes.plot(*at, linestyle="", label=row["label"], **style)
        if row["bias2_low"] > 0:
            axes.vlines(at[0], row["bias2_low"], row["bias2_high"], colors=style["color"])
        else:
            arrow = {"arrowstyle": "<-", "color": style["color"], "linewidth": 0.9}
            axes.annotate("", at, (0, -15), textcoords="offset points", arrowprops=arrow)
    axes.axline((1, 1), (10, 10), color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.set_xlabel(f"variance of one estimate, K = {part['samples'].iloc[0]}")
    axes.set_ylabel("squared bias")
    _key(axes)


def _draw_samples(axes, part: pandas.DataFrame, styles: Mapping[str, Style]) -> None:
    part = part.assign(samples=part["samples"].astype(float))
    low, high = part["variance_low"], part["variance_high"]
    log_axis(axes, "x", part["samples"])
    floor = log_axis(axes, "y", [*part["variance"], *low, *high])
    colors = [styles[label].color for label in part["label"]]
    axes.vlines(part["samples"], low, high, colors=colors, clip_on=False)
    last = part.groupby("label")["variance"].last().sort_values(ascending=False, kind="stable")
    own = dict(list(part.groupby("label")))
    for label in last.index:
        rows = own[label]
        style = styles[label].points(bool(rows["biased"].any()))
        values = rows["variance"].clip(lower=floor)
        axes.plot(rows["samples"], values, label=label, linewidth=1.1, **style)
    counts = sorted(float(k) for k in part["samples"].unique() if k > 0)
    start = float(part.loc[part["variance"] > 0, "variance"].max())
    if counts and start == start:
        fall = [start * 1.3 * counts[0] / k for k in counts]
        axes.plot(counts, fall, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), label="∝ 1/K")
    axes.set_xticks(counts, [f"{k:g}" for k in counts])
    axes.set_xlabel("samples per estimate, K")
    axes.set_ylabel("variance of one estimate")
    _key(axes)


def _key(axes) -> None:
    plain(axes, "both")
    axes.legend(
        loc="center left",
        bbox_to_anchor=(1.02, 0.5),
        frameon=False,
        fontsize=7.5,
        handlelength=1.2,
        labelspacing=0.35,
        borderaxespad=0,
    )
