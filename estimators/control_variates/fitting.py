"""Fitting what a control variate has to learn, for every batch element by itself."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities import with_leaves

RATE, TINY = 0.05, 1e-12  # of Adam's steps; the rate falls to zero over the second half of them


def fit(dist: Distribution, surrogate: Callable[..., Tensor], start, steps: int) -> list[Tensor]:
    """The parameters that make E‖ĝ‖² small, after `steps` steps of Adam from `start`.

    `surrogate(dist, *parameters)` is as in `Descent.step`.
    """
    descent = Descent(start, steps)
    while not descent.done:
        descent.step(dist, surrogate)
    return descent.parameters


class Descent:
    """Adam on E‖ĝ‖², ĝ being the gradient of a surrogate, one fresh estimate a step.

    Each parameter is [*B, ...]: Adam works elementwise, so batch elements share nothing.
    The mean of ĝ must not depend on the parameters; then E‖ĝ‖² is the variance and a constant.
    """

    def __init__(self, start, steps: int):
        self.parameters: list[Tensor] = [p.detach() for p in start]
        self.steps, self.taken = steps, 0
        self.first, self.second = ([torch.zeros_like(p) for p in self.parameters] for _ in range(2))

    @property
    def done(self) -> bool:
        """Whether all steps were taken."""
        return self.taken >= self.steps

    def step(self, dist: Distribution, surrogate: Callable[..., Tensor]) -> None:
        """One step with the gradient of `surrogate(dist, *parameters)`."""
        self.taken += 1
        slopes = _slopes(dist, surrogate, [p.requires_grad_() for p in self.parameters])
        self.first = [0.9 * m + 0.1 * g for m, g in zip(self.first, slopes, strict=True)]
        self.second = [0.999 * v + 0.001 * g * g for v, g in zip(self.second, slopes, strict=True)]
        rate = RATE * min(1.0, 2 * (1 - (self.taken - 1) / self.steps))
        rate *= (1 - 0.999**self.taken) ** 0.5 / (1 - 0.9**self.taken)
        self.parameters = [
            p.detach() - rate * m / (v.sqrt() + max(TINY, torch.finfo(v.dtype).tiny))
            for p, m, v in zip(self.parameters, self.first, self.second, strict=True)
        ]


def _slopes(dist, surrogate, parameters):
    """∂‖ĝ‖²/∂parameters, for every batch element at once."""
    with torch.enable_grad():
        twin, leaves = with_leaves(dist)
        found = gradients(surrogate(twin, *parameters), leaves, again=True)
        return torch.autograd.grad(sum(g.square().sum() for g in found), parameters)


def fit_coefficient(dist: Distribution, parts: Callable, steps: int) -> Tensor:
    """η of ĝ = ĝ₀ + η ĝ₁ by regression over `steps` estimates: [*B]. See `Regression`."""
    regression = Regression(steps)
    while not regression.done:
        regression.step(dist, parts)
    return regression.parameters[0]


class Regression:
    """η of ĝ = ĝ₀ + η ĝ₁, E ĝ₁ = 0, by regression over `steps` estimates: [*B].

    η = −Σ_p cov(ĝ₀, ĝ₁) / Σ_p var(ĝ₁)

    Over the first `extra` batch axes it is one regression.
    """

    def __init__(self, steps: int, extra: int = 0):
        self.steps, self.taken, self.extra = steps, 0, extra
        self.sums = [0.0] * 4

    @property
    def done(self) -> bool:
        """Whether all estimates were taken in."""
        return self.taken >= self.steps

    def step(self, dist: Distribution, parts: Callable) -> None:
        """Take in one estimate; `parts(dist)` gives the surrogates of ĝ₀ and ĝ₁."""
        self.taken += 1
        with torch.enable_grad():
            twin, leaves = with_leaves(dist)
            base, control = (_flat(dist, gradients(part, leaves)) for part in parts(twin))
        terms = (base, control, base * control, control * control)  # [*B, P] each
        if self.extra:
            terms = tuple(term.flatten(0, self.extra - 1).mean(0) for term in terms)
        self.sums = [total + term for total, term in zip(self.sums, terms, strict=True)]

    @property
    def parameters(self) -> list[Tensor] | None:
        """η [*B]; None before the last estimate, for one made of few is worse than none."""
        if not self.done:
            return None
        base, control, product, square = (total / self.steps for total in self.sums)
        covariance = (product - base * control).sum(-1)
        variance = (square - control * control).sum(-1)
        return [torch.where(variance > 0, -covariance / variance, 0.0)]  # [*B]


def gradients(surrogate: Tensor, leaves: dict[str, Tensor], again=False) -> tuple[Tensor, ...]:
    """The gradients of a surrogate [*B] in `leaves`; to be differentiated `again` or not."""
    return torch.autograd.grad(
        surrogate.sum(),
        list(leaves.values()),
        retain_graph=True,
        create_graph=again,
        materialize_grads=True,
    )


def _flat(dist: Distribution, found: tuple[Tensor, ...]) -> Tensor:
    batch = dist.batch_shape  # what lacks its axes is no parameter, such as the codes of a Codebook
    own = (g for g in found if g.shape[: len(batch)] == batch)
    return torch.cat([g.reshape(*batch, -1) for g in own], -1)
