"""REINFORCE over completions."""

from dataclasses import dataclass

from benchmarks.sequences.losses.core import PolicyLoss
from benchmarks.sequences.losses.registry import register


@register("reinforce")
@dataclass(frozen=True)
class Reinforce(PolicyLoss):
    """The score function of whole completions, without a baseline.

    L = − 1/B Σ_i r_i Σ_t log π(o_it)

    Exact, with k1 in the reward too. Source: Williams 1992, Machine Learning 8.
    """
