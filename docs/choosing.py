"""The maps of docs/choosing-and-ordering.md: `python docs/choosing.py k` or `… sharpness`.

Each measures its grid, writes the records to docs/choosing/NAME.csv, draws docs/choosing/NAME.png
from that file, and prints how far the biased estimators point off the exact gradient.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pandas

from benchmarks import compare
from benchmarks.atlas.grids import chosen, ranked
from reports.pages.regimes import regime_map, winners

HERE = Path(__file__).parent / "choosing"
SAMPLES, REPLICATES = 4, 2_000
SIZES, SHARPNESS = (1, 2, 3, 5, 7, 9), (0.3, 1.0, 3.0)
LENGTHS, SHARPER = (3, 4, 5, 6), (0.1, 0.3, 1.0, 3.0, 10.0)
SUBSETS = (
    "reinforce", "reinforce-loo", "reinforce-optimal", "unordered-set", "sum-and-sample",
    "simple", "i-mle", "aimle",
)  # fmt: skip
RANKINGS = (
    "reinforce", "reinforce-loo", "reinforce-optimal", "unordered-set", "reinforce-placement",
    "pl-rank",
)  # fmt: skip


MAPS = {
    "k": (chosen, SUBSETS, ("k", SIZES), ("sharpness", SHARPNESS)),
    "sharpness": (ranked, RANKINGS, ("sharpness", SHARPER), ("n", LENGTHS)),
}


def measured(name: str) -> Iterator[pandas.DataFrame]:
    """The rows of every point of a map."""
    build, names, (across, columns), (upwards, rows) = MAPS[name]
    for column in columns:
        for row in rows:
            frame = compare(
                build(column, row), list(names), samples=(SAMPLES,), replicates=REPLICATES
            )
            frame[f"sweep_{across}"], frame[f"sweep_{upwards}"] = float(column), float(row)
            yield frame


def draw(name: str) -> None:
    """The map of the records in docs/choosing/NAME.csv."""
    frame = pandas.read_csv(HERE / f"{name}.csv", keep_default_na=False, na_values=[""])
    regime_map(frame).savefig(HERE / f"{name}.png", dpi=110)
    won = winners(frame)
    print(won[[c for c in won.columns if c.startswith("sweep_")] + ["best", "tied"]].to_string())
    biased = frame[frame["bias_verdict"] == "biased"]
    at = [c for c in frame.columns if c.startswith("sweep_")]
    if len(biased):
        print(biased.pivot_table("direction_bias", at, "estimator").round(2).to_string())
    print(frame.pivot_table("variance", at, "estimator").round(4).to_string())


def main(name: str) -> None:
    """Measure one map and draw it."""
    HERE.mkdir(exist_ok=True)
    pandas.concat(measured(name)).to_csv(HERE / f"{name}.csv", index=False)
    draw(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
