"""What a cell's numbers cannot be trusted with."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

from benchmarks import Problem
from benchmarks.measuring import rare_events
from benchmarks.measuring.cell import Cell
from benchmarks.measuring.diagnostics import cautions, wrong_sampler
from benchmarks.measuring.rare_events import FEWEST, times_away
from estimators import create

FINE = {
    "zero": 0.0,
    "variance": 1.0,
    "bias_verdict": "biased",
    "bias_p": 1e-9,
    "gradient_norm": 1.0,
}


class Wider(Normal):
    """A sampler that is 1.2 times too wide for its own density."""

    def sample(self, sample_shape=()):
        return self.loc + 1.2 * (super().sample(sample_shape) - self.loc)


def cell(family, *values, samples=1):
    parameters = {"a": torch.tensor(values, dtype=torch.float64)}
    problem = Problem("planted", parameters, family, lambda x: x.sum(-1))
    return Cell(problem, None, create("reinforce"), samples, 0, torch.device("cpu"))


def bits(*probabilities, samples=1):
    return cell(lambda a: Independent(Bernoulli(a), 1), *probabilities, samples=samples)


def normal(family=Normal):
    return cell(lambda a: Independent(family(a, 1.0), 1), 0.5, -1.0)


@pytest.mark.parametrize("samples", [1, 4])
def test_the_rarest_event_is_that_of_the_quietest_coordinate(samples):
    """In R = 10,000 estimates of K draws, a bit of probability 10⁻³ is lit 10 K times."""
    found = float(times_away(bits(0.5, 0.001, 0.9, samples=samples), 10_000).min())
    assert abs(found - 10 * samples) < 4 * (10 * samples) ** 0.5


def test_a_usual_value_of_one_counts_as_one_of_zero():
    assert abs(float(times_away(bits(0.999), 10_000)) - 10) < 4 * 10**0.5


@pytest.mark.parametrize("p", [1e-4, 3e-4, 9e-4, 1e-3, 1.1e-3, 2e-3, 5e-3, 0.3, 0.999])
@pytest.mark.parametrize("replicates", [1_000, 10_000, 10**7])
def test_a_part_of_the_draws_says_what_all_say(p, replicates, monkeypatch):
    one = bits(0.5, p)
    found = times_away(one, replicates) < FEWEST
    monkeypatch.setattr(rare_events, "PART", 2**40)
    assert torch.equal(found, times_away(one, replicates) < FEWEST)


def test_an_outcome_that_hardly_comes_up_is_looked_for_in_all_draws():
    drawn = []

    class Watched(Bernoulli):
        def sample(self, sample_shape=()):
            drawn.append(sample_shape[0])
            return super().sample(sample_shape)

    for p in (0.3, 1e-3):
        times_away(cell(lambda a: Independent(Watched(a), 1), p), 10_000)
    assert drawn == [312, 312, 10_000]


def test_continuous_draws_have_no_rare_outcome():
    assert times_away(normal(), 10_000) is None


def test_a_rare_outcome_takes_the_verdict_of_bias_away():
    found = cautions(bits(1e-4), FINE, 10_000)
    assert found["heavy_tailed"]
    assert (found["bias_verdict"], math.isnan(found["bias_p"])) == ("undetermined", True)
    assert "so rare that it came up about" in found["reason"]
    found = cautions(bits(1e-4), FINE | {"bias_verdict": "unbiased"}, 10_000)
    assert found["bias_verdict"] == "undetermined"
    assert cautions(bits(0.3), FINE | {"bias_verdict": "undetermined"}, 10_000) == {}


@pytest.mark.parametrize("verdict", ["biased", "unbiased"])
def test_an_estimator_without_randomness_is_what_it_is(verdict):
    summed = replace(bits(1e-4), estimator=create("enumeration"))
    found = cautions(summed, FINE | {"variance": 0.0, "bias_verdict": verdict}, 10_000)
    assert "bias_verdict" not in found


def test_no_variance_because_nothing_happened_is_no_reason():
    found = cautions(bits(1e-9), FINE | {"variance": 0.0}, 10_000)
    assert found["bias_verdict"] == "undetermined"


@pytest.mark.parametrize(("off", "kept"), [([0.0, 0.5], True), ([0.5, 0.0], False)])
def test_a_bias_that_a_rare_outcome_does_not_touch_stays(off, kept):
    """Of two bits the first is hardly ever lit; the bias is in the second's parameter or not."""
    known = {
        "mean": np.array([1.0, 1.0]) + off,
        "truth": np.ones(2),
        "truth_error": np.zeros(2),
        "variance": np.ones(2),
    }
    facts = FINE | {"parameters": known, "replicates": 10_000}
    found = cautions(bits(1e-4, 0.5), facts, 10_000)
    assert ("bias_verdict" not in found) == kept
    assert found["heavy_tailed"]


def test_a_gradient_that_has_vanished_is_said():
    said = cautions(normal(), FINE | {"zero": 1.0, "gradient_norm": 0.25}, 1000)["reason"]
    assert "vanished" in said
    assert "0.25" in said
    right = FINE | {"bias_verdict": "unbiased"}
    assert cautions(normal(), right | {"zero": 1.0, "gradient_norm": 0.0}, 1000) == {}
    assert cautions(normal(), right | {"zero": 0.999}, 1000) == {}


def test_an_unbiased_estimator_found_biased_says_why_that_may_be():
    said = cautions(normal(), FINE, 1000)["reason"]
    assert said.startswith("reinforce is unbiased under its conditions, and is not here")


def test_a_sampler_that_is_not_its_distribution_is_said():
    """The variance of 20,000 draws is off by 44 %: 0.44 / (1.44 √(2 / 20,000)) = 31 errors."""
    said = wrong_sampler(normal(Wider))
    assert "a variance that is" in said
    errors = int(said.split("that is ")[1].split()[0])
    assert abs(errors - 31) <= 3
    assert cautions(normal(Wider), FINE, 1000) == {"reason": said}
    assert wrong_sampler(normal()) is None
    assert wrong_sampler(bits(0.3)) is None
