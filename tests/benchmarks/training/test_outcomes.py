"""Outcome mode: trainings that are equal in all but the estimator, and what is said of them."""

from dataclasses import dataclass, replace

import pandas
import pytest
import torch
from click.testing import CliRunner
from torch.distributions import Bernoulli, Normal

import estimators
from benchmarks import Problem
from benchmarks.training.outcomes import POINTS, Budget, objective, outcomes, start_of, train
from gradmeter import main
from reports.pages import training

SMALL = Budget(evaluations=200, seconds=1e-3, learning_rate=0.05)


@dataclass(frozen=True)
class Uphill(estimators.Estimator):
    """Pathwise with the wrong sign."""

    def surrogate(self, dist, cost, samples=1):
        return -estimators.create("pathwise").surrogate(dist, cost, samples)


@dataclass(frozen=True)
class Infinite(estimators.Estimator):
    """A gradient that is not finite."""

    def surrogate(self, dist, cost, samples=1):
        return estimators.create("pathwise").surrogate(dist, cost, samples) * float("inf")


@pytest.fixture
def planted():
    estimators.register("uphill")(Uphill)
    estimators.register("infinite")(Infinite)


def normal(loc=2.0):
    """E (x − 0.5)² at Normal(loc, 1) is (loc − 0.5)² + 1."""
    parameters = {"loc": torch.tensor(loc, dtype=torch.float64)}
    return Problem("toy", parameters, lambda loc: Normal(loc, 1.0), lambda x: (x - 0.5).square())


def ends(rows, name="evaluations"):
    frame = training.framed([row for found in rows for row in found])
    return training.summary(frame, name).set_index("label")


def test_the_objective_is_exact_where_it_is_a_sum_and_common_where_it_is_not():
    bits = Problem(
        "bits",
        {"logits": torch.tensor([0.3, -1.0])},
        lambda logits: Bernoulli(logits=logits),
        lambda x: (x - 0.45).square(),
    )
    exact = (bits.dist().probs * 0.55**2 + (1 - bits.dist().probs) * 0.45**2).mean()
    assert objective(bits) == pytest.approx(float(exact), rel=1e-6)
    assert objective(normal()) == objective(normal())
    assert objective(normal()) == pytest.approx(3.25, abs=4 * 3.3 / 512**0.5)


def test_training_spends_its_budgets_and_comes_down():
    rows = list(train(normal(), estimators.create("pathwise"), 1, 0, SMALL))
    for name in ("evaluations", "seconds"):
        own = [row for row in rows if row["budget"] == name]
        assert [row["share"] for row in own] == [i / POINTS for i in range(POINTS + 1)]
        assert own[-1][name] >= getattr(SMALL, name)
    last = next(row for row in rows if row["budget"] == "evaluations" and row["share"] == 1)
    assert (last["steps"], last["evaluations"]) == (200, 200)
    assert last["objective"] == pytest.approx(1.0, abs=0.3)
    assert rows[0]["objective"] > 3


def test_the_same_seed_trains_the_same_and_draws_nothing_from_outside():
    before = torch.get_rng_state()
    once, again, other = (
        [r["objective"] for r in train(normal(), estimators.create("reinforce"), 4, seed, SMALL)
         if r["budget"] == "evaluations"]
        for seed in (0, 0, 1)
    )  # fmt: skip
    assert once == again != other
    assert torch.equal(torch.get_rng_state(), before)


def test_equal_evaluations_are_fewer_steps_with_more_samples():
    found = ends(outcomes(normal(), ["pathwise"], [1, 4], 2, SMALL))
    assert found.loc["pathwise, K = 1", "steps"] == 200
    assert found.loc["pathwise, K = 4", "steps"] == 50


def test_what_is_learned_at_the_start_counts_and_a_memory_goes_on_with_its_seed():
    (moving,) = outcomes(normal(), ["reinforce-ema"], [1], 1, SMALL)
    last = next(row for row in moving if row["budget"] == "evaluations" and row["share"] == 1)
    assert last["evaluations"] == 200
    assert last["steps"] == 200 - 19  # calls that settle an average of decay 0.9
    alone = list(train(normal(), estimators.create("reinforce-ema"), 1, 0, SMALL))
    both = list(outcomes(normal(), ["reinforce-ema"], [1], 2, SMALL))
    assert both[1][-1]["objective"] != both[0][-1]["objective"]
    assert [r["objective"] for r in alone if r["budget"] == "evaluations"] == [
        r["objective"] for r in both[0] if r["budget"] == "evaluations"
    ]


def test_a_wrong_estimator_is_told_apart_and_a_broken_one_diverges(planted):
    found = ends(outcomes(normal(), ["uphill", "pathwise", "infinite"], [1], 3, SMALL))
    assert found.index[0] == "pathwise"
    assert found.loc["pathwise", "tied"]
    assert found.loc["uphill", "behind_low"] > 1
    assert not found.loc["uphill", "tied"]
    assert found.loc["infinite", "diverged"] == 3
    assert not found.loc["infinite", "tied"]


def test_a_refusal_is_a_row_with_its_reason():
    rows = list(outcomes(normal(), ["gumbel-softmax", "reinforce-loo"], [1], 2, SMALL))
    frame = training.framed([row for found in rows for row in found])
    assert len(training.refused(frame)) == 2
    assert training.summary(frame, "evaluations").empty


def test_problems_with_stages_start_at_the_first_and_nonsense_is_refused():
    assert start_of("vae-digits-weights").name == "vae-digits-weights@start"
    assert start_of("normal-quadratic").name == "normal-quadratic"
    with pytest.raises(ValueError, match="Did you mean"):
        start_of("vae-digit")
    with pytest.raises(ValueError, match="evaluations must be above 0"):
        Budget(evaluations=0)


def test_weights_behind_a_network_are_trained():
    """The network doubles its weight: the optimum is where 2 w = 0.5."""
    weights = {"w": torch.tensor(1.0, dtype=torch.float64)}
    behind = replace(normal(), weights=weights, network=lambda w: {"loc": 2 * w})
    rows = list(train(behind, estimators.create("pathwise"), 4, 0, SMALL))
    assert rows[-1]["objective"] < rows[0]["objective"] - 1.5


def test_the_command_prints_and_writes(tmp_path):
    arguments = ["train", "bernoulli-10-quadratic", "-e", "reinforce", "-e", "pathwise", "-e"]
    arguments += ["enumeration", "--seeds", "2", "--evaluations", "64", "--seconds", "0.001"]
    done = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "a.html")])
    assert done.exit_code == 0, done.output
    assert "at equal evaluations" in done.output
    assert "use" in done.output  # why pathwise was refused
    page = (tmp_path / "a.html").read_text()
    assert "data:image/svg+xml" in page
    assert "http" not in page.replace("http-equiv", "")
    assert CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "a.csv")]).exit_code == 0
    frame = pandas.read_csv(tmp_path / "a.csv")
    assert {"budget", "share", "objective", "label"} <= set(frame)
    wrong = CliRunner().invoke(main, [*arguments, "--out", "a.txt"])
    assert wrong.exit_code == 2
    assert "no known format" in wrong.output
