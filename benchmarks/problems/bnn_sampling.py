"""Two ways to draw what a batch sees of a Bayesian network's random weights: its layers' laws."""

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal, constraints

from benchmarks.problems.digits import tanh

FEATURES, HIDDEN, CLASSES = 14, 8, 3  # the last feature is one: a bias
SIZES = FEATURES * HIDDEN, (HIDDEN + 1) * CLASSES
SIDES = (FEATURES, HIDDEN), (HIDDEN + 1, CLASSES)


def layers(flat: Tensor) -> tuple[Tensor, Tensor]:
    """Both layers' matrices in a flat vector [..., P]: [..., 14, HIDDEN], [..., HIDDEN + 1, 3]."""
    first, second = flat.split(SIZES, -1)
    return first.unflatten(-1, (FEATURES, HIDDEN)), second.unflatten(-1, (HIDDEN + 1, CLASSES))


def activated(pre: Tensor) -> Tensor:
    """The input of the second layer: tanh units, and a one."""
    return torch.cat([tanh(pre), torch.ones_like(pre[..., :1])], -1)


class Preactivations(Distribution):
    """Both layers' pre-activations of each wine, with the weights integrated out.

    a ~ N(x μ₁, x² σ₁²),   b | a ~ N(h μ₂, h² σ₂²),   h = (tanh a, 1)

    loc and scale are the weights' [*batch, P], x is [B, FEATURES]; batch_shape is [*batch, B] and
    event_shape [HIDDEN + CLASSES]: a and b.
    """

    has_rsample = True
    support = constraints.real_vector
    arg_constraints = {  # noqa: RUF012
        "loc": constraints.real_vector,
        "scale": constraints.independent(constraints.positive, 1),
    }

    def __init__(self, loc: Tensor, scale: Tensor, x: Tensor, validate_args=None):
        self.loc, self.scale, self.x = loc, scale, x
        shape = torch.Size((*loc.shape[:-1], len(x)))
        super().__init__(shape, torch.Size((HIDDEN + CLASSES,)), validate_args)

    def rsample(self, sample_shape=()) -> Tensor:
        """Layer after layer: [*sample, *batch, B, HIDDEN + CLASSES]."""
        shape = torch.Size(sample_shape) + self.batch_shape
        first, second = self._moments()
        a = _normal(*first).rsample(torch.Size(sample_shape)).expand(*shape, HIDDEN)
        return torch.cat([a, self._second(a, second).rsample()], -1)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p(a) + log p(b | a): [*sample, *batch, B]."""
        a, b = value.split([HIDDEN, CLASSES], -1)
        first, second = self._moments()
        log_p = _normal(*first).log_prob(a).sum(-1)
        return log_p + self._second(a, second).log_prob(b).sum(-1)

    def _moments(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Of `a`, each [*batch, B, HIDDEN]; and of the second layer's weights."""
        (loc1, loc2), (scale1, scale2) = layers(self.loc), layers(self.scale)
        return (self.x @ loc1, self.x.square() @ scale1.square()), (loc2, scale2.square())

    @staticmethod
    def _second(a: Tensor, weights: tuple[Tensor, Tensor]) -> Normal:
        h, (loc, variance) = activated(a), weights
        return _normal(h @ loc, h.square() @ variance)


def _normal(loc: Tensor, variance: Tensor) -> Normal:
    return Normal(loc, variance.sqrt(), validate_args=False)


class Flipout(Distribution):
    """Weights of each wine: one draw for all, its deviation from loc flipped by random signs.

    w_i = loc + scale · ε ∘ s_i r_iᵀ  for each layer's matrix, ε shared by the batch

    Each w_i has the law N(loc, scale²), which is what `log_prob` says; together they are
    correlated. loc and scale are [*batch, P]; batch_shape is [*batch, size], event_shape [P].
    """

    has_rsample = True
    support = constraints.real_vector
    arg_constraints = Preactivations.arg_constraints

    def __init__(self, loc: Tensor, scale: Tensor, size: int, validate_args=None):
        self.loc, self.scale = loc, scale
        shape = torch.Size((*loc.shape[:-1], size))
        super().__init__(shape, loc.shape[-1:], validate_args)

    def rsample(self, sample_shape=()) -> Tensor:
        """Pseudo-independent weights: [*sample, *batch, size, P]."""
        shape = torch.Size(sample_shape) + self.batch_shape
        noise = torch.randn((*shape[:-1], 1, sum(SIZES))).to(self.loc)
        signs = torch.cat([self._signs(shape, *sides) for sides in SIDES], -1)
        return self.loc.unsqueeze(-2) + self.scale.unsqueeze(-2) * noise * signs

    def log_prob(self, value: Tensor) -> Tensor:
        """Of each wine's weights alone: [*sample, *batch, size]."""
        each = Normal(self.loc.unsqueeze(-2), self.scale.unsqueeze(-2), validate_args=False)
        return each.log_prob(value).sum(-1)

    def _signs(self, shape: torch.Size, rows: int, columns: int) -> Tensor:
        s, r = (2 * torch.randint(2, (*shape, n)).to(self.loc) - 1 for n in (rows, columns))
        return (s.unsqueeze(-1) * r.unsqueeze(-2)).flatten(-2)
