"""The page of the atlas: each map as a picture, what it shows in words, and its numbers as CSV."""

from collections.abc import Mapping
from pathlib import Path

import pandas

from reports.atlas import regions
from reports.atlas.drawing import draw
from reports.figures.matplotlib_files import to_png
from reports.text.inert import csv
from reports.text.phrases import counted
from reports.text.rendering import write_whole

DPI = 110
LEAST = "least variance × evaluations among the unbiased"
ERROR = "least bias² + variance / n"


def write(
    table: pandas.DataFrame, folder: Path, titles: Mapping[str, str], temperatures: str
) -> list[Path]:
    """Write index.md, and NAME.png and NAME.csv of each map; the paths.

    - `table`: the atlas' data.
    - `titles`: of the maps by name: the law and the cost.
    - `temperatures`: the problem of the map of temperatures.
    """
    found = {name: (titles[name], regions.region(table, name), LEAST)
             for name in titles if name in regions.names(table)}  # fmt: skip
    points = regions.temperatures(table, temperatures)
    if len(points):
        found["temperature"] = (
            f"Relaxations against {regions.PLAIN} on {temperatures}",
            points,
            ERROR,
        )
    written, sections = [], []
    for name, (title, won, shown) in found.items():
        figure = draw(won, f"{shown}; stripes are ties")
        written.append(write_whole(folder / f"{name}.png", to_png(figure, DPI)))
        plain = won.assign(best=won["best"].map(" = ".join))
        written.append(write_whole(folder / f"{name}.csv", csv(plain)))
        rivals = "" if shown == ERROR else _rivals(table, name)
        sections += _section(name, title, won, shown, rivals)
    text = "\n".join([*_head(table), *sections])
    return [write_whole(folder / "index.md", text), *written]


def _head(table: pandas.DataFrame) -> list[str]:
    measured = table[table["status"] == "ok"]
    return [
        "# The atlas: who wins where",
        "",
        f"{len(measured):,} measured cells of {counted(table['problem'].nunique(), 'problem')}, "
        "made by `make atlas`: [the data](datasheet.md), one row a cell.",
        "What is compared is variance at equal numbers of cost evaluations, which is the same on "
        "every machine. An",
        "estimator has one colour on all maps; a striped cell is a tie (95 % intervals, paired by "
        "random numbers).",
        "",
    ]


def _rivals(table: pandas.DataFrame, name: str) -> str:
    """Who was measured on a map, in a sentence."""
    on = table["problem"].str.startswith(f"atlas-{name}[") & (table["status"] == "ok")
    names = sorted(table.loc[on, "estimator"].unique())
    return f"Measured: {', '.join(f'`{each}`' for each in names)}. "


def _section(name: str, title: str, won: pandas.DataFrame, shown: str, rivals: str) -> list[str]:
    again = f"`gradmeter atlas --part maps -p 'atlas-{name}*'` measures it again"
    if shown == ERROR:
        again = (
            "n = evaluations spent / evaluations of one estimate, averaged. The relaxations have "
            f"the temperature of their column; {regions.PLAIN} has none"
        )
    return [
        f"## {title}",
        "",
        f"![{title}: {shown}, by {won.columns[0]} and {won.columns[1]}]({name}.png)",
        "",
        f"{rivals}{summary(won)} {again}; [each point with the next best]({name}.csv).",
        "",
    ]


def summary(won: pandas.DataFrame) -> str:
    """How often each estimator is among the best, and alone."""
    among = won["best"].explode().value_counts()
    alone = won.loc[won["best"].str.len() == 1, "best"].str[0].value_counts()
    order = sorted(among.index, key=lambda name: (-among[name], name))
    parts = (f"`{name}` {among[name]} ({alone.get(name, 0)} alone)" for name in order)
    return f"Among the best of {counted(len(won), 'point')}: {', '.join(parts)}."
