"""Estimator noise and data noise are told apart."""

import math
from dataclasses import replace

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

import estimators
from benchmarks import Problem, measure
from benchmarks.measuring.cell import Cell
from benchmarks.measuring.data_noise import data_noise
from benchmarks.measuring.minibatch_variance import BATCHES, data_variance
from benchmarks.measuring.prepare import prepare
from benchmarks.measuring.task import Task

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


def cell(target, estimator, samples):
    return Cell(target, None, estimator, samples, 0, torch.device("cpu"))


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
        found = data_variance(cell(problem(minibatch=minibatch), estimators.create(name), 4))
        assert found.low < exact < found.high
        assert found.low > 0


def test_without_minibatches_there_is_none():
    assert math.isnan(measure(problem(), "pathwise", replicates=200).data_variance)
    measured = measure(problem(minibatch=minibatch), "pathwise", replicates=200)
    assert measured.data_variance_low < 4 * SPREAD**2 < measured.data_variance_high


def test_equal_batches_add_nothing():
    found = data_variance(
        cell(problem(minibatch=lambda index: problem()), estimators.create("pathwise"), 1)
    )
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
    data_variance(cell(problem(minibatch=minibatch), learner, 1))
    assert len(fits) == (1 if unbiased else BATCHES)


def noise(found):
    return found.data_variance, found.data_variance_low, found.data_variance_high


def test_noisy_unbiased_estimators_have_one_noise_of_the_batch_and_others_their_own():
    target = problem(minibatch=minibatch)
    found = {
        (name, samples): noise(measure(target, name, samples, 500, timed=False))
        for name in ("pathwise", "reinforce", "reinforce-loo", "finite-differences")
        for samples in (2, 4)
    }
    other = noise(measure(problem(minibatch=minibatch), "reinforce", 4, 500, timed=False))
    assert found["reinforce", 4] == other  # whoever was asked before
    shared = {found[name, k] for name in ("reinforce", "reinforce-loo") for k in (2, 4)}
    assert len(shared) == 1
    assert not shared & {found["pathwise", 2], found["pathwise", 4]}  # which are quieter
    assert not shared & {found["finite-differences", k] for k in (2, 4)}  # which are biased


def jumping(weight=0.0, **more):
    """E[0.1 x² + w (x > 0)]: paths do not see where it jumps, and the first batch has no jump."""
    return Problem(
        "jumps",
        {"loc": torch.tensor(0.0).double()},
        lambda loc: Normal(loc, 1.0),
        lambda x: 0.1 * x.square() + weight * (x > 0),
        **more,
    )


def test_jumps_in_other_batches_than_the_first_are_seen():
    target = jumping(minibatch=lambda index: jumping(float(index % 5)))
    weights = (torch.arange(BATCHES) % 5).double()
    exact = float((weights / math.sqrt(2 * math.pi)).var())
    for name in ("reinforce", "reinforce-loo"):
        found = measure(target, name, 64, 500, timed=False)
        assert found.data_variance_low < exact < found.data_variance_high
        assert found.data_variance_low > 0


def test_what_is_biased_here_has_the_noise_of_its_own_mean():
    def step(centre=0.0, **more):
        return Problem(
            "steps",
            {"loc": torch.tensor(0.0).double()},
            lambda loc: Normal(loc, 1.0),
            lambda x: (x > centre) + 0.3 * x,
            **more,
        )

    target = step(minibatch=lambda index: step(index / 12.0))
    found = measure(target, "pathwise", 4, 2_000, timed=False)
    assert found.bias_verdict == "biased"
    assert noise(found) == (0, 0, 0)
    assert measure(target, "reinforce", 64, 2_000, timed=False).data_variance_low > 0


def test_an_estimator_without_noise_of_its_own_speaks_for_itself():
    def coins(centre=0.0, **more):
        return Problem(
            "coins",
            {"probs": torch.tensor([0.3, 0.6]).double()},
            lambda probs: Independent(Bernoulli(probs), 1),
            lambda x: (5 + x.sum(-1) - centre).square(),
            **more,
        )

    target = coins(minibatch=lambda index: coins(index / 100.0))
    # ∂E f/∂p₁ = 1 + 2 (5 − c) + 2 p₂: its variance over the batches is that of 2 c
    exact = 2 * float((2 * torch.arange(BATCHES).double() / 100).var())
    found = measure(target, "enumeration", 4, 200, timed=False)
    assert found.data_variance == pytest.approx(exact)


def test_what_would_hold_more_than_a_block_is_not_asked():
    target = problem(minibatch=minibatch)
    prepared = prepare(target)
    task = Task.of(prepared, "reinforce", samples=1, replicates=500)
    facts = {"bias_verdict": "unbiased"}
    small = replace(task.plan, block=8)
    asked, none = {}, {}
    shared = data_noise(task.cell, task.plan, facts, asked)
    assert asked
    assert data_noise(task.cell, small, facts, none) != shared
    assert not none


def test_what_takes_one_number_of_samples_speaks_for_itself():
    class Two(type(estimators.create("pathwise"))):
        def surrogate(self, dist, cost, samples=1):
            if samples != 2:
                raise estimators.Unsupported("It takes two samples.")
            return super().surrogate(dist, cost, samples)

    found = measure(problem(minibatch=minibatch), Two(), 2, 500, timed=False)
    assert found.status == "ok"
    assert found.data_variance_low < 4 * SPREAD**2 < found.data_variance_high


def test_with_a_reduction_each_number_of_samples_has_means_of_its_own():
    def best(index=0):
        return problem(float(index), minibatch=best, reduction=lambda f: f.amin(-1))

    one, known = cell(best(), estimators.create("pathwise"), 2), {}
    plan = Task.of(prepare(problem()), "pathwise", replicates=500).plan
    found = data_noise(one, plan, {"bias_verdict": "unbiased"}, known)
    assert found["data_variance"] == data_variance(one).value
    assert not known


def test_what_its_replicates_found_biased_speaks_for_itself():
    one, known = cell(problem(minibatch=minibatch), estimators.create("reinforce"), 4), {}
    plan = Task.of(prepare(problem()), "pathwise", replicates=500).plan
    found = data_noise(one, plan, {"bias_verdict": "biased"}, known)
    assert found["data_variance"] == data_variance(one).value
    assert not known
