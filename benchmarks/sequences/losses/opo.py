"""OPO: the length-weighted mean as baseline, on-policy."""

from dataclasses import dataclass

from benchmarks.sequences.losses.core import PolicyLoss
from benchmarks.sequences.losses.registry import register


@register("opo")
@dataclass(frozen=True)
class Opo(PolicyLoss):
    """The score function of whole completions, with the length-weighted mean reward as baseline.

    L = − 1/B Σ_i A_i Σ_t log π(o_it),   A_i = r_i − Σ_j |o_j| r_j / Σ_j |o_j|

    Not exact: a completion's own reward is in its baseline, with the weight of its length.
    Source: Hao et al. 2025, arXiv:2505.23585.
    """

    advantage: str = "length-weighted"
