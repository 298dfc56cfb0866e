"""Who wins where: maps of the best estimator at equal time over a grid of parameters."""

import html
from pathlib import Path

import pandas
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Polygon

from reports.figures.matplotlib_files import to_svg
from reports.figures.style import GRID, INK, MUTED, SETTINGS, styles_of
from reports.frames.recommendation import by_work, tied_with_best

PREFIX = "sweep_"  # of the columns that hold the point of the grid
SHOWN = 2  # winners drawn in one cell, as triangles


def axes_of(frame: pandas.DataFrame) -> list[str]:
    """The swept parameters, in the order of the command."""
    return [name.removeprefix(PREFIX) for name in frame.columns if name.startswith(PREFIX)]


def winners(frame: pandas.DataFrame) -> pandas.DataFrame:
    """One row per point: `best`, its `work_variance`, and `tied`: who is not told apart from it.

    Among those not shown to be biased at that point; an estimator without any variance is best,
    the fastest such one first. `next` is the best that is told apart, and `ratio` its work over
    the best's, with a 95 % interval. Points where nobody could be measured have no `best`.
    """
    axes = [PREFIX + name for name in axes_of(frame)]
    rows = []
    for point, part in frame.groupby(axes, sort=True, dropna=False):
        place = dict(zip(axes, point, strict=True))
        ranked = by_work(part.drop(columns=axes))
        fair = ranked[ranked["eligible"]]
        if fair.empty:
            rows.append({**place, "best": None, "tied": []})
            continue
        several = frame["samples"].nunique() > 1
        names = fair["label"] + (" (K = " + fair["samples"].astype(str) + ")" if several else "")
        best, tied, apart = tied_with_best(fair)
        row = {**place, "best": names[best.name], "work_variance": best["work_variance"]}
        row["tied"] = [names[index] for index in tied if index != best.name]
        if apart is not None:
            index, ratio = apart
            row |= {"next": names[index], "ratio": ratio[0], "ratio_low": ratio[1]}
            row["ratio_high"] = ratio[2]
        rows.append(row)
    return pandas.DataFrame(rows)


def regime_map(frame: pandas.DataFrame) -> Figure:
    """A cell for each point in the colour of its winner; tied winners share the cell.

    The first swept parameter is the horizontal axis, the second the vertical one; of further ones
    only the first value is drawn.
    """
    won = winners(frame)
    axes = axes_of(frame)
    for name in axes[2:]:
        won = won[won[PREFIX + name] == won[PREFIX + name].iloc[0]]
    across = sorted(won[PREFIX + axes[0]].unique())
    up = sorted(won[PREFIX + axes[1]].unique()) if len(axes) > 1 else [0.0]
    styles = styles_of({name for row in won.itertuples() for name in _drawn(row)})
    with rc_context(SETTINGS):
        figure = Figure(figsize=(2.2 + 0.45 * len(across), 1.9 + 0.42 * len(up)))
        panel = figure.add_subplot()
        for row in won.to_dict("records"):
            x = across.index(row[PREFIX + axes[0]])
            y = up.index(row[PREFIX + axes[1]]) if len(axes) > 1 else 0
            _cell(panel, x, y, [styles[name].color for name in _drawn(row)])
        panel.set(xlim=(-0.5, len(across) - 0.5), ylim=(-0.5, len(up) - 0.5), xlabel=axes[0])
        panel.set_xticks(range(len(across)), [f"{value:.3g}" for value in across], rotation=45)
        panel.set_yticks([], [])
        if len(axes) > 1:
            panel.set_yticks(range(len(up)), [f"{value:.3g}" for value in up])
            panel.set_ylabel(axes[1])
        panel.set_title("least variance × seconds; split cells are tied", color=INK)
        keys = [Patch(facecolor=style.color, label=name) for name, style in sorted(styles.items())]
        panel.legend(
            handles=keys, loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False,
            labelcolor=MUTED,
        )  # fmt: skip
        figure.set_layout_engine("constrained")
    return figure


def write_page(frame: pandas.DataFrame, path: Path) -> Path:
    """One HTML file with the map and its table, without scripts or the network."""
    table = printable(winners(frame)).to_html(index=False, border=0, na_rep="")
    title = html.escape(str(frame["problem"].iloc[0]).partition("[")[0])
    svg = to_svg(regime_map(frame)).decode()
    style = (
        "body{font:15px system-ui;margin:2em;max-width:70em}td,th{padding:2px 10px;text-align:left}"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        f'<!doctype html><meta charset="utf-8"><title>{title}</title><style>{style}</style>'
        f"<h1>{title}: who wins where</h1>{svg[svg.index('<svg') :]}{table}"
    )
    return path


def printable(won: pandas.DataFrame) -> pandas.DataFrame:
    """`winners` as words: the ratio with its interval in one column."""
    shown = won.rename(columns=lambda name: name.removeprefix(PREFIX)).drop(
        columns=["work_variance", "ratio", "ratio_low", "ratio_high"], errors="ignore"
    )
    for name in axes_of(won):
        shown[name] = won[PREFIX + name].map("{:.4g}".format)
    shown["best"] = won["best"].fillna("nobody")
    shown["tied"] = won["tied"].map(", ".join)
    if "ratio" in won:
        shown["× [95 %]"] = [
            ""
            if pandas.isna(row.ratio)
            else f"{row.ratio:.3g} [{row.ratio_low:.3g}, {row.ratio_high:.3g}]"
            for row in won.itertuples()
        ]
    return shown


def _drawn(row) -> list[str]:
    row = row if isinstance(row, dict) else row._asdict()
    return [] if pandas.isna(row["best"]) else [row["best"], *row["tied"]][:SHOWN]


def _cell(panel, x: float, y: float, colors: list[str]) -> None:
    left, right, low, high = x - 0.5, x + 0.5, y - 0.5, y + 0.5
    corners = {
        0: [],
        1: [[(left, low), (right, low), (right, high), (left, high)]],
        2: [[(left, low), (right, low), (left, high)], [(right, high), (right, low), (left, high)]],
    }[len(colors)]
    for color, corner in zip(colors, corners, strict=True):
        panel.add_patch(Polygon(corner, facecolor=color, edgecolor=GRID, linewidth=0.7))
