"""Dr. GRPO: neither a standard deviation nor a length below."""

from dataclasses import dataclass

from benchmarks.sequences.losses.core import PolicyLoss
from benchmarks.sequences.losses.registry import register


@register("dr-grpo")
@dataclass(frozen=True)
class DrGrpo(PolicyLoss):
    """GRPO done right: a constant below instead of lengths, advantages as they are.

    L = − 1/(B · length) Σ_it min(r_it A_i, clip(r_it, 1 − ε, 1 + ε) A_i),   A_i = reward_i − mean

    Parallel to the gradient, (1 − 1/G) / length times as long, where one group is a step's.
    Source: Liu et al. 2025, arXiv:2503.20783.
    """

    advantage: str = "group-mean"
    normalisation: str = "constant"
    clip: float | None = 0.2
    kl: str = "k3"
    kl_in: str = "loss"
