"""Sticking the landing at its optimum and with an analytic KL."""

import torch
from replicate_moments import LAMBDA, Z, gradients, z_of_mean
from torch.distributions import (
    Normal,
)

from estimators import create


def test_sticking_the_landing_is_noiseless_at_the_optimum():
    def cost(x, dist):
        return dist.log_prob(x) - Normal(1.0, 1.0).log_prob(x)

    quiet = gradients(create("sticking-the-landing"), 1, Normal, LAMBDA, cost, 1_000)
    noisy = gradients(create("pathwise"), 1, Normal, LAMBDA, cost, 1_000)
    assert quiet.abs().max() < 1e-14
    assert noisy.var(0).min() > 0.1


def test_sticking_the_landing_keeps_the_gradient_of_an_analytic_kl():
    def cost(x, dist):
        return torch.distributions.kl_divergence(dist, Normal(0.0, 1.0)) + 0 * x

    g = gradients(create("sticking-the-landing"), 1, Normal, {"loc": 0.5, "scale": 2.0}, cost, 10)
    assert (z_of_mean(g, (0.5, 1.5)) < Z).all()
