"""Two runs of different kinds are a truth if they agree, and none if they do not."""

import json

import pytest
import torch
from torch.distributions import Normal

from benchmarks.objective.definition import Problem
from benchmarks.truth.two_estimators import agreed_truth


class Wider(Normal):
    """A sampler that is 1.5 times too wide for its own density."""

    factor = 1.5

    def rsample(self, sample_shape=()):
        return self.loc + self.factor * (super().rsample(sample_shape) - self.loc)

    def sample(self, sample_shape=()):
        with torch.no_grad():
            return self.rsample(sample_shape)


def problem(family, **settings):
    parameters = {name: torch.tensor(1.0, dtype=torch.float64) for name in ("loc", "scale")}
    return Problem("two-runs", parameters, family, lambda x: (x - 0.3).square(), **settings)


def test_runs_that_agree_are_a_truth_with_an_honest_error():
    found = agreed_truth(problem(Normal))
    exact = torch.tensor([1.4, 2.0], dtype=torch.float64)  # 2 (loc − 0.3) and 2 scale
    assert found.method == "reference"
    assert ((found.gradient - exact).abs() < 5 * found.error).all()
    assert (found.error < 0.05).all()
    assert len(json.loads(found.note)["runs"]) == 2


def test_runs_that_disagree_are_no_truth():
    """∂/∂scale is 4.5 by the path and Cov(f, z²) = 10.1 by the score: more than ten errors."""
    assert agreed_truth(problem(Wider)) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"truth": None},
        {"reduction": lambda f: f.prod(-1)},
        {"minibatch": lambda batch: problem(Normal)},
    ],
    ids=["none is wanted", "one for each K", "one for each batch"],
)
def test_where_no_runs_are_made(settings):
    assert agreed_truth(problem(Normal, **settings)) is None
