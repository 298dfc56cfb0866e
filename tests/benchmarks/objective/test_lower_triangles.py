"""Cholesky factors as λ: numbers above the diagonal move neither samples nor densities."""

import torch
from torch.distributions import MultivariateNormal

from benchmarks import Problem, measure


def test_a_factor_is_given_as_a_lower_triangle():
    at = {"loc": torch.zeros(2), "scale_tril": torch.tensor([[1.0, 5.0], [0.4, 0.8]])}
    problem = Problem("factor", at, MultivariateNormal, lambda x: x.square().sum(-1))
    assert problem.dist(3).scale_tril[0, 0, 1] == 0
    found = measure(problem, "pathwise", samples=2, replicates=500, timed=False)
    assert found.reason is None
    exact = torch.tensor([0.0, 0.0, 2.0, 0.0, 0.8, 1.6])
    assert found.parameters["variance"][3] == found.parameters["mean"][3] == 0
    off = torch.from_numpy(found.parameters["mean"]) - exact
    assert (off.square() <= 25 * torch.from_numpy(found.parameters["variance"]) / 500).all()
