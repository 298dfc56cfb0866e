"""The gamma twin of the replicate loop moves its samples as torch's distribution does."""

import pytest
import torch
from torch.distributions import Gamma

from estimators import capabilities
from estimators.capabilities import fused_twins


@pytest.mark.parametrize("samples", [1, 3])
def test_first_and_second_derivatives_are_those_of_the_plain_distribution(samples):
    concentration, rate = (
        (torch.rand(5, 4, dtype=torch.float64) + 0.5).requires_grad_() for _ in range(2)
    )
    dist = Gamma(concentration, rate)
    x = dist.sample((samples,))
    weight = torch.randn_like(x)
    found = []
    for each in (dist, fused_twins.fused(dist)):
        moving = capabilities.implicit(each, x)
        cost = (moving.sin() * weight).sum()
        first = torch.autograd.grad(cost, (concentration, rate), create_graph=True)
        second = torch.autograd.grad(sum(g.square().sum() for g in first), (concentration, rate))
        found.append((moving, *first, *second))
    assert type(fused_twins.fused(dist)) is fused_twins.Gamma
    for plain, twin in zip(*found, strict=True):
        torch.testing.assert_close(twin, plain, rtol=1e-12, atol=1e-12)


def test_samples_are_left_as_they_are_and_carry_no_older_graph():
    dist = fused_twins.fused(Gamma(torch.ones(3, requires_grad=True), torch.ones(3)))
    x = dist.rsample((2,))
    moving = capabilities.implicit(dist, x)
    assert torch.equal(moving, x)
    torch.autograd.grad(moving.sum(), dist.concentration)
    before = x.clone()
    capabilities.implicit(dist, x).clamp_(max=0.1)
    assert torch.equal(x, before)


def test_torch_func_differentiates_it():
    x, one = torch.rand(3, dtype=torch.float64) + 0.5, torch.ones(3, dtype=torch.float64)

    def cost(concentration, kind):
        return capabilities.implicit(kind(Gamma(concentration, one)), x).square().sum()

    plain, twin = (
        torch.func.grad(lambda c, kind=kind: cost(c, kind))(one)
        for kind in (lambda dist: dist, fused_twins.fused)
    )
    torch.testing.assert_close(twin, plain)
