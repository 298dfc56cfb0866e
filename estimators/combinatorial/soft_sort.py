"""SoftSort: softmax of the distances between scores and sorted scores."""

from dataclasses import dataclass

from estimators.combinatorial.neural_sort import RelaxedSort
from estimators.core import register
from estimators.special.softmax import softmax


@register("soft-sort")
@register("soft-sort-hard", hard=True)
@dataclass(frozen=True)
class SoftSort(RelaxedSort):
    """Pathwise gradient through the matrix of SoftSort; if `hard`, the cost sees a permutation.

    z = logits + Gumbel noise,   x[i, j] = softmax_j(−|sort(z)_i − z_j| / temperature)
    hard: forward the matrix that sorts z, backward the derivative of x

    Needs OneHotPlackettLuce, and a cost differentiable in x.
    Biased: the gradient is that of the relaxed objective. K cost evaluations.
    Raises Unsupported for other distributions; ValueError for a temperature ≤ 0.
    Source: Prillo & Eisenschlos 2020, arXiv:2006.16038, equation 4, with d = | · |, compared
    with its authors' code.
    """

    def relax(self, z):
        ordered = z.sort(-1, descending=True).values
        apart = (ordered.unsqueeze(-1) - z.unsqueeze(-2)).abs()
        return softmax(-apart / self.temperature)
