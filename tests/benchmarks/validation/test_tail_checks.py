"""Costs that are refused for an infinite mean: powers, not what is like one at first."""

import pytest
import torch
from torch.distributions import (
    Cauchy,
    Gamma,
    HalfCauchy,
    InverseGamma,
    LogNormal,
    Normal,
    Pareto,
    StudentT,
    Weibull,
)

from benchmarks import Problem, ProblemError
from benchmarks.machine.random_streams import stream
from benchmarks.validation.tail_checks import check_tail


def plain(x):
    return x


def square(x):
    return x.square()


def rare(x):
    return 1 + 5e6 * (x > 3.09)


ONE = {"rate": 1.0}
A_MEAN = {
    "Gamma(0.01), x²": (Gamma, {"concentration": 0.01, **ONE}, square),
    "Gamma(0.05), x²": (Gamma, {"concentration": 0.05, **ONE}, square),
    "Gamma(0.01), x": (Gamma, {"concentration": 0.01, **ONE}, plain),
    "Gamma(0.001), x": (Gamma, {"concentration": 0.001, **ONE}, plain),
    "LogNormal(0, 3), x": (LogNormal, {"loc": 0.0, "scale": 3.0}, plain),
    "LogNormal(0, 2), x²": (LogNormal, {"loc": 0.0, "scale": 2.0}, square),
    "LogNormal(0, 5), x": (LogNormal, {"loc": 0.0, "scale": 5.0}, plain),
    "Weibull(0.15), x": (Weibull, {"scale": 1.0, "concentration": 0.15}, plain),
    "Normal, rare": (Normal, {"loc": 0.0, "scale": 1.0}, rare),
    "Pareto(1.3), x": (Pareto, {"scale": 1.0, "alpha": 1.3}, plain),
}
NO_MEAN = {
    "Cauchy, x²": (Cauchy, {"loc": 0.5, "scale": 1.5}, square),
    "Cauchy, x": (Cauchy, {"loc": 0.5, "scale": 1.5}, plain),
    "HalfCauchy, x": (HalfCauchy, {"scale": 1.0}, plain),
    "Pareto(0.8), x": (Pareto, {"scale": 1.0, "alpha": 0.8}, plain),
    "Pareto(0.9), x": (Pareto, {"scale": 1.0, "alpha": 0.9}, plain),
    "StudentT(1.5), x²": (StudentT, {"df": 1.5}, square),
    "InverseGamma(0.8), x": (InverseGamma, {"concentration": 0.8, **ONE}, plain),
    "Normal, exp": (Normal, {"loc": 0.0, "scale": 1.0}, lambda x: (0.6 * x.square()).exp()),
}
SEEDS = [0, *(pytest.param(seed, marks=pytest.mark.study) for seed in range(1, 20))]


def look(case, seed):
    family, parameters, cost = case
    given = {k: torch.tensor(v, dtype=torch.float64) for k, v in parameters.items()}
    problem = Problem("mine", given, family, cost)
    with stream(seed):
        return check_tail(problem, problem.dist())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", A_MEAN)
def test_a_tail_that_ends_is_no_power(case, seed):
    assert look(A_MEAN[case], seed) is None


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("case", NO_MEAN)
def test_a_power_without_mean_is_refused(case, seed):
    with pytest.raises(ProblemError, match="has no finite mean, as far as 1048576 samples tell"):
        look(NO_MEAN[case], seed)
