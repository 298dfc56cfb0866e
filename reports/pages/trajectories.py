"""Variance and signal-to-noise ratio along trainings: figures, tables and their page."""

from collections.abc import Mapping

import pandas

from reports.figures import export
from reports.figures.matplotlib_files import drawing, to_svg
from reports.figures.style import MUTED, Style, log_axis, plain, styles_of
from reports.frames.rankings import ranking
from reports.frames.text_tables import Table, rows_of, setting
from reports.text import numbers

GROUP = ["trajectory", "samples", "device", "dtype"]
SHOWN = {"variance": "variance of one estimate", "snr": "signal-to-noise ratio"}
BROAD, MOST = 7.4, 20  # inches; lines in one figure, more cannot be told apart


def along(frame: pandas.DataFrame) -> pandas.DataFrame:
    """The measured cells of trainings that were measured at two steps or more, in order of step."""
    rows = ranking(frame)
    rows = rows[rows["trajectory"].notna() & rows["step"].notna()]
    several = rows.groupby(GROUP, dropna=False)["step"].transform("nunique") > 1
    return rows[several.astype(bool)].sort_values([*GROUP, "step"], kind="stable")


def content(rows: pandas.DataFrame) -> dict:
    """What the page of trajectories is made of; `rows` come from `along`."""
    styles = styles_of(rows["label"])
    drawn = [export.data(to_svg(over_steps(part, styles))) for part in _parts(rows)]
    return {
        "sections": [
            {"title": title, "figure": figure, "table": table}
            for (title, table), figure in zip(tables(rows), drawn, strict=True)
        ]
    }


def tables(rows: pandas.DataFrame) -> list[tuple[str, Table]]:
    """A title and a table for every training and K, on each device; `rows` come from `along`."""
    several = len(rows[["device", "dtype"]].drop_duplicates()) > 1
    return [
        (f"{part['trajectory'].iloc[0]}, {setting(part.iloc[0], several)}", table(part))
        for part in _parts(rows)
    ]


def table(part: pandas.DataFrame) -> Table:
    """One training at one K: a line an estimator, its variance and ratio at every step."""
    steps = sorted(part["step"].unique())
    cells = {(row["label"], row["step"]): row for row in rows_of(part)}
    titles = ["estimator", *(f"{name}, step {s}" for s in steps for name in ("variance", "SNR"))]
    lines = []
    for label in _quietest(part):
        found = [cells.get((label, step)) for step in steps]
        biased = any(row["biased"] for row in found if row)
        written = [text for row in found for text in (_with_ends(row, name) for name in SHOWN)]
        lines.append([f"○ {label}" if biased else label, *written])
    return Table(titles, lines)


def over_steps(part: pandas.DataFrame, styles: Mapping[str, Style] | None = None):
    """Variance and signal-to-noise ratio over the steps of one training, with 95 % intervals.

    Both axes of values are logarithmic; what is zero stands at the bottom. Hollow markers are
    biased. A line an estimator, the 20 that end quietest at most.
    """
    styles = styles or styles_of(part["label"])
    chosen = _quietest(part)[:MOST]
    part = part[part["label"].isin(chosen)]
    height = max(2.6, 0.75 + 0.165 * len(chosen))
    right = max(len(label) for label in chosen) * 0.066 + 0.45
    with drawing(BROAD, height) as figure:
        width = (BROAD - right - 1.15) / 2
        for place, name in enumerate(SHOWN):
            left = (0.55 + place * (width + 0.6)) / BROAD
            box = (left, 0.45 / height, width / BROAD, 1 - 0.75 / height)
            axes = figure.add_axes(box)
            _draw(axes, part, name, chosen, styles)
        axes.legend(
            loc="center left", bbox_to_anchor=(1.04, 0.5), frameon=False, fontsize=7.5,
            handlelength=1.4, labelspacing=0.35, borderaxespad=0,
        )  # fmt: skip
    return figure


def _draw(axes, part: pandas.DataFrame, name: str, labels: list[str], styles) -> None:
    ends = part[[name, f"{name}_low", f"{name}_high"]]
    floor = log_axis(axes, "y", ends.to_numpy(float).ravel())
    for label in labels:
        rows = part[part["label"] == label]
        at, (value, low, high) = rows["step"].astype(float), (rows[c] for c in ends.columns)
        look = styles[label]
        axes.vlines(at, low.clip(lower=floor), high.clip(lower=floor), colors=look.color, lw=1.0)
        shown = value.clip(lower=floor)
        axes.plot(at, shown, color=look.color, linewidth=1.1, label="_nolegend_")
        for x, y, biased in zip(at, shown, rows["biased"], strict=True):
            axes.plot(x, y, **look.points(biased) | {"markersize": 4.5})
        axes.plot([], [], linewidth=1.1, label=label, **look.points() | {"markersize": 4.5})
    steps = sorted(part["step"].unique())
    axes.set_xticks(steps, [str(step) for step in steps])
    axes.minorticks_off()
    axes.set_xlabel("step of the training")
    axes.set_title(SHOWN[name], color=MUTED)
    plain(axes, "both")


def _parts(rows: pandas.DataFrame) -> list[pandas.DataFrame]:
    return [part for _, part in rows.groupby(GROUP, sort=False, dropna=False)]


def _quietest(part: pandas.DataFrame) -> list[str]:
    """The estimators by their variance at the last step, the quietest first."""
    last = part.drop_duplicates("label", keep="last")
    return [*last.sort_values(["variance", "label"], kind="stable")["label"]]


def _with_ends(row: dict | None, name: str) -> str:
    if row is None:
        return numbers.NOTHING
    return numbers.interval(*(row[f"{name}{end}"] for end in ("", "_low", "_high")))
