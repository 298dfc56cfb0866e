"""ReMax: the greedy completion as baseline."""

from dataclasses import dataclass

from benchmarks.sequences.losses.core import PolicyLoss
from benchmarks.sequences.losses.registry import register


@register("remax")
@dataclass(frozen=True)
class Remax(PolicyLoss):
    """The score function of whole completions, with the greedy completion's reward as baseline.

    L = − 1/B Σ_i (r_i − r(greedy)) Σ_t log π(o_it)

    Exact: the greedy completion does not look at the samples. Source: Li et al. 2023,
    arXiv:2310.10505.
    """

    advantage: str = "greedy"
