"""Shifted Sobol points stay a net and are quieter than chance."""

import pytest
import torch
from replicate_moments import gradients
from torch.distributions import (
    Independent,
    Normal,
)

from estimators import create
from estimators.continuous.rqmc_pathwise import shifted_points


@pytest.mark.parametrize("samples", [1, 2, 8, 64])
def test_shifted_sobol_points_stay_a_net(samples):
    dist = Independent(Normal(torch.zeros(500, 3).double(), 1.0), 1)
    torch.manual_seed(0)
    u = shifted_points(dist, samples)  # [K, R, 3]
    strata = (u * samples).floor().sort(0).values
    assert torch.equal(strata, torch.arange(samples).double().reshape(-1, 1, 1).expand_as(strata))
    assert len(u[0].unique()) == u[0].numel()  # every replicate has a shift of its own


def test_quasi_monte_carlo_is_quieter_than_chance():
    values = {"loc": [0.5, -0.5, 1.0], "scale": [1.0, 2.0, 0.5]}

    def family(loc, scale):
        return Independent(Normal(loc, scale), 1)

    def cost(x):
        return x.cos().sum(-1)

    g = gradients(create("rqmc-pathwise"), 64, family, values, cost, 4_000)
    reference = gradients(create("pathwise"), 64, family, values, cost, 4_000)
    assert (g.var(0) < reference.var(0) / 4).all()
