"""What the estimator promises: no bias, less variance than leave-one-out, and clear refusals."""

import mirrored_gradients  # noqa: F401  registers the estimator
import pytest
import torch
from torch.distributions import Laplace

import benchmarks
import estimators


@pytest.fixture(scope="module")
def problem():
    return benchmarks.problems.load("soft-step")


def test_it_is_unbiased(problem):
    found = benchmarks.measure(problem, "mirrored-reinforce", samples=4, replicates=40_000)
    assert found.bias_verdict == "unbiased", found.bias_limit


def test_mirroring_pays(problem):
    mirrored, plain = (
        benchmarks.measure(problem, name, samples=4, replicates=10_000)
        for name in ("mirrored-reinforce", "reinforce-loo")
    )
    assert mirrored.variance_high < plain.variance_low


def test_other_laws_and_odd_numbers_are_refused(problem):
    mirrored = estimators.create("mirrored-reinforce")
    for dist, samples in (Laplace(torch.zeros(1), 1.0), 4), (problem.dist(1), 3):
        with pytest.raises(estimators.Unsupported, match="even K"):
            mirrored.surrogate(dist, torch.square, samples)
