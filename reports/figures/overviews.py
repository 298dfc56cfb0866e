"""Figures across problems and across commits."""

from collections.abc import Sequence

import numpy
import pandas

from reports.figures.matplotlib_files import drawing
from reports.figures.panel import Panel, listing, log_scale
from reports.figures.plots import LETTER, WIDTH
from reports.figures.style import COLORS, MUTED, log_axis, plain, styles_of
from reports.frames.commit_series import Series, short

BROAD = 7.4  # inches
MARKED = 9  # most series with a colour of their own in a trend


def over_problems(rows: pandas.DataFrame, column: str = "relative"):
    """One estimator: its variance as a multiple of the quietest's, a line a problem."""
    label = rows["label"].iloc[0]
    style = styles_of([label])[label]
    rows = rows.sort_values([column, "problem"], kind="stable")
    rows = rows[rows[column].between(0, 1e300, inclusive="neither")]
    height = 0.57 + 0.19 * len(rows)
    left = min(rows["problem"].str.len().max(), 34) * LETTER + 0.15 if len(rows) else 0.5
    values = rows[[column, f"{column}_low", f"{column}_high"]].to_numpy(dtype=float)
    across, up = log_scale([1.0, *values.ravel()]), listing(rows["problem"].tolist())
    title = "variance as a multiple of the quietest’s"
    with drawing(WIDTH, height) as figure:
        box = (left, 0.42, WIDTH - left - 0.15, height - 0.47)
        panel = Panel(figure, box, across, up, (title, ""), "x")
        panel.reference([1, 1], [len(rows) - 0.4, -0.6])
        places, looks = numpy.arange(len(rows)), [style.points(biased) for biased in rows["biased"]]
        panel.lines(values[:, 1:], places[:, None], [style.color] * len(rows), 1.4)
        panel.points(values[:, 0], places, looks)
    return figure


def over_commits(found: Sequence[Series], order: Sequence[str]):
    """Cells of one problem: variance as a multiple of the first; those with steps are marked.

    `order` holds the revisions from left to right. A dotted line stands at each step.
    """
    places = {revision: place for place, revision in enumerate(order)}
    stepped = [one for one in found if one.steps][:MARKED]
    lines = [(one, _relative(one)) for one in found]
    height = max(2.3, 0.75 + 0.165 * len(stepped))
    right = max([len(_called(one)) for one in stepped] or [0]) * LETTER * 0.9 + 0.45
    with drawing(BROAD, height) as figure:
        width = BROAD - 0.65 - right
        box = (0.65 / BROAD, 0.35 / height, width / BROAD, 1 - 0.45 / height)
        axes = figure.add_axes(box)
        log_axis(axes, "y", [0.9, 1.1, *(v for _, line in lines for point in line for v in point)])
        for one, line in lines:
            if one not in stepped:
                at = [places[row["revision"]] for row in one.rows]
                axes.plot(at, [p[0] for p in line], color=MUTED, linewidth=0.8, alpha=0.35)
        for number, one in enumerate(stepped):
            _draw(axes, one, _relative(one), places, COLORS[number])
        most = max(2, round(width / 0.62))
        shown = range(0, len(order), -(-len(order) // most))
        axes.set_xticks(list(shown), [short(order[place]) for place in shown], rotation=0)
        axes.set_xlim(-0.2, max(len(order) - 0.8, 0.2))
        axes.set_ylabel("variance, first = 1")
        plain(axes, "both")
        axes.legend(
            loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=7.5,
            handlelength=1.2, labelspacing=0.35, borderaxespad=0,
        )  # fmt: skip
    return figure


def _draw(axes, one: Series, line: list[tuple], places: dict[str, int], color: str) -> None:
    at = [places[row["revision"]] for row in one.rows]
    axes.vlines(at, [p[1] for p in line], [p[2] for p in line], colors=color, linewidth=1.0)
    axes.plot(
        at, [p[0] for p in line], color=color, linewidth=1.2, marker="o", markersize=3.5,
        label=_called(one), clip_on=False,
    )  # fmt: skip
    for step in one.steps:
        place = places[step.revision] - 0.5
        axes.axvline(place, color=color, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)


def _called(one: Series) -> str:
    return f"{one.label}, K = {one.samples}"


def _relative(one: Series) -> list[tuple[float, float, float]]:
    """The variances over the first known one."""
    values = one.values()
    first = next((value for value, _, _ in values if value > 0), 1.0)
    return [tuple(number / first for number in point) for point in values]
