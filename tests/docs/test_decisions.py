"""README's decision table and the maps: from the atlas' data, and measured again."""

import sys
from pathlib import Path

import pandas
import pytest

import estimators
from benchmarks import compare, problems
from benchmarks.atlas.maps import MAPS, TEMPERATURE_PROBLEM

pytest.importorskip("pyarrow")
DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))

import decisions  # noqa: E402 beside the pages it makes

from reports.atlas import data, page, regions  # noqa: E402

TABLE = data.read(DOCS / "atlas")
FOUND = decisions.decisions(TABLE)


def overlap(row, kept):
    """Whether the 95 % intervals of two variances meet."""
    return row["variance_low"] < kept[2] and row["variance_high"] > kept[1]


def test_the_tables_are_those_of_the_data():
    table = decisions._table(FOUND)
    assert "\n".join(table) in decisions.PAGE.read_text(), "python docs/decisions.py"
    assert decisions.short(table) in decisions.README.read_text()
    assert list(FOUND) == list(decisions.ROWS)


@pytest.mark.parametrize("name", ["von-mises-cosine", "poisson-quadratic"])
def test_a_row_measured_again_is_inside_its_interval(name):
    kept = FOUND[name]
    frame = compare(problems.load(name), kept["best"][:1], samples=kept["samples"],
                    replicates=1500, seed=5)  # fmt: skip
    assert overlap(frame.iloc[0], kept["variance"])


def test_a_row_of_another_estimator_would_be_outside():
    kept = FOUND["von-mises-cosine"]
    frame = compare(problems.load("von-mises-cosine"), ["reinforce-loo"], samples=4,
                    replicates=1500, seed=5)  # fmt: skip
    assert not overlap(frame.iloc[0], kept["variance"])


def test_nobody_is_named_who_is_biased():
    for row in FOUND.values():
        assert not {*row["best"]} & {*row["biased_but_quieter"]}
        for name in row["best"]:
            assert estimators.about(name)["unbiased"]


@pytest.mark.parametrize("name", [one.name for one in MAPS])
def test_a_map_is_that_of_the_data(name):
    if name not in regions.names(TABLE):
        pytest.skip(f"the atlas has no point of {name} yet")
    won = regions.region(TABLE, name)
    kept = pandas.read_csv(DOCS / "atlas" / f"{name}.csv")
    assert list(kept["best"]) == [" = ".join(best) for best in won["best"]]
    assert page.summary(won) in (DOCS / "atlas" / "index.md").read_text()


def test_the_map_of_temperatures_is_that_of_the_data():
    won = regions.temperatures(TABLE, TEMPERATURE_PROBLEM)
    kept = pandas.read_csv(DOCS / "atlas" / "temperature.csv")
    assert list(kept["best"].fillna("")) == [" = ".join(best) for best in won["best"]]


@pytest.mark.parametrize("name", ["bits", "concentration"])
def test_a_cell_of_a_map_measured_again_is_inside_its_interval(name):
    if name not in regions.names(TABLE):
        pytest.skip(f"the atlas has no point of {name} yet")
    (one,) = (each for each in MAPS if each.name == name)
    problem = one.problem(one.across[1][2], one.up[1][1])
    (best, *_) = regions.region(TABLE, name).set_index([one.across[0], one.up[0]])["best"][
        one.across[1][2], one.up[1][1]
    ]
    rows = TABLE[(TABLE["problem"] == problem.name) & (TABLE["estimator"] == best)]
    kept = rows.iloc[0][["variance", "variance_low", "variance_high"]].tolist()
    again = compare(problem, [best], samples=4, replicates=1500, seed=5).iloc[0]
    assert overlap(again, kept)
