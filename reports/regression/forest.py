"""The ratios of a regression report as a forest: head over base with 95 % intervals."""

from collections.abc import Mapping, Sequence
from itertools import compress

from matplotlib import rc_context
from matplotlib.figure import Figure

from reports.figures.plots import LETTER, WIDTH
from reports.figures.style import INK, MUTED, PAPER, SETTINGS, log_axis, plain

MOST = 40  # lines that a reader still looks at
NARROW = 1.5  # ratios up to it stand on a linear axis
STYLES = {  # colour and marker of a verdict
    "regressed": ("#d55e00", "s"),
    "improved": ("#009e73", "o"),
    "unstable": ("#e69f00", "D"),
}


def shown(cells: Sequence[Mapping]) -> list[Mapping]:
    """Findings with a ratio and an interval that say something, the largest change first."""
    rows = [
        cell
        for cell in cells
        if cell["verdict"] in STYLES and cell.get("ratio") and cell.get("ratio_low")
    ]
    rows.sort(key=lambda row: (list(STYLES).index(row["verdict"]), -abs(row.get("change") or 0)))
    return rows[:MOST]


def forest(rows: Sequence[Mapping]) -> Figure:
    """One line a finding. Hollow: its interval was not confirmed."""
    names, shared = _names(rows)
    left = min(max(map(len, names)), 62) * LETTER + 0.1
    width, height = left + WIDTH - 1.2, 0.57 + 0.21 * len(rows)
    with rc_context(SETTINGS):
        figure = Figure(figsize=(width, height))
        box = (left / width, 0.42 / height, 1 - (left + 0.2) / width, 1 - 0.47 / height)
        axes = figure.add_axes(box)
        ends = [row[name] for row in rows for name in ("ratio", "ratio_low", "ratio_high")]
        if max(ends) < NARROW and min(ends) > 1 / NARROW:
            margin = 0.1 * (max(1.05, *ends) - min(0.95, *ends))
            axes.set_xlim(min(0.95, *ends) - margin, max(1.05, *ends) + margin)
        else:
            log_axis(axes, "x", [0.95, 1.05, *ends])
        for place, row in enumerate(rows):
            color, marker = STYLES[row["verdict"]]
            axes.hlines(place, row["ratio_low"], row["ratio_high"], colors=color, linewidth=1.4)
            face = color if row.get("confirmed") else PAPER
            axes.plot(row["ratio"], place, color=color, marker=marker, markersize=5.5,
                      markerfacecolor=face, clip_on=False)  # fmt: skip
        axes.axvline(1, color=MUTED, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        axes.set_yticks(range(len(rows)), [name[:62] for name in names], color=INK)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlabel(f"{shared}head over base", x=1, ha="right")
        plain(axes, "x")
    return figure


def _names(rows: Sequence[Mapping]) -> tuple[list[str], str]:
    """A name for each row, and apart from them what all rows have in common."""
    parts = [(r["problem"], r["estimator"], f"K = {r['samples']}", r["metric"]) for r in rows]
    same = [len(set(column)) == 1 and len(rows) > 1 for column in zip(*parts, strict=True)]
    if all(same):  # two configurations of one estimator
        same = [False] * len(same)
    own = [" · ".join(compress(each, (not one for one in same))) for each in parts]
    shared = ", ".join(compress(parts[0], same))
    return own, f"{shared}: " if shared else ""
