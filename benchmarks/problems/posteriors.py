"""Posteriors that need a truncated normal and a mixture as approximation, on scikit-learn's data.

`python -m benchmarks.problems.posteriors` fits them again and writes their three stages.
"""

from collections.abc import Iterator
from functools import cache, partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, Normal

from benchmarks.objective.definition import Problem
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.quadrature import by_quadrature, plane
from benchmarks.problems.trajectories import at_stages
from estimators import create
from estimators.distributions import TruncatedNormal

EVERY = 10  # one in ten rows of the data: few enough that the posteriors are wide
NOISE_VARIANCE = 0.5  # of the standardised progression of diabetes
WIDTH_OF_CLUSTER, WIDTH_OF_PRIOR = 0.8, 3.0  # cm


@cache
def diabetes() -> tuple[Tensor, Tensor]:
    """Standardised measurements [45, 10] and progression [45] of one patient in ten."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes(scaled=False)
    x, y = (torch.from_numpy(np.asarray(part)[::EVERY]) for part in (data.data, data.target))
    return (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()


@cache
def petals() -> Tensor:
    """Petal lengths of one iris in ten, in cm: [15]."""
    from sklearn.datasets import load_iris

    return torch.from_numpy(load_iris().data[::EVERY, 2])


def within_bounds(loc: Tensor, log_scale: Tensor) -> Independent:
    """q(w): factorised normals, truncated to [0, 1]."""
    return Independent(TruncatedNormal(loc, log_scale.exp(), 0.0, 1.0), 1)


def two_modes(logits: Tensor, loc: Tensor, log_scale: Tensor) -> MixtureSameFamily:
    """q(m): a mixture of factorised Gaussians; logits [..., M], loc and log_scale [..., M, D]."""
    components = Independent(Normal(loc, log_scale.exp()), 1)
    return MixtureSameFamily(Categorical(logits=logits), components)


class BoundedRegression(nn.Module):
    """log q(w) − log p(y | x, w): linear regression, a uniform prior on weights in [0, 1]."""

    def __init__(self, x: Tensor, y: Tensor):
        super().__init__()
        self.register_buffer("gram", x.T @ x)
        self.register_buffer("moment", x.T @ y)
        self.register_buffer("square", y @ y)

    def forward(self, w: Tensor, dist: Distribution) -> Tensor:
        """w [K, R, P] → [K, R]."""
        residual2 = ((w @ self.gram) * w).sum(-1) - 2 * w @ self.moment + self.square
        return residual2 / (2 * NOISE_VARIANCE) + dist.log_prob(w)


class TwoClusters(nn.Module):
    """log q(m) − log p(x, m): x from two clusters of equal weight, in either order, at m [2]."""

    def __init__(self, x: Tensor):
        super().__init__()
        self.register_buffer("x", x)

    def forward(self, m: Tensor, dist: Distribution) -> Tensor:
        """m [K, R, 2] → [K, R]."""
        prior = Normal(self.x.mean(), WIDTH_OF_PRIOR).log_prob(m).sum(-1)
        return dist.log_prob(m) - self.log_likelihood(m) - prior

    def log_likelihood(self, m: Tensor) -> Tensor:
        """m [..., 2] → [...]."""
        cluster = Normal(m.unsqueeze(-2), WIDTH_OF_CLUSTER)
        each = cluster.log_prob(self.x.unsqueeze(-1)).logsumexp(-1)  # [..., N]
        return each.sum(-1) - len(self.x) * np.log(2)


def bounded_objective(cost: BoundedRegression, step: int, loc: Tensor, log_scale: Tensor) -> Tensor:
    """E[cost]: the misfit needs two moments of each weight, log q is a sum over the weights."""
    x, mass = np.polynomial.legendre.leggauss(400 // step)  # on [−1, 1]
    x, mass = (torch.from_numpy(part).unsqueeze(-1) / 2 for part in (x, mass))
    x = (x + 0.5).expand(-1, len(loc))  # [nodes, P]
    log_q = within_bounds(loc, log_scale).base_dist.log_prob(x)
    mass = mass * log_q.exp()
    mean, entropy = (mass * x).sum(0), -(mass * log_q).sum()
    variance = (mass * (x - mean).square()).sum(0)
    residual2 = mean @ cost.gram @ mean + cost.gram.diag() @ variance
    residual2 = residual2 - 2 * mean @ cost.moment + cost.square
    return residual2 / (2 * NOISE_VARIANCE) - entropy


def clusters_objective(cost: TwoClusters, step: int, **weights: Tensor) -> Tensor:
    """E[cost], over all of the plane where q has mass."""
    loc, reach = weights["loc"].detach(), 9 * weights["log_scale"].detach().exp()
    x, area = plane((loc - reach).amin(0), (loc + reach).amax(0), nodes=301, step=step)
    dist = two_modes(**weights)
    return (dist.log_prob(x).exp() * cost(x, dist)).sum() * area


def training(family, cost: nn.Module, start: Weights) -> Iterator[Weights]:
    """Adam on the sampled negative ELBO, by implicit reparameterisation."""
    implicit = create("implicit")
    yield from adam(start, lambda q: implicit.surrogate(family(**q), cost, 4), learning_rate=0.02)


def bounded_training() -> Iterator[Weights]:
    """From a wide truncated normal in the middle of the box."""
    start = {"loc": torch.full((10,), 0.5).double(), "log_scale": torch.full((10,), -1.0).double()}
    yield from training(within_bounds, BoundedRegression(*diabetes()), start)


def clusters_training() -> Iterator[Weights]:
    """From two components that overlap, one a little to the side of the other."""
    middle = float(petals().mean())
    loc = torch.tensor([[middle + 1, middle - 1], [middle - 1, middle + 1]], dtype=torch.float64)
    start = {"logits": torch.zeros(2).double(), "loc": loc, "log_scale": torch.zeros_like(loc)}
    yield from training(two_modes, TwoClusters(petals()), start)


STEPS = {"start": 0, "middle": 40, "end": 400}
BOUNDED = Training("posterior-truncated", bounded_training, STEPS)
CLUSTERS = Training("posterior-mixture", clusters_training, STEPS)


@at_stages(
    BOUNDED,
    "posterior-truncated",
    "Regression weights in [0, 1] on diabetes, truncated normals",
    weights=False,
    replicates=10_000,
)
def bounded(weights: Weights) -> Problem:
    """The gradient of the negative ELBO in the truncated normals' location and scale."""
    cost = BoundedRegression(*diabetes())
    truth = by_quadrature(partial(bounded_objective, cost), weights)
    return Problem("posterior-truncated", weights, within_bounds, cost, truth)


@at_stages(
    CLUSTERS,
    "posterior-mixture",
    "Two clusters of petals in either order, a mixture of two Gaussians",
    weights=False,
    replicates=10_000,
)
def clusters(weights: Weights) -> Problem:
    """The gradient of the negative ELBO in the mixture's weights, locations and scales."""
    cost = TwoClusters(petals())
    truth = by_quadrature(partial(clusters_objective, cost), weights)
    return Problem("posterior-mixture", weights, two_modes, cost, truth, footprint=60)


if __name__ == "__main__":
    store(BOUNDED, CLUSTERS)
