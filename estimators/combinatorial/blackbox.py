"""Blackbox differentiation: the solver's point, and its point after a step down the cost."""

from dataclasses import dataclass

from estimators.capabilities import gumbel_logits, harden, over_event
from estimators.combinatorial.implicit_mle import check_strength, slope_at, solved
from estimators.core import Estimator, register


@register("blackbox-differentiation")
@dataclass(frozen=True)
class BlackboxDifferentiation(Estimator):
    """Gradient of a piecewise linear interpolation of f(argmax ⟨logits, x⟩), without any noise.

    x = x(logits),   ĝ = (x(logits) − x(logits − strength ∇f(x))) / strength

    Needs TopK, PerturbedOracle or OneHotCategorical, and a cost differentiable in x.
    Biased: it differentiates at the most probable point, and estimates neither the value nor the
    gradient of E[f]. One cost evaluation, two of the solver; no variance, K is ignored.
    Raises Unsupported for other distributions; ValueError for a strength ≤ 0.
    Source: Vlastelica, Paulus, Musil, Martius & Rolínek 2020, arXiv:1912.02175, algorithm 1, with
    the sign of a maximum, compared with its authors' code.
    """

    strength: float = 1.0

    def __post_init__(self):
        check_strength(self.strength)

    def surrogate(self, dist, cost, samples=1):
        z = gumbel_logits(dist).unsqueeze(0)  # [1, *B, n]
        x = solved(dist, z)
        f, slope = slope_at(cost, x, dist)
        g = (x - harden(dist, z.detach() - self.strength * slope)) / self.strength
        return (f + over_event(dist, g * (z - z.detach()))).squeeze(0)
