"""PPO's clip, with advantages from the group instead of a critic."""

from dataclasses import dataclass

from benchmarks.sequences.losses.core import PolicyLoss
from benchmarks.sequences.losses.registry import register


@register("ppo")
@dataclass(frozen=True)
class Ppo(PolicyLoss):
    """The clipped surrogate of whole completions.

    L = − 1/B Σ_it min(r_it A_i, clip(r_it, 1 − ε, 1 + ε) A_i),   A_i = reward_i − mean_{j ≠ i}

    Exact at the first step, where π = π_old; afterwards token ratios are not those of completions,
    and clips bind. Give the policy an `old` for that. Source: Schulman et al. 2017,
    arXiv:1707.06347, equation 7.
    """

    advantage: str = "leave-one-out"
    clip: float | None = 0.2
