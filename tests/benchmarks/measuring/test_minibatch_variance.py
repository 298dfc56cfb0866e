"""Estimator noise and data noise are told apart."""

import math

import pytest
import torch
from torch.distributions import Normal

import estimators
from benchmarks import Problem, measure
from benchmarks.measuring.minibatch_variance import BATCHES, data_variance

SPREAD = 3.0


def problem(centre=0.0, **more):
    """∇_loc E(x − centre)² = 2 (loc − centre); a batch is a random centre."""
    return Problem(
        "batches",
        {"loc": torch.tensor(1.0).double()},
        lambda loc: Normal(loc, 1.0),
        lambda x: (x - centre).square(),
        **more,
    )


def minibatch(index):
    generator = torch.Generator().manual_seed(index)
    return problem(SPREAD * torch.randn((), generator=generator).double())


def test_the_part_of_the_batch_is_that_of_the_drawn_centres():
    centres = torch.stack(
        [SPREAD * torch.randn((), generator=torch.Generator().manual_seed(i)).double()
         for i in range(BATCHES)]
    )  # fmt: skip
    exact = float((2 * centres).var())
    for name in ("pathwise", "reinforce", "reinforce-ema"):
        found = data_variance(
            problem(minibatch=minibatch), estimators.create(name), 4, 0, torch.device("cpu")
        )
        assert found.low < exact < found.high
        assert found.low > 0


def test_without_minibatches_there_is_none():
    assert math.isnan(measure(problem(), "pathwise", replicates=200).data_variance)
    measured = measure(problem(minibatch=minibatch), "pathwise", replicates=200)
    assert measured.data_variance_low < 4 * SPREAD**2 < measured.data_variance_high


def test_equal_batches_add_nothing():
    found = data_variance(
        problem(minibatch=lambda index: problem()), estimators.create("pathwise"), 1, 0,
        torch.device("cpu"),
    )  # fmt: skip
    assert found.low < 0 < found.high


@pytest.mark.parametrize("unbiased", [True, False])
def test_what_was_learned_serves_all_batches_only_where_it_moves_no_mean(unbiased):
    fits = []

    class Learner(type(estimators.create("pathwise"))):
        def fitted(self, dist, cost, samples):
            fits.append(samples)
            return self

    learner = Learner()
    object.__setattr__(learner, "unbiased", unbiased)
    data_variance(problem(minibatch=minibatch), learner, 1, 0, torch.device("cpu"))
    assert len(fits) == (1 if unbiased else BATCHES)


def test_unbiased_estimators_have_one_noise_of_the_batch_and_biased_ones_their_own():
    target = problem(minibatch=minibatch)
    found = {
        name: measure(target, name, 4, 500, timed=False).data_variance
        for name in ("pathwise", "reinforce", "reinforce-loo", "finite-differences")
    }
    assert found["pathwise"] == found["reinforce"] == found["reinforce-loo"]
    assert found["finite-differences"] != found["pathwise"]


def step(centre=0.0, **more):
    """E[x > c]: paths do not see where it jumps, the score does."""
    return Problem(
        "steps",
        {"loc": torch.tensor(0.0).double()},
        lambda loc: Normal(loc, 1.0),
        lambda x: (x > centre).double() + 0 * x,
        **more,
    )


def test_an_estimator_that_is_not_unbiased_here_does_not_speak_for_the_others():
    target = step(minibatch=lambda index: step(index / 12.0))
    centres = torch.arange(BATCHES).double() / 12
    exact = float((-centres.square() / 2).exp().div((2 * math.pi) ** 0.5).var())
    found = measure(target, "reinforce", 16, 2_000, timed=False)
    assert found.data_variance_low < exact < found.data_variance_high
    assert found.data_variance == measure(target, "reinforce-loo", 16, 500).data_variance
