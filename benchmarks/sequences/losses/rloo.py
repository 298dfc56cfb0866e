"""RLOO: leave-one-out over the group."""

from dataclasses import dataclass

from benchmarks.sequences.losses.core import PolicyLoss
from benchmarks.sequences.losses.registry import register


@register("rloo")
@dataclass(frozen=True)
class Rloo(PolicyLoss):
    """The score function of whole completions, with the mean of the others as baseline.

    L = − 1/B Σ_i A_i Σ_t log π(o_it),   A_i = r_i − mean_{j ≠ i} r_j

    Exact, with k1 in the reward too. Source: Ahmadian et al. 2024, arXiv:2402.14740.
    """

    advantage: str = "leave-one-out"
