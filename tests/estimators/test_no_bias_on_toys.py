"""Every unbiased estimator of a continuous or counted law on the suite's toys."""

import pytest

from benchmarks import measure
from benchmarks.problems import load

UNBIASED = [
    "antithetic-pathwise", "generalised-reparameterisation", "measure-valued",
    "rejection-reparameterisation", "rqmc-pathwise", "smoothed-perturbation",
    "sticking-the-landing", "stochastic-triples",
]  # fmt: skip


TOYS = [
    "normal-quadratic", "normal-step", "gamma-quadratic", "exponential-exp-quadratic",
    "poisson-quadratic", "bernoulli-10-quadratic", "student-t-cosine", "truncated-normal-cosine",
    "beta-quadratic", "von-mises-cosine", "mixture-exp-quadratic",
]  # fmt: skip


@pytest.mark.parametrize("problem", TOYS)
@pytest.mark.parametrize("name", UNBIASED)
def test_no_bias_is_found_on_the_toy_problems(name, problem):
    m = measure(load(problem), name, samples=2, replicates=10_000, timed=False)
    assert (m.status, m.bias_verdict) in {
        ("ok", "unbiased"), ("ok", "undetermined"), ("refused", None),
    }  # fmt: skip
