"""Optimal mass transport: the gradient of a quadratic form, and the paper's formula."""

import pytest
import torch
from replicate_moments import Z, gradients, z_of_mean
from torch.distributions import (
    LowRankMultivariateNormal,
    MultivariateNormal,
)

from estimators import create

COVARIANCES = {
    "MultivariateNormal": (
        lambda loc, factor: MultivariateNormal(loc, scale_tril=factor.tril()),
        lambda factor: factor.tril() @ factor.tril().mT,
    ),
    "LowRankMultivariateNormal": (
        lambda loc, factor: LowRankMultivariateNormal(
            loc, factor, torch.ones(3, dtype=torch.float64).expand_as(loc)
        ),
        lambda factor: factor @ factor.mT + torch.eye(3),
    ),
}


@pytest.mark.parametrize(("family", "covariance"), COVARIANCES.values(), ids=COVARIANCES)
def test_optimal_transport_gives_the_gradient_of_a_quadratic_form(family, covariance):
    torch.manual_seed(1)
    factor = torch.randn(3, 3, dtype=torch.float64) + 2 * torch.eye(3)
    weight = torch.randn(3, 3, dtype=torch.float64)
    values = {"loc": torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64), "factor": factor}

    def cost(x):
        return (x @ weight * x).sum(-1)

    leaves = {k: v.clone().requires_grad_() for k, v in values.items()}
    exact = (leaves["loc"] @ weight * leaves["loc"]).sum() + (
        weight * covariance(leaves["factor"])
    ).sum()
    exact = torch.cat([g.reshape(-1) for g in torch.autograd.grad(exact, leaves.values())])
    for name in ("optimal-mass-transport", "antithetic-pathwise", "rqmc-pathwise"):
        g = gradients(create(name), 2, family, values, cost, 50_000)
        assert (z_of_mean(g, exact.tolist()) < Z).all(), name


def test_optimal_transport_is_the_formula_of_its_paper():
    """Jankowiak & Obermeyer 2018, with Y and the two traces written out, as in Pyro."""
    torch.manual_seed(2)
    factor = torch.randn(4, 4, dtype=torch.float64).tril() + 3 * torch.eye(4)
    factor.requires_grad_()
    slope = torch.randn(4, dtype=torch.float64)
    seen = []

    def cost(x):
        seen.append(x.detach())
        return x @ slope

    dist = MultivariateNormal(torch.zeros(4, dtype=torch.float64), scale_tril=factor.tril())
    create("optimal-mass-transport").surrogate(dist, cost).backward()

    with torch.no_grad():
        z = seen[0][0]
        inverse = torch.linalg.inv(factor.tril().mT)
        precision = inverse @ inverse.mT
        values, vectors = torch.linalg.eigh(precision)
        pairs = 1 / (values[:, None] + values[None])
        y = vectors @ (torch.diag(z @ vectors) @ pairs @ torch.diag(slope @ vectors)) @ vectors.mT
        y = y + y.mT
        expected = torch.outer(slope, z @ inverse) + torch.outer(z, slope @ inverse)
        expected = (expected + precision @ y @ inverse - y @ precision @ inverse) / 2
    torch.testing.assert_close(factor.grad, expected.tril(), rtol=1e-10, atol=1e-12)
