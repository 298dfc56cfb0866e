"""What is found in replicates that are written down."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

from benchmarks import Problem
from benchmarks.measuring.cell import Cell, Counts, Replicates
from benchmarks.measuring.metrics import health, parameters, statistics
from benchmarks.objective.truth import Truth
from benchmarks.statistics.stopping import Plan
from estimators import create

R = 4096
TRUE = torch.tensor([1.0, -2.0], dtype=torch.float64)
PROBLEM = Problem(
    "planted",
    {"loc": torch.zeros(2, dtype=torch.float64)},
    lambda loc: Independent(Normal(loc, 1.0), 1),
    lambda x: x.sum(-1),
)


def noise(seed=0):
    return torch.randn(R, 2, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def cell(gradient=TRUE, error=0.0, problem=PROBLEM):
    truth = (
        None
        if gradient is None
        else Truth(gradient, torch.full((2,), error, dtype=torch.float64), "given")
    )
    return Cell(problem, truth, create("pathwise"), 1, 0, torch.device("cpu"))


def found_in(g, counts=Counts(R), **given):  # noqa: B008
    one = cell(**given)
    replicated = Replicates.of(one, Plan(R, R, R // 32), None)
    replicated.add(g, counts)
    return statistics(one, replicated), replicated, one


def test_variance_bias_and_mse():
    g = TRUE + torch.tensor([0.5, 0.0]) + noise() * torch.tensor([1.0, 2.0])
    found, *_ = found_in(g)
    trace = g.var(0).sum()
    assert found["variance"] == pytest.approx(float(trace), rel=1e-12)
    off = (g.mean(0) - TRUE).square().sum() - trace / R  # the noise of the mean taken out
    assert found["bias2"] == pytest.approx(float(off), rel=1e-3)
    assert found["bias2_low"] < 0.25 < found["bias2_high"]
    assert found["bias_verdict"] == "biased"
    assert found["mse"] == pytest.approx(found["variance"] + found["bias2"])
    assert found["gradient_norm"] == pytest.approx(5**0.5)
    deviation = (g - g.mean(0)).square().sum(1)
    kappa = deviation.square().mean() / deviation.mean().square()
    assert found["kurtosis"] == pytest.approx(float(kappa))
    assert found["variance_low"] < 5.0 < found["variance_high"]
    snr = float(g.mean(0).square().sum() / trace - 1 / R) ** 0.5
    assert found["snr"] == pytest.approx(snr)


def test_directions_against_the_truth():
    g = torch.cat([TRUE.expand(R - 1024, 2), -TRUE.expand(1024, 2)])
    found, *_ = found_in(g)
    assert found["wrong_way"] == 0.25
    assert found["cosine"] == pytest.approx(0.5)


def test_an_unbiased_mean_is_not_called_biased():
    assert found_in(TRUE + noise())[0]["bias_verdict"] == "unbiased"


def test_the_error_of_the_truth_enters():
    """Off by 0.2, ten standard errors of the mean: biased, unless the truth may be off as far."""
    g = TRUE + 0.2 + noise()
    assert found_in(g)[0]["bias_verdict"] == "biased"
    assert found_in(g, error=0.2)[0]["bias_verdict"] != "biased"
    assert found_in(g, error=0.2)[0]["truth_error"] == pytest.approx(0.2 * 2**0.5 / 5**0.5)


@pytest.mark.parametrize(("largest", "verdict"), [(1.0, "biased"), (1e6, None)])
def test_the_rounding_of_a_large_cost_is_no_bias(largest, verdict):
    """A cost of 10⁶ has digits down to 10⁻¹⁰: a difference of 10⁻⁹ may be theirs.

    Of replicates that are all equal, whose mean has no other noise.
    """
    g = (TRUE + 1e-9).expand(R, 2)
    said = found_in(g, Counts(R, 0, largest))[0]["bias_verdict"]
    assert said == verdict if verdict else said != "biased"


def test_without_a_truth_there_is_no_bias():
    found, replicated, one = found_in(TRUE + noise(), gradient=None)
    assert found["bias_verdict"] == "no truth"
    assert not {"bias2", "mse", "wrong_way", "cosine", "gradient_norm"} & set(found)
    assert set(parameters(one, replicated.table.whole())) == {
        "mean", "variance", "variance_low", "variance_high",
    }  # fmt: skip


def test_each_parameter_has_its_own_numbers():
    g = TRUE + noise() * torch.tensor([1.0, 2.0])
    found, *_ = found_in(g, error=0.1)
    own = found["parameters"]
    np.testing.assert_allclose(own["mean"], g.mean(0).numpy())
    np.testing.assert_allclose(own["variance"], g.var(0).numpy())
    assert ((own["variance_low"] < [1.0, 4.0]) & (own["variance_high"] > [1.0, 4.0])).all()
    assert own["truth"].tolist() == TRUE.tolist()
    assert own["truth_error"].tolist() == [0.1, 0.1]


def test_the_blocks_add_up_to_the_whole():
    g = TRUE + noise()
    found, *_ = found_in(g)
    count, mean, m2 = (found["blocks"][name] for name in ("count", "mean", "m2"))
    assert count.tolist() == [R // 32] * 32
    np.testing.assert_allclose(mean[3], g[3 * 128 : 4 * 128].mean(0).numpy())
    between = count @ np.square(mean - mean.mean(0)).sum(1)
    assert (m2.sum() + between) / (R - 1) == pytest.approx(found["variance"])
    assert len(found["variance_jackknife"]) == 32
    without = torch.cat([g[:128], g[256:]]).var(0).sum()
    assert found["variance_jackknife"][1] == pytest.approx(float(without))


def test_health():
    g = noise()
    g[:8] = 0.0
    g[8:12] = math.nan
    _, replicated, one = found_in(g, Counts(3 * R, torch.tensor(6), 1.0), gradient=None)
    assert health(one, replicated) == {
        "replicates": R, "stopped": "replicates", "unhealthy": 4 / R, "zero": 8 / R,
        "nonfinite_costs": 6 / (3 * R), "evaluations": 3.0,
    }  # fmt: skip
