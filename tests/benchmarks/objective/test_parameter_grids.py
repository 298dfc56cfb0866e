"""Maps of who wins where, and the grids under them."""

import pandas
import pytest
import torch
from click.testing import CliRunner
from torch.distributions import Normal

from benchmarks import Problem, ProblemError
from benchmarks.objective.parameter_grids import axis, grid
from gradmeter import main
from reports.figures.matplotlib_files import to_svg
from reports.pages.regimes import regime_map, winners

NORMAL = Problem("n", {"loc": torch.zeros(2), "scale": torch.ones(2)}, Normal, lambda x: x.square())


def cell(estimator, point, work, spread=1.05, **more):
    return {
        "problem": f"n[{point}]", "estimator": estimator, "config": "{}", "samples": 1,
        "status": "ok", "device": "cpu", "dtype": "float64", "replicates": 1000, "seed": 0,
        "unhealthy": 0.0, "zero": 0.0, "gradient_norm": 1.0, "bias_p": 0.5, "bias2": 0.0,
        "bias_verdict": "undetermined", "variance": work, "variance_low": work / spread,
        "variance_high": work * spread, "seconds": 1.0, "work_variance": work,
        "work_variance_low": work / spread, "work_variance_high": work * spread,
        "sweep_loc": point, **more,
    }  # fmt: skip


def test_axes():
    assert axis("loc=-3:3:4") == ("loc", (-3.0, -1.0, 1.0, 3.0))
    assert axis("scale=0.1,1,10") == ("scale", (0.1, 1.0, 10.0))


@pytest.mark.parametrize("text", ["loc", "loc=", "loc=1:2", "loc=a,b", "loc=1:2:x", "loc=nan"])
def test_no_axis(text):
    with pytest.raises(ProblemError, match="is no sweep"):
        axis(text)


def test_a_grid_fills_the_parameter():
    points = list(grid(NORMAL, [axis("loc=0,1"), axis("scale=2,3")]))
    assert [point for point, _ in points][1] == {"loc": 0.0, "scale": 3.0}
    assert points[3][1].name == "n[loc=1,scale=3]"
    assert points[3][1].parameters["scale"].tolist() == [3.0, 3.0]


def test_a_grid_of_what_is_not_there():
    with pytest.raises(ProblemError, match="no parameter 'rate' to sweep; it has loc, scale"):
        list(grid(NORMAL, [axis("rate=1,2")]))
    with pytest.raises(ProblemError, match="coarser"):
        list(grid(NORMAL, [axis("loc=0:1:40"), axis("scale=1:2:40")]))


def test_winners_and_ties():
    biased = {"bias_p": 1e-50, "bias2": 0.1, "bias_verdict": "biased"}
    frame = pandas.DataFrame(
        [
            cell("a", 0, 1.0), cell("b", 0, 2.0), cell("c", 0, 0.1, **biased),
            cell("a", 1, 1.0), cell("b", 1, 1.02), cell("c", 1, 3.0),
            cell("a", 2, 1.0, status="refused", reason="no"),
            cell("a", 3, 0.0), cell("b", 3, 0.5),
        ]
    )  # fmt: skip
    won = winners(frame).set_index("sweep_loc")
    assert won["best"].fillna("nobody").to_list() == ["a", "a", "nobody", "a"]
    assert won["tied"].to_list() == [[], ["b"], [], []]
    assert won.loc[0, "next"] == "b"
    assert won.loc[0, "ratio"] == pytest.approx(2.0)
    assert won.loc[0, "ratio_low"] < 2 < won.loc[0, "ratio_high"]
    drawn = to_svg(regime_map(frame)).decode()
    assert "split cells are tied" in drawn


def test_the_command_draws_a_map(tmp_path):
    arguments = ["torch.distributions:Normal", "loc=1", "scale=1", "--cost", "cosine", "-K", "1"]
    arguments += ["-R", "1000", "-e", "pathwise", "-e", "reinforce"]
    arguments += ["--sweep", "loc=0,1", "--sweep", "scale=0.1,4"]
    page, table = tmp_path / "map.html", tmp_path / "map.csv"
    for out in (page, table):
        done = CliRunner().invoke(main, ["compare", *arguments, "--out", str(out)])
        assert done.exit_code == 0, done.output
        assert "who wins where" in done.stdout
    assert "<script" not in page.read_text()
    frame = pandas.read_csv(table)
    assert len(frame) == 2 * 2 * 2
    won = winners(frame).set_index(["sweep_loc", "sweep_scale"])
    assert won.loc[(0, 0.1), "best"] == "pathwise"
    assert won.loc[(1, 4.0), "best"] == "reinforce"  # cos varies too fast for its slope
