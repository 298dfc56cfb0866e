"""GSPO: one ratio for a completion, the geometric mean of its tokens'."""

from dataclasses import dataclass

from benchmarks.sequences.losses.core import PolicyLoss
from benchmarks.sequences.losses.registry import register


@register("gspo")
@dataclass(frozen=True)
class Gspo(PolicyLoss):
    """Group sequence policy optimisation.

    L = − 1/B Σ_i min(s_i A_i, clip(s_i, 1 − ε_low, 1 + ε_high) A_i)
    s_i = exp(1/|o_i| Σ_t log π(o_it) / π_old(o_it)),   A_i as in grpo

    Not exact: the geometric mean is no importance weight, and its gradient is over |o_i|.
    Source: Zheng et al. 2025, arXiv:2507.18071, equations 5 and 7; the clips of its experiments.
    """

    advantage: str = "group-mean"
    scale_rewards: str | bool = "group"
    normalisation: str = "sequence-mean"
    clip: float | None = 3e-4
    clip_high: float | None = 4e-4
    kl: str = "k3"
    kl_in: str = "loss"

    def ratio(self, batch):
        difference = (batch.log_prob - batch.old) * batch.mask
        mean = difference.sum(-1, keepdim=True) / batch.mask.sum(-1, keepdim=True).clamp_min(1)
        return mean.exp().expand_as(batch.mask)
