"""AIMLE: I-MLE with central differences, over a step that adapts."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from estimators.capabilities import (
    Unsupported,
    bernoulli_logits,
    gumbel_logits,
    harden,
    over_event,
    perturbed_logits,
    spread,
)
from estimators.combinatorial.implicit_mle import ImplicitMle, slope_at, solved
from estimators.core import register

DECAY = 0.9  # of the running count of nonzero entries, as in the authors' code
WANTED = 1.0  # nonzero entries in each estimate


@register("aimle")
@dataclass(frozen=True)
class AdaptiveImplicitMle(ImplicitMle):
    """Adaptive implicit maximum likelihood: central differences along the cost's slope.

    ĝ = (x(z + λ ∇f) − x(z − λ ∇f)) / 2λ,   λ = α ‖z̄‖ / ‖∇f‖,   z = logits + noise, z̄ the logits

    α is `strength` until `fitted`, which raises it by `step` after each of `fit_steps` calls while
    estimates have fewer than one nonzero entry on average, and lowers it while they have more.
    Needs what i-mle needs.
    Biased: a difference over a step that is not small. K cost evaluations, 3 K of the solver.
    Raises Unsupported for other distributions; ValueError for strength or step ≤ 0.
    Source: Minervini, Franceschi & Niepert 2023, arXiv:2209.04862, equation 8; the paper starts at
    α = 0 with steps of 0.001, which takes longer than a measurement.
    """

    fit_steps: int = 64
    step: float = 0.05
    scale: Tensor | None = field(default=None, repr=False, compare=False)  # α of each element, [*B]

    def __post_init__(self):
        super().__post_init__()
        if not self.step > 0 or self.fit_steps < 0:
            raise ValueError(
                f"step must be positive and fit_steps at least 0, not {self.step} and "
                f"{self.fit_steps}; 0.05 and 64 are usual."
            )

    def difference(self, dist, z, x, slope):
        scale = self.strength if self.scale is None else self.scale
        length = over_event(dist, slope.square()).sqrt()
        size = scale * self._size(dist) / length.clamp_min(torch.finfo(z.dtype).tiny)
        size = spread(dist, size)  # λ: [K, *B, 1..]
        change = harden(dist, z + size * slope) - harden(dist, z - size * slope)
        return torch.where(change == 0, 0.0, change / (2 * size))

    def fitted(self, dist, cost, samples=1):
        like = perturbed_logits(dist, (1,)).detach()
        scale = like.new_full(dist.batch_shape, self.strength)
        count = torch.ones_like(scale)
        for _ in range(self.fit_steps):
            z = perturbed_logits(dist, (samples,)).detach()
            x = solved(dist, z)
            slope = slope_at(cost, x, dist)[1]
            g = replace(self, scale=scale).difference(dist, z, x, slope)
            nonzero = over_event(dist, (g != 0).to(z.dtype)).mean(0)
            count = DECAY * count + (1 - DECAY) * nonzero
            scale = (scale + self.step * (2 * (count < WANTED) - 1)).clamp_min(self.step)
        return replace(self, scale=scale)

    def _size(self, dist):
        """‖z̄‖, of the logits without their noise: [*B]."""
        centre = mean_logits(dist).detach()
        return over_event(dist, centre.square()).sqrt()


def mean_logits(dist):
    """What the noise is added to: [*B, *E]."""
    try:
        return gumbel_logits(dist)
    except Unsupported:
        return bernoulli_logits(dist)
