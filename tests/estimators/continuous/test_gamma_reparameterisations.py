"""Gamma, Beta and Dirichlet: exact second moments, and what the augmentation does."""

import pytest
import torch
from replicate_moments import Z, bump, gradients, z_of_mean
from torch.distributions import (
    Beta,
    Dirichlet,
    Gamma,
)

from estimators import create

GAMMAS = {
    "Gamma": (Gamma, {"concentration": 0.3, "rate": 1.5}),
    "Beta": (Beta, {"concentration1": 0.7, "concentration0": 1.6}),
    "Dirichlet": (Dirichlet, {"concentration": [0.6, 1.0, 2.5]}),
}


@pytest.mark.parametrize("name", ["rejection-reparameterisation", "generalised-reparameterisation"])
@pytest.mark.parametrize(("family", "values"), GAMMAS.values(), ids=GAMMAS)
def test_gamma_reparameterisations_give_the_exact_second_moments(name, family, values):
    leaves = {k: torch.tensor(v, dtype=torch.float64).requires_grad_() for k, v in values.items()}
    dist = family(**leaves)
    second = (dist.mean.square() + dist.variance)[..., :1].sum() if dist.event_shape else (
        dist.mean.square() + dist.variance
    )  # fmt: skip
    exact = torch.cat([g.reshape(-1) for g in torch.autograd.grad(second, leaves.values())])

    def cost(x, dist):
        return x[..., 0].square() if dist.event_shape else x.square()

    g = gradients(create(name), 1, family, values, cost)
    assert (z_of_mean(g, exact.tolist()) < Z).all()


def test_the_augmentation_quietens_the_correction():
    """Of a constant cost only the score of the noise is left, whose variance falls as 1/a²."""
    values = {"concentration": 2.0, "rate": 1.0}
    small, large = (
        gradients(
            create("rejection-reparameterisation", augmentation=b), 1, Gamma, values, bump(0.0)
        ).var(0)[0]
        for b in (1, 10)
    )
    assert 0 < large < small / 10
