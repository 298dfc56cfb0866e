"""GRPO: advantages standardised in the group, a mean over each completion's tokens."""

from dataclasses import dataclass

from benchmarks.sequences.losses.core import PolicyLoss
from benchmarks.sequences.losses.registry import register


@register("grpo")
@dataclass(frozen=True)
class Grpo(PolicyLoss):
    """Group relative policy optimisation.

    L = − 1/B Σ_i 1/|o_i| Σ_t [min(r_it A_i, clip(r_it, 1 − ε, 1 + ε) A_i) − β k3_it]
    A_i = (reward_i − mean) / (sd + 1e-4), over the group

    Not exact: the mean over |o_i| weighs completions by their length, the standard deviation
    prompts by their difficulty. Source: Shao et al. 2024, arXiv:2402.03300, equations 3 and 4.
    """

    advantage: str = "group-mean"
    scale_rewards: str | bool = "group"
    normalisation: str = "sequence-mean"
    clip: float | None = 0.2
    kl: str = "k3"
    kl_in: str = "loss"
