"""Normalising flows as variational posteriors: RealNVP and Glow, gradients of all their weights.

The posteriors are those of a logistic regression with eight weights on breast-cancer data, and of
two clusters of petals (two modes in the plane), whose truth is quadrature over the flow's base.
`python -m benchmarks.problems.flows` trains them again and writes their three stages.
"""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal, TransformedDistribution

from benchmarks.objective.definition import Problem
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.flow_layers import ActNorm, AffineCoupling, Convolution1x1
from benchmarks.problems.logistic import breast_cancer
from benchmarks.problems.posteriors import TwoClusters, petals
from benchmarks.problems.quadrature import by_quadrature, plane
from benchmarks.problems.softplus_sums import sum_of_softplus
from benchmarks.problems.trajectories import at_stages
from estimators import create

FEATURES, EVERY = 7, 5  # the first measurements, of one tumour in five
HIDDEN, COUPLINGS, GLOW_STEPS = 8, 4, 3
FOOTPRINT = 500  # about as many numbers as a sample leaves in the graph
COUPLING = ("w1", "b1", "w2", "b2")


def real_nvp(w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> TransformedDistribution:
    """Affine couplings of N(0, I); weights as in `AffineCoupling`, [*batch, couplings, …] each."""
    layers = by_layer(w1=w1, b1=b1, w2=w2, b2=b2)
    return flow(b2[..., 0, :], [AffineCoupling(**layer) for layer in layers])


def glow(log_scale: Tensor, shift: Tensor, lu: Tensor, **coupling: Tensor):
    """Steps of actnorm, 1 × 1 convolution and affine coupling; weights are [*batch, steps, …]."""
    norms, mixes = by_layer(log_scale=log_scale, shift=shift), by_layer(lu=lu)
    steps = zip(norms, mixes, by_layer(**coupling), strict=True)
    layers = [(ActNorm(**n), Convolution1x1(**m), AffineCoupling(**c)) for n, m, c in steps]
    return flow(shift[..., 0, :], [layer for step in layers for layer in step])


def flow(like: Tensor, layers: list) -> TransformedDistribution:
    """N(0, I) in the shape of `like` [*batch, D], through the layers."""
    base = Independent(Normal(torch.zeros_like(like), torch.ones_like(like)), 1)
    return TransformedDistribution(base, layers)


def by_layer(**stacked: Tensor) -> list[Weights]:
    """Weights [*batch, layers, …] as one table for each layer, each [*batch, …]."""
    axes = {"w1": -3, "w2": -3, "lu": -3}
    parts = [w.unbind(axes.get(name, -2)) for name, w in stacked.items()]
    return [dict(zip(stacked, layer, strict=True)) for layer in zip(*parts, strict=True)]


class LogisticPosterior(nn.Module):
    """log q(w) − log p(y, w | x): logistic regression with prior N(0, I), y x given `[N, D]`."""

    def __init__(self, signed: Tensor):
        super().__init__()
        self.register_buffer("signed", signed)

    def forward(self, w: Tensor, dist: Distribution) -> Tensor:
        """w [K, R, D] → [K, R]."""
        misfit = sum_of_softplus(w @ self.signed.T, minus=True)
        prior = Normal(torch.zeros_like(w[0]), 1.0).log_prob(w).sum(-1)
        return dist.log_prob(w) + misfit - prior


def tumours() -> Tensor:
    """Eight columns, a one among them, times the label ±1: [114, 8]."""
    x, y = breast_cancer()
    columns = torch.cat([x[:, :FEATURES], x[:, -1:]], 1)
    return (columns * y.unsqueeze(-1))[::EVERY]


def base_objective(family: Callable, cost: nn.Module, step: int, **weights: Tensor) -> Tensor:
    """E[cost] over the plane of the base: the flow is a smooth function of its noise."""
    z, area = plane(torch.full((2,), -8.0), torch.full((2,), 8.0), nodes=161, step=step)
    dist = family(**weights)
    mass = dist.base_dist.log_prob(z).exp() * area
    x = z
    for layer in dist.transforms:
        x = layer(x)
    return (mass * cost(x, dist)).sum()


def logistic() -> LogisticPosterior:
    """The posterior of eight weights."""
    return LogisticPosterior(tumours())


def clusters() -> TwoClusters:
    """The posterior of two locations."""
    return TwoClusters(petals())


def training(family: Callable, cost: Callable, start: Callable[[], Weights]) -> Iterator[Weights]:
    """Adam on the pathwise negative ELBO."""
    pathwise, f = create("pathwise"), cost()
    yield from adam(start(), lambda w: pathwise.surrogate(family(**w), f, 8), 0.01)


def couplings(layers: int, size: int) -> Weights:
    """Weights before training of so many couplings of vectors [size]: nearly the identity."""
    shapes = (size // 2, HIDDEN), (HIDDEN,), (HIDDEN, size), (size,)
    return {
        name: 0.1 * torch.randn(layers, *shape, dtype=torch.float64)
        for name, shape in zip(COUPLING, shapes, strict=True)
    }


def glow_steps(steps: int, size: int) -> Weights:
    """The same for Glow; actnorm starts as the identity, since what it is given is normal."""
    still = torch.zeros(steps, size, dtype=torch.float64)
    mixing = 0.1 * torch.randn(steps, size, size, dtype=torch.float64)
    scales = {"log_scale": still, "shift": still.clone(), "lu": mixing}
    return scales | couplings(steps, size)


STEPS = {"start": 0, "middle": 40, "end": 400}
REAL_NVP, GLOW, CLUSTERS = (
    Training(name, partial(training, *given), STEPS)
    for name, *given in (
        ("flow-realnvp", real_nvp, logistic, partial(couplings, COUPLINGS, 8)),
        ("flow-glow", glow, logistic, partial(glow_steps, GLOW_STEPS, 8)),
        ("flow-clusters", real_nvp, clusters, partial(couplings, COUPLINGS, 2)),
    )
)


@at_stages(REAL_NVP, "flow-realnvp", "RealNVP as logistic posterior", weights=False)
def with_real_nvp(weights: Weights) -> Problem:
    """Eight weights of a logistic regression."""
    return Problem("", weights, real_nvp, logistic(), None, footprint=FOOTPRINT)


@at_stages(GLOW, "flow-glow", "Glow as logistic posterior", weights=False)
def with_glow(weights: Weights) -> Problem:
    """The same posterior."""
    return Problem("", weights, glow, logistic(), None, footprint=FOOTPRINT)


@at_stages(CLUSTERS, "flow-clusters", "RealNVP on two clusters of petals", weights=False)
def with_clusters(weights: Weights) -> Problem:
    """Two modes in the plane, and an exact truth."""
    cost = clusters()
    truth = by_quadrature(partial(base_objective, real_nvp, cost), weights)
    return Problem("", weights, real_nvp, cost, truth, footprint=FOOTPRINT)


if __name__ == "__main__":
    store(REAL_NVP, GLOW, CLUSTERS)
