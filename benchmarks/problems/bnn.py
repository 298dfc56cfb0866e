"""A Bayesian neural network on scikit-learn's wines, its gradient by three ways of sampling.

All three have the same objective and the same gradient in λ, the location and log scale of every
weight. What is random differs: one draw of all weights for the whole batch (`bayesian-net`); for
each wine its own pre-activations, whose law follows from the weights' (`-local`: pathwise is the
local reparameterisation there, Kingma et al. 2015, arXiv:1506.02557); or for each wine its own
weights, which share one draw up to random signs (`-flipout`: Wen et al. 2018, arXiv:1803.04386).
`python -m benchmarks.problems.bnn` trains it again and writes its three stages.
"""

from collections.abc import Iterator
from functools import cache, partial

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from benchmarks.objective.definition import Problem
from benchmarks.problems.bnn_sampling import (
    FEATURES,
    HIDDEN,
    SIZES,
    Flipout,
    Preactivations,
    activated,
    layers,
)
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.digits import from_standard_normal, tanh
from benchmarks.problems.sklearn_data import table
from benchmarks.problems.trajectories import at_stages
from estimators import create

BATCH = 32


@cache
def wines() -> tuple[Tensor, Tensor]:
    """The 178 wines in a fixed random order: features and a one [178, 14], classes [178, 3]."""
    features, classes = (torch.from_numpy(part) for part in table("wine"))
    order = torch.randperm(len(classes), generator=torch.Generator().manual_seed(0))
    x = features[order]
    x = torch.cat([(x - x.mean(0)) / x.std(0), torch.ones_like(x[:, :1])], 1)
    return x, nn.functional.one_hot(classes[order]).double()


def gaussian(loc: Tensor, log_scale: Tensor) -> Independent:
    """q(w): a factorised Gaussian over all weights."""
    return Independent(Normal(loc, log_scale.exp()), 1)


class NegativeElbo(nn.Module):
    """−Σ log p(y | x, w) · weight + KL(q(w) ‖ N(0, 1)); one class for each way of sampling."""

    def __init__(self, x: Tensor, y: Tensor, weight: float = 1.0):
        super().__init__()
        self.weight = weight
        self.register_buffer("x", x)
        self.register_buffer("y", y)

    def misfit(self, logits: Tensor) -> Tensor:
        """logits [..., B, CLASSES] → [..., B]."""
        return self.weight * (logits.logsumexp(-1) - (logits * self.y).sum(-1))

    def forward(self, w: Tensor, dist: Independent) -> Tensor:
        """One draw of the weights for all wines: [K, R, P] → [K, R]."""
        first, second = (layer.mT for layer in layers(w))
        hidden = tanh(first @ self.x.mT)  # [K, R, HIDDEN, B]: wines last, as few classes are slow
        logits = second[..., :-1] @ hidden + second[..., -1:]  # [K, R, CLASSES, B]
        factor = dist.base_dist
        return self.misfit(logits.mT).sum(-1) + from_standard_normal(factor.loc, factor.scale)


class OfPreactivations(NegativeElbo):
    """The same for each wine's own pre-activations; each wine bears its share of the KL."""

    def forward(self, pre: Tensor, dist: Preactivations) -> Tensor:
        """[K, R, B, HIDDEN + CLASSES] → [K, R, B]."""
        share = from_standard_normal(dist.loc, dist.scale) / len(self.x)
        return self.misfit(pre[..., HIDDEN:]) + share.unsqueeze(-1)


class OfOwnWeights(NegativeElbo):
    """The same for each wine's own weights."""

    def forward(self, w: Tensor, dist: Flipout) -> Tensor:
        """[K, R, B, P] → [K, R, B]."""
        first, second = layers(w)
        h = activated((self.x.unsqueeze(-2) @ first).squeeze(-2))
        share = from_standard_normal(dist.loc, dist.scale) / len(self.x)
        return self.misfit((h.unsqueeze(-2) @ second).squeeze(-2)) + share.unsqueeze(-1)


def local(x: Tensor, loc: Tensor, log_scale: Tensor) -> Preactivations:
    """The pre-activations of wines x, in the parameters of `gaussian`."""
    return Preactivations(loc, log_scale.exp(), x)


def flipped(loc: Tensor, log_scale: Tensor) -> Flipout:
    """Each wine's own weights, in the parameters of `gaussian`."""
    return Flipout(loc, log_scale.exp(), BATCH)


def training() -> Iterator[Weights]:
    """Adam on minibatches, by local reparameterisation."""
    (x, y), pathwise = wines(), create("pathwise")

    def loss(q: Weights) -> Tensor:
        batch = torch.randint(len(x), (BATCH,))
        cost = OfPreactivations(x[batch], y[batch], len(x) / BATCH)
        return pathwise.surrogate(local(x[batch], **q), cost).sum()

    start = torch.randn(sum(SIZES), dtype=torch.float64) / FEATURES**0.5
    return adam({"loc": start, "log_scale": torch.full_like(start, -2.0)}, loss, 0.02)


TRAINING = Training("bayesian-net", training, {"start": 0, "middle": 60, "end": 600})
SHARED = "bayesian-net-local"  # the problem whose reference run is the truth of all three


def batch() -> tuple[Tensor, Tensor, float]:
    """The first BATCH wines, and how many wines each stands for."""
    x, y = wines()
    return x[:BATCH], y[:BATCH], len(x) / BATCH


@at_stages(TRAINING, "bayesian-net", "Bayesian net on wines", weights=False, reference=SHARED)
def bayesian_net(weights: Weights) -> Problem:
    """One draw of the weights for all wines."""
    cost = NegativeElbo(*batch())
    return Problem("", weights, gaussian, cost, None, footprint=3 * BATCH * HIDDEN)


@at_stages(TRAINING, SHARED, "Bayesian net on wines, pre-activations drawn", weights=False)
def bayesian_net_local(weights: Weights) -> Problem:
    """Each wine's own pre-activations."""
    x, y, weight = batch()
    cost = OfPreactivations(x, y, weight)
    return Problem("", weights, partial(local, x), cost, None, footprint=6 * BATCH * HIDDEN)


@at_stages(
    TRAINING, "bayesian-net-flipout", "Bayesian net on wines, flipout", weights=False,
    reference=SHARED,
)  # fmt: skip
def bayesian_net_flipout(weights: Weights) -> Problem:
    """Each wine's own weights."""
    return Problem(
        "", weights, flipped, OfOwnWeights(*batch()), None, footprint=4 * BATCH * sum(SIZES)
    )


if __name__ == "__main__":
    store(TRAINING)
