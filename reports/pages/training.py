"""What trainings came to: the objective at equal evaluations and at equal time, over seeds."""

from collections.abc import Mapping

import numpy
import pandas
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import stdtrit

from reports.figures import export
from reports.figures.matplotlib_files import to_svg
from reports.figures.style import MUTED, SETTINGS, Style, plain, styles_of
from reports.frames.rankings import labels
from reports.frames.text_tables import Table
from reports.text import numbers
from reports.text.inert import csv
from reports.text.rendering import render

BUDGETS = {"evaluations": "cost evaluations", "seconds": "seconds of the processor"}
BROAD = 7.4  # inches


def framed(rows: list[dict]) -> pandas.DataFrame:
    """The rows of `benchmarks.training.outcomes` as a frame, with the `label` of each estimator."""
    frame = pandas.DataFrame(rows)
    for name in ("budget", "share", "steps", "evaluations", "seconds", "objective", "reason"):
        frame[name] = frame.get(name)
    names = labels(frame)
    several = frame["samples"].nunique() > 1
    return frame.assign(label=names + (", K = " + frame["samples"].astype(str) if several else ""))


def summary(frame: pandas.DataFrame, budget: str) -> pandas.DataFrame:
    """The end of one budget, best first: a row a label.

    `objective` is the mean over the seeds with its 95 % interval by Student's t, `behind` the
    mean difference to the best, paired by seed, with its interval; `tied` where that includes 0.
    `diverged` counts the seeds whose gradient stopped being finite.
    """
    ends = frame[(frame["budget"] == budget) & (frame["share"] == 1)]
    if ends.empty:
        return pandas.DataFrame()
    by_seed = ends.pivot(index="seed", columns="label", values="objective")
    whole = by_seed.replace(numpy.inf, numpy.nan)
    order = by_seed.mean().sort_values(kind="stable").index
    rows = []
    for label in order:
        part = ends[ends["label"] == label]
        row = {"label": label, "steps": part["steps"].mean(), "seeds": len(part)}
        row["diverged"] = int(numpy.isinf(part["objective"]).sum())
        row |= _with_ends("objective", whole[label].dropna())
        row |= _with_ends("behind", (whole[label] - whole[order[0]]).dropna())
        rows.append(row)
    found = pandas.DataFrame(rows)
    return found.assign(tied=(found["diverged"] == 0) & (found["behind_low"] <= 0))


def table(frame: pandas.DataFrame) -> Table:
    """Every estimator at the end of both budgets, best at equal evaluations first."""
    found = {name: summary(frame, name) for name in BUDGETS}
    titles = ["estimator"]
    for name in BUDGETS:
        titles += [f"at equal {name}", "behind the best", "steps"]
    lines = []
    for label in found["evaluations"].get("label", []):
        line = [label]
        for part in found.values():
            line += _written(part.set_index("label").loc[label])
        lines.append(line)
    return Table(titles, lines)


def start(frame: pandas.DataFrame) -> float:
    """The objective that all trainings started from."""
    return float(frame.loc[frame["share"] == 0, "objective"].iloc[0])


def refused(frame: pandas.DataFrame) -> dict[str, list[str]]:
    """The estimators that could not do it, by the reason."""
    rows = frame[frame["reason"].notna()]
    return {why: [*dict.fromkeys(part["label"])] for why, part in rows.groupby("reason")}


def over_budgets(frame: pandas.DataFrame, styles: Mapping[str, Style] | None = None) -> Figure:
    """The objective against evaluations and against seconds, mean over seeds with 95 % intervals.

    What lies above the start is cut off.
    """
    rows = frame[frame["objective"].notna()]
    chosen = [*summary(frame, "evaluations")["label"]]
    styles = styles or styles_of(chosen)
    height = max(2.8, 0.75 + 0.165 * len(chosen))
    right = max(len(label) for label in chosen) * 0.066 + 0.45
    with rc_context(SETTINGS):
        figure = Figure(figsize=(BROAD, height))
        width = (BROAD - right - 1.15) / 2
        for place, (name, title) in enumerate(BUDGETS.items()):
            left = (0.55 + place * (width + 0.6)) / BROAD
            axes = figure.add_axes((left, 0.45 / height, width / BROAD, 1 - 0.75 / height))
            _draw(axes, rows[rows["budget"] == name], name, chosen, styles)
            axes.set_xlabel(title)
            axes.set_title(f"objective at equal {name}", color=MUTED)
            plain(axes, "both")
        axes.legend(
            loc="center left", bbox_to_anchor=(1.04, 0.5), frameon=False, fontsize=7.5,
            handlelength=1.4, labelspacing=0.35, borderaxespad=0,
        )  # fmt: skip
    return figure


def page(frame: pandas.DataFrame) -> str:
    """The page of a comparison of trainings."""
    if frame["objective"].notna().any():
        drawn = export.data(to_svg(over_budgets(frame)))
        begun = numbers.number(start(frame), 4)
    else:
        drawn, begun = "", numbers.NOTHING
    data = {
        "site": [],
        "problem": frame["problem"].iloc[0],
        "seeds": frame["seed"].nunique(),
        "start": begun,
        "figure": drawn,
        "table": table(frame),
        "refused": refused(frame),
    }
    return render("outcome.html.j2", data)


def points_csv(frame: pandas.DataFrame) -> str:
    """Every point of every training."""
    return csv(frame)


FORMATS = {".html": page, ".csv": points_csv}  # for `rendering.write_as`


def _draw(axes: Axes, rows: pandas.DataFrame, name: str, chosen: list[str], styles) -> None:
    lowest = first = float(rows.loc[rows["share"] == 0, "objective"].iloc[0])
    for label in chosen:
        shares = rows[rows["label"] == label].groupby("share")
        at = shares[name].mean()
        points = [_with_ends("y", part) for _, part in shares["objective"]]
        y, low, high = ([point[f"y{end}"] for point in points] for end in ("", "_low", "_high"))
        style = styles[label]
        axes.vlines(at, low, high, colors=style.color, linewidth=1.0)
        axes.plot(
            at, y, linewidth=1.1, label=label,
            **style.points() | {"markersize": 3.5, "clip_on": True},
        )  # fmt: skip
        lowest = min(lowest, *(v for v in y if numpy.isfinite(v)))
    margin = 0.05 * (first - lowest) or 1.0
    axes.set_ylim(lowest - margin, first + margin)


def _with_ends(name: str, values: pandas.Series) -> dict[str, float]:
    """Mean and 95 % interval by Student's t; ends are NaN for fewer than two values."""
    n = len(values)
    value = float(values.mean()) if n else numpy.inf
    half = stdtrit(n - 1, 0.975) * values.std() / n**0.5 if n > 1 else numpy.nan
    return {name: value, f"{name}_low": value - half, f"{name}_high": value + half}


def _written(row: pandas.Series) -> list[str]:
    """The objective, how far it is behind the best, and the steps."""

    def ends(name: str) -> str:
        return numbers.interval(row[name], row[f"{name}_low"], row[f"{name}_high"])

    steps = f"{row['steps']:.0f}"
    if row["diverged"]:
        return [f"{row['diverged']} of {row['seeds']} diverged", numbers.NOTHING, steps]
    return [ends("objective"), ends("behind") if row["behind"] > 0 else "best", steps]
