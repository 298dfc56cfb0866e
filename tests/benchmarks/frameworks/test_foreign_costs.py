"""Costs that leave torch for NumPy: measured as torch's, where they are smooth."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, Poisson

from benchmarks import Problem, measure
from benchmarks.frameworks.foreign_costs import NumericalCost
from estimators import Unsupported

AT = {"loc": torch.tensor(1.0), "scale": torch.tensor(1.0)}


@pytest.mark.parametrize(
    "cost", [lambda x: np.square(x - 0.5), lambda x: np.square(np.asarray(x) - 0.5)]
)
def test_a_numpy_cost_has_the_gradient_of_torchs(cost):
    found = measure(Problem("numpy", AT, Normal, cost), "pathwise", replicates=2000, timed=False)
    torchs = Problem("numpy", AT, Normal, lambda x: (x - 0.5).square())
    expected = measure(torchs, "pathwise", replicates=2000, timed=False)
    assert found.status == "ok", found.reason
    np.testing.assert_allclose(found.parameters["mean"], expected.parameters["mean"], rtol=1e-7)
    assert found.truth_method == "quadrature"


def fee(v):
    return v * v if v > 0 else -v


@pytest.mark.parametrize("mapped", [np.vectorize(fee), np.frompyfunc(fee, 1, 1)])
@pytest.mark.parametrize("law", [Normal, Poisson])
def test_a_function_of_one_number_that_numpy_maps_is_a_cost(mapped, law):
    at = AT if law is Normal else {"rate": torch.tensor(3.0)}
    found, expected = (
        measure(Problem("fee", at, law, cost), "reinforce", 2, 500, timed=False)
        for cost in (mapped, lambda x: torch.where(x > 0, x * x, -x))
    )
    assert found.status == "ok", found.reason
    np.testing.assert_allclose(found.parameters["mean"], expected.parameters["mean"], rtol=1e-7)


def test_what_numpy_maps_is_a_cost_beside_a_network():
    net = torch.nn.Linear(2, 1)
    rows = torch.ones(8, 2)

    def family(net, batch):
        return Normal(net(batch).squeeze(-1), 1.0)

    problem = Problem("fee", {"net": net}, family, np.vectorize(fee), minibatch=rows, batch_size=4)
    found = measure(problem, "reinforce", 2, 200, timed=False)
    assert found.status == "ok", found.reason


def test_a_numpy_cost_of_several_coordinates():
    def norm(x):
        return np.sqrt(np.square(np.asarray(x)).sum(-1) + 1)

    at = {"loc": torch.tensor([1.0, -0.5, 2.0])}
    found, expected = (
        measure(
            Problem("norm", at, lambda loc: Independent(Normal(loc, 1.0), 1), cost, truth=None),
            "pathwise", replicates=200, timed=False,
        )
        for cost in (norm, lambda x: (x.square().sum(-1) + 1).sqrt())
    )  # fmt: skip
    np.testing.assert_allclose(found.parameters["mean"], expected.parameters["mean"], rtol=1e-7)


def test_a_rough_numpy_cost_is_refused():
    rng = np.random.default_rng(0)
    x = torch.linspace(0, 1, 50, dtype=torch.float64, requires_grad=True)
    rough = NumericalCost(lambda x: np.asarray(x) + 1e-3 * rng.standard_normal(x.shape))
    with pytest.raises(Unsupported, match="no numerical derivative"):
        rough(x, Normal(torch.zeros(50), 1.0)).sum().backward()


def test_too_many_coordinates_are_refused():
    dist = Independent(Normal(torch.zeros(65), 1.0), 1)
    x = torch.randn(2, 65, requires_grad=True)
    with pytest.raises(Unsupported, match="65 coordinates"):
        NumericalCost(lambda x: np.asarray(x).sum(-1))(x, dist).sum().backward()


def test_a_moving_support_has_its_ends_in_the_truth():
    from torch.distributions import Uniform

    ends = {"low": torch.tensor(0.0), "high": torch.tensor(1.0)}
    found = measure(
        Problem("ends", ends, Uniform, torch.square), "pathwise", replicates=2000, timed=False
    )
    np.testing.assert_allclose(found.parameters["truth"], [1 / 3, 2 / 3], rtol=1e-8)
    for mean, variance, g in zip(
        found.parameters["mean"], found.parameters["variance"], [1 / 3, 2 / 3], strict=True
    ):
        assert abs(mean - g) < 4.5 * math.sqrt(variance / 2000)
