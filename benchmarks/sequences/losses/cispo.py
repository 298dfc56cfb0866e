"""CISPO: the weight is clipped, not the update."""

from dataclasses import dataclass

from benchmarks.sequences.losses.core import PolicyLoss
from benchmarks.sequences.losses.registry import register


@register("cispo")
@dataclass(frozen=True)
class Cispo(PolicyLoss):
    """The score function with clipped importance weights of tokens that carry no gradient.

    L = − Σ_it clip(r_it, 1 − ε_low, 1 + ε_high) A_i log π(o_it) / Σ_i |o_i|, the weight a constant
    A_i as in grpo

    Not exact: token weights are not those of a completion, and tokens are below.
    Source: MiniMax 2025, arXiv:2506.13585; its lower clip is off there, and here unless
    `clip_low` is given.
    """

    advantage: str = "group-mean"
    scale_rewards: str | bool = "group"
    normalisation: str = "step-token-mean"
    clip: float | None = 0.2
    clip_low: float | None = None
    kl: str = "k3"
    kl_in: str = "loss"

    def surrogate(self, batch, advantages):
        high = self.clip if self.clip_high is None else self.clip_high
        low = None if self.clip_low is None else 1 - self.clip_low
        weight = self.ratio(batch).clamp(low, 1 + high).detach()
        return -weight * advantages * batch.log_prob
