"""A map as a figure: a cell for each point, in the fixed colours of who wins there."""

import pandas
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from reports.figures.style import COLORS, GRID, INK, MUTED, PAPER, SETTINGS, power, styles_of

BLUE, VERMILION, GREEN, PINK, ORANGE, SKY, GREY, PURPLE, BROWN = COLORS
LOOKS = {  # the same on every map: a colour for a kind, hatches within it
    "pathwise": (BLUE, ""),
    "rqmc-pathwise": (BLUE, "///"),
    "antithetic-pathwise": (SKY, ""),
    "generalised-reparameterisation": (SKY, "///"),
    "reinforce": (VERMILION, ""),
    "reinforce-optimal": (VERMILION, "///"),
    "reinforce-loo": (ORANGE, ""),
    "reinforce-placement": (ORANGE, "///"),
    "pl-rank": (ORANGE, "..."),
    "measure-valued": (GREEN, ""),
    "local-expectation": (GREEN, "///"),
    "disarm": (PINK, ""),
    "arms": (PINK, "///"),
    "stratified": (PURPLE, ""),
    "sum-and-sample": (PURPLE, "///"),
    "unordered-set": (PURPLE, "..."),
    "gumbel-softmax": (BROWN, ""),
    "gumbel-softmax-hard": (BROWN, "///"),
    "gumbel-rao": (BROWN, "..."),
    "evolution-strategies": (GREY, ""),
    "spsa": (GREY, "///"),
}


def look(name: str) -> tuple[str, str]:
    """Colour and hatch of an estimator; of one that is not listed, by its name, with crosses."""
    return LOOKS.get(name) or (styles_of([name])[name].color, "xx")


def draw(points: pandas.DataFrame, title: str) -> Figure:
    """The map of `regions.region` or `regions.temperatures`: its first two columns are the axes.

    A cell whose winners are tied is striped in the colours of all of them, in equal parts; one
    where nobody was measured stays empty. `title` says what is shown.
    """
    across, up = points.columns[:2]
    columns, rows = (sorted(points[name].unique()) for name in (across, up))
    with rc_context(SETTINGS | {"hatch.linewidth": 0.8, "hatch.color": PAPER}):
        width, height = 3.6 + 0.52 * len(columns), 1.5 + 0.42 * len(rows)
        figure = Figure(figsize=(width, max(height, 2.6)))
        panel = figure.add_subplot()
        for row in points.to_dict("records"):
            _cell(panel, columns.index(row[across]), rows.index(row[up]), row["best"])
        panel.set(xlim=(-0.5, len(columns) - 0.5), ylim=(-0.5, len(rows) - 0.5))
        panel.set_xlabel(across)
        panel.set_ylabel(up)
        panel.set_xticks(range(len(columns)), [_tick(value) for value in columns])
        panel.set_yticks(range(len(rows)), [_tick(value) for value in rows])
        panel.tick_params(length=0)
        panel.set_title(title, color=INK)
        _legend(panel, {name for best in points["best"] for name in best})
        figure.set_layout_engine("constrained")
    return figure


def _tick(value: float) -> str:
    return power(value) if value >= 1e4 else f"{value:g}"


def _cell(panel, x: int, y: int, names: list[str]) -> None:
    """Equal upright stripes, one for each of the tied."""
    for place, name in enumerate(names):
        color, hatch = look(name)
        panel.add_patch(
            Rectangle((x - 0.5 + place / len(names), y - 0.5), 1 / len(names), 1,
                      facecolor=color, hatch=hatch, edgecolor=PAPER, linewidth=0)
        )  # fmt: skip
    panel.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, fill=False, edgecolor=PAPER, linewidth=1.6))


def _legend(panel, names: set[str]) -> None:
    order = [name for name in LOOKS if name in names] + sorted(names - {*LOOKS})
    keys = []
    for name in order:
        color, hatch = look(name)
        keys.append(Patch(facecolor=color, hatch=hatch, edgecolor=PAPER, linewidth=0, label=name))
    panel.legend(handles=keys, loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False,
                 labelcolor=MUTED, handlelength=2.4, handleheight=1.4)  # fmt: skip
    for side in panel.spines.values():
        side.set_color(GRID)
