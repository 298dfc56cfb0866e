"""Bayesian regression: a network makes features, the weights of its last layer are drawn.

`gradmeter compare examples/bayesian_regression.py -K 1,4`
"""

import torch
from torch import nn
from torch.distributions import Independent, Normal, kl_divergence

from benchmarks import Problem

torch.manual_seed(0)
x = torch.linspace(-2, 2, 400).unsqueeze(-1)
y = torch.sin(2 * x).squeeze(-1) + 0.1 * torch.randn(400)
features = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 8))
ROWS = 32


def family(loc, log_scale):
    """q(w), the weights of the head: event_shape [8]."""
    return Independent(Normal(loc, log_scale.exp()), 1)


def cost(w, q, features, batch):
    """−log p(y | x, w) of all 400 rows, guessed from a batch, + KL(q ‖ N(0, 1)): [K, R]."""
    inputs, targets = batch
    mean = (features(inputs) @ w.unsqueeze(-1)).squeeze(-1)  # [K, R, ROWS]
    misfit = -Normal(mean, 0.1).log_prob(targets).sum(-1) * len(x) / ROWS
    return misfit + kl_divergence(q, Independent(Normal(torch.zeros_like(w[0]), 1.0), 1))


parameters = {"loc": torch.zeros(8), "log_scale": torch.full((8,), -2.0), "features": features}
problem = Problem(
    "bayesian-regression", parameters, family, cost, minibatch=(x, y), batch_size=ROWS
)
