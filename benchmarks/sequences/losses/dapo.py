"""DAPO: a mean over all tokens of the step, and a higher upper clip."""

from dataclasses import dataclass

from benchmarks.sequences.losses.core import PolicyLoss
from benchmarks.sequences.losses.registry import register


@register("dapo")
@dataclass(frozen=True)
class Dapo(PolicyLoss):
    """Decoupled clip and a token-level mean over the whole step.

    L = − Σ_it min(r_it A_i, clip(r_it, 1 − ε_low, 1 + ε_high) A_i) / Σ_i |o_i|
    A_i = (reward_i − mean) / (sd + 1e-4), over the group

    Not exact: the number of tokens below depends on the completions drawn. Its dynamic sampling is
    not part of this. Source: Yu et al. 2025, arXiv:2503.14476, equation 8.
    """

    advantage: str = "group-mean"
    scale_rewards: str | bool = "group"
    normalisation: str = "step-token-mean"
    clip: float | None = 0.2
    clip_high: float | None = 0.28
    kl: str = "k3"
    kl_in: str = "loss"
