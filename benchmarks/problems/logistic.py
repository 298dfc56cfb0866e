"""Bayesian logistic regression on scikit-learn's breast-cancer data, as in Mohamed et al. 2020.

`python -m benchmarks.problems.logistic` fits it again and writes its three stages.
"""

from collections.abc import Iterator
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence

from benchmarks.objective.definition import Problem
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.quadrature import by_quadrature, standard_normal
from benchmarks.problems.sklearn_data import table
from benchmarks.problems.softplus_sums import sum_of_softplus
from benchmarks.problems.trajectories import at_stages
from estimators import create

BATCH = 32


@cache
def breast_cancer() -> tuple[Tensor, Tensor]:
    """The 569 tumours: standardised measurements and a one, [569, 31], and ±1 for benign, [569]."""
    x, benign = (torch.from_numpy(part) for part in table("breast_cancer"))
    x = (x - x.mean(0)) / x.std(0)
    return torch.cat([x, torch.ones_like(x[:, :1])], 1), 2.0 * benign - 1


def gaussian(loc: Tensor, log_scale: Tensor) -> Independent:
    """q(w): a factorised Gaussian over the weights."""
    return Independent(Normal(loc, log_scale.exp()), 1)


class NegativeElbo(nn.Module):
    """−weight · log p(y | x, w) + KL(q(w) ‖ N(0, I)), for data `[N, P]` and labels ±1 `[N]`."""

    def __init__(self, x: Tensor, y: Tensor, weight: float = 1.0):
        super().__init__()
        self.weight = weight
        self.register_buffer("signed", x * y.unsqueeze(-1))

    def forward(self, w: Tensor, dist: Independent) -> Tensor:
        """w [K, R, P] → [K, R]."""
        misfit = sum_of_softplus(w @ self.signed.T, minus=True)  # [K, R]
        prior = Independent(Normal(torch.zeros_like(dist.mean), 1.0), 1)
        return self.weight * misfit + kl_divergence(dist, prior)


def objective(cost: NegativeElbo, step: int, loc: Tensor, log_scale: Tensor) -> Tensor:
    """The negative ELBO without sampling: the margin y x·w of one tumour is a univariate normal."""
    t, mass = standard_normal(nodes=1001, reach=10.0, step=step)
    spread = (cost.signed.square() @ (2 * log_scale).exp()).sqrt()
    margin = (cost.signed @ loc).unsqueeze(-1) + spread.unsqueeze(-1) * t  # [N, nodes]
    dist = gaussian(loc, log_scale)
    prior = Independent(Normal(torch.zeros_like(loc), 1.0), 1)
    return (nn.functional.softplus(-margin) @ mass).sum() + kl_divergence(dist, prior)


def training() -> Iterator[Weights]:
    """Adam on the reparameterised negative ELBO, one sample of the weights each step."""
    cost, pathwise = NegativeElbo(*breast_cancer()), create("pathwise")
    start = torch.zeros(cost.signed.shape[1], dtype=cost.signed.dtype)
    yield from adam(
        {"loc": start, "log_scale": start.clone()},
        lambda q: pathwise.surrogate(gaussian(**q), cost),
        learning_rate=0.03,
    )


TRAINING = Training("logistic-regression", training, {"start": 0, "middle": 60, "end": 600})


@at_stages(
    TRAINING,
    "logistic-regression",
    "Bayesian logistic regression on 569 tumours",
    weights=False,
    replicates=10_000,
)
def problem(weights: Weights) -> Problem:
    """The gradient of the negative ELBO of all tumours in the location and scale of q(w)."""
    cost = NegativeElbo(*breast_cancer())
    return Problem(
        "logistic-regression",
        weights,
        gaussian,
        cost,
        by_quadrature(partial(objective, cost), weights),
        footprint=2 * len(cost.signed),
        minibatch=partial(_minibatch, weights),
    )


def _minibatch(weights: Weights, index: int) -> Problem:
    """The same on the random minibatch of that index, its misfit scaled to the whole data."""
    x, y = breast_cancer()
    chosen = np.random.default_rng(index).choice(len(x), BATCH, replace=False)
    cost = NegativeElbo(x[chosen], y[chosen], weight=len(x) / BATCH)
    return Problem("logistic-regression", weights, gaussian, cost, truth=None)


if __name__ == "__main__":
    store(TRAINING)
