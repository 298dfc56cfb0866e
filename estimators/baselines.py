"""Baselines b for the score function: what is subtracted from the cost without adding bias.

A baseline is a function of the costs f [K, *B] of one call that returns something broadcastable to
them. It may look at other samples and at earlier calls, never at the sample it is subtracted from.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from estimators.capabilities import Unsupported

Baseline = Callable[[Tensor], Tensor | float]


@dataclass(frozen=True)
class Constant:
    """The same number for every sample."""

    value: float = 0.0

    def __call__(self, f: Tensor) -> float:
        return self.value


@dataclass(frozen=True)
class LeaveOneOut:
    """The mean cost of the other K − 1 samples."""

    def __call__(self, f: Tensor) -> Tensor:
        count = f.shape[0]
        if count < 2:
            raise Unsupported(
                "A leave-one-out baseline needs at least two samples; pass samples=2 or more, "
                "or use reinforce or reinforce-ema."
            )
        return (f.sum(0) - f) / (count - 1)


@dataclass
class MovingAverage:
    """The exponentially weighted mean cost of the calls before this one; zero at the first.

    b = Σ_t decayᵗ f̄₋ₜ / Σ_t decayᵗ, over one mean for everything in a call. It is the one baseline
    with a memory: an object belongs to one training loop.
    """

    decay: float = 0.9
    total: Tensor | None = field(default=None, init=False, repr=False, compare=False)
    weight: float = field(default=0.0, init=False, repr=False, compare=False)

    def __post_init__(self):
        if not 0 < self.decay < 1:
            raise ValueError(f"decay must lie between 0 and 1, not {self.decay}; 0.9 is usual.")

    def __call__(self, f: Tensor) -> Tensor:
        total = f.new_zeros(()) if self.total is None else self.total
        baseline = total / self.weight if self.weight else total
        mean = f.mean(0)  # [*B], averaged down to the shape of what is remembered
        share = total.numel() / mean.numel()
        self.total = self.decay * total + mean.sum_to_size(total.shape) * share
        self.weight = self.decay * self.weight + 1
        return baseline

    def after(self, draw: Callable[[], Tensor]) -> "MovingAverage":
        """A new average as after many calls at one λ, with a mean for each replicate.

        `draw()` gives the costs [K, R, *B] of a call. Settled weights (1 − decay) decayᵗ have the
        sum of squares (1 − decay) / (1 + decay), so the plain mean of so many fewer calls has the
        same mean and variance.
        """
        calls = round((1 + self.decay) / (1 - self.decay))
        mean = sum(draw().mean(0) for _ in range(calls)) / calls  # [R, *B]
        each = mean.reshape(len(mean), -1).mean(1)  # [R]
        settled = replace(self)
        settled.weight = 1 / (1 - self.decay)
        settled.total = settled.weight * each.reshape(-1, *[1] * (mean.ndim - 1))
        return settled


def as_baseline(baseline: Baseline | float) -> Baseline:
    """`baseline` itself, or the constant baseline of a number; TypeError for anything else."""
    if isinstance(baseline, int | float):
        return Constant(float(baseline))
    if not callable(baseline):
        raise TypeError(
            f"A baseline is a number or a function of the costs [K, *B], not {baseline!r}."
        )
    return baseline


def detached(baseline: Baseline, f: Tensor) -> Tensor | float:
    """The `baseline` of costs `f` [K, *B], outside every graph: broadcastable to f."""
    with torch.no_grad():
        return baseline(f.detach())
