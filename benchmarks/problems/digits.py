"""What the models of scikit-learn's handwritten digits share: images, layers and a likelihood."""

from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.nn.functional import linear, one_hot

from benchmarks.problems.sklearn_data import table
from benchmarks.problems.softplus_sums import sum_of_softplus
from estimators import create

PIXELS = 64


@cache
def digits() -> Tensor:
    """The 1797 digits as intensities in [0, 1]: [1797, 64]."""
    return torch.from_numpy(table("digits")[0] / 16.0)


@cache
def labels() -> Tensor:
    """Which digit each is, one-hot: [1797, 10]."""
    return one_hot(torch.from_numpy(table("digits")[1])).double()


def random_rows(batch: int) -> Tensor:
    """The numbers of `batch` digits, drawn with replacement from torch's generator: [batch]."""
    return torch.randint(len(digits()), (batch,))


def initial(**shapes: tuple[int, ...]) -> dict[str, Tensor]:
    """Weights before training, drawn in the given order: matrices, and biases of zero."""
    return {
        name: torch.randn(shape) / shape[0] ** 0.5 if len(shape) == 2 else torch.zeros(shape)
        for name, shape in shapes.items()
    }


def mlp(x: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> Tensor:
    """A hidden layer of tanh units between two affine maps of the last axis."""
    return affine(hidden(x, w1, b1), *after_hidden(w2, b2))


def affine(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """x w + b, in one pass: [..., N] → [..., M]."""
    return linear(x, w.mT, b)


def hidden(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """(1 + tanh(x w + b)) / 2 = σ(2 (x w + b)), one pass less than tanh, and a quick one."""
    return affine(x, 2 * w, 2 * b).sigmoid()


def after_hidden(w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The affine map of tanh units as one of what `hidden` gives."""
    return 2 * w, b - w.sum(0)


def tanh(x: Tensor) -> Tensor:
    """tanh x = 2 σ(2x) − 1: torch's σ is three times as quick, and `vmap` knows its derivative."""
    return 2 * (2 * x).sigmoid() - 1


def misfit(logits: Tensor, x: Tensor) -> Tensor:
    """−log p(x | logits) of pixels as Bernoullis, without constants: [..., PIXELS] → [...]."""
    return sum_of_softplus(logits) - (logits * x).sum(-1)


def misfit_of(inputs: Tensor, w: Tensor, b: Tensor, x: Tensor) -> Tensor:
    """The `misfit` of logits = inputs w + b, whose Σ logits · x needs no pass over the pixels."""
    along = (inputs * (x @ w.mT)).sum(-1) + x @ b
    return sum_of_softplus(affine(inputs, -w, -b), minus=True) - along  # the quicker sign


def misfit_of_mlp(z: Tensor, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, x: Tensor) -> Tensor:
    """The `misfit` of the logits `mlp(z, w1, b1, w2, b2)`."""
    return misfit_of(hidden(z, w1, b1), *after_hidden(w2, b2), x)


def from_standard_normal(loc: Tensor, scale: Tensor, axes: int = 1) -> Tensor:
    """KL(N(loc, scale²) ‖ N(0, 1)), summed over the last `axes`: [..., D] → [...]."""
    each = (loc.square() + scale.square() - 1) / 2 - scale.log()
    return each.sum(tuple(range(-axes, 0)))


def only(weights: dict[str, Tensor], *names: str) -> dict[str, Tensor]:
    """Some of the weights."""
    return {name: weights[name] for name in names}


def exact_mean(dist: Distribution, cost: Callable[..., Tensor]) -> Tensor:
    """E[cost], summed over a finite support and averaged over the batch: what a model trains on."""
    return create("enumeration").surrogate(dist, cost).mean()
