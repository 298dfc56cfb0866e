"""REINFORCE++: advantages whitened over all tokens of the step."""

from dataclasses import dataclass

from benchmarks.sequences.losses.core import PolicyLoss
from benchmarks.sequences.losses.registry import register


@register("reinforce++")
@dataclass(frozen=True)
class ReinforcePlusPlus(PolicyLoss):
    """PPO's clip with returns of tokens that are whitened over the step, without a critic.

    L = − Σ_it min(r_it A_it, clip(r_it, 1 − ε, 1 + ε) A_it) / Σ_i |o_i|
    A_it = (R_it − mean R) / sd R,   R_it = reward_i − β Σ_{s ≥ t} k1_is

    Not exact: tokens of one completion share its reward. Source: Hu 2025, arXiv:2501.03262.
    """

    advantage: str = "whitened"
    normalisation: str = "step-token-mean"
    clip: float | None = 0.2
