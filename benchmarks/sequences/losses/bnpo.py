"""BNPO, as trainers have it: a mean over the tokens of each micro-batch."""

from dataclasses import dataclass

from benchmarks.sequences.losses.core import PolicyLoss
from benchmarks.sequences.losses.registry import register


@register("bnpo")
@dataclass(frozen=True)
class Bnpo(PolicyLoss):
    """GRPO with the tokens of the local batch below.

    L = − Σ_it min(r_it A_i, clip(r_it, 1 − ε, 1 + ε) A_i) / Σ_i |o_i|, over a micro-batch
    A_i = (reward_i − mean) / (sd + 1e-4), over the group

    Not exact, and not the same under another split into micro-batches. Source: `loss_type="bnpo"`
    of trl 1.16; Xiao, Zhang & Cao 2025, arXiv:2506.02864, is another loss of that name.
    """

    advantage: str = "group-mean"
    scale_rewards: str | bool = "group"
    normalisation: str = "token-mean"
    clip: float | None = 0.2
    kl: str = "k3"
    kl_in: str = "loss"
