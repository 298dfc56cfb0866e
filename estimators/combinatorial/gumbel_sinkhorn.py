"""Gumbel-Sinkhorn: a doubly stochastic matrix in place of the permutation that sorts."""

from dataclasses import dataclass

import torch

from estimators.combinatorial.neural_sort import RelaxedSort
from estimators.core import register


@register("gumbel-sinkhorn")
@register("gumbel-sinkhorn-hard", hard=True)
@dataclass(frozen=True)
class GumbelSinkhorn(RelaxedSort):
    """Pathwise gradient through Sinkhorn's matrix; if `hard`, the cost sees a permutation.

    z = logits + Gumbel noise,   x = Sinkhorn(M / temperature),   M[i, j] = −i z_j

    Sinkhorn divides exp(M) by its row and by its column sums, `iterations` times in turn. The
    permutation that maximises ⟨M, x⟩ sorts z. The noise is on the scores, so that the hard sample
    is a Plackett–Luce ordering; in the paper it is on each entry of a free matrix M, whose law of
    permutations has no density.
    Needs OneHotPlackettLuce, and a cost differentiable in x.
    Biased: the gradient is that of the relaxed objective. K cost evaluations.
    Raises Unsupported for other distributions; ValueError for temperature ≤ 0, iterations < 1.
    Source: Mena, Belanger, Linderman & Snoek 2018, arXiv:1802.08665, read in their code,
    google/gumbel_sinkhorn: rows before columns, 20 iterations, noise before the temperature.
    """

    iterations: int = 20

    def __post_init__(self):
        super().__post_init__()
        if self.iterations < 1:
            raise ValueError(f"iterations must be at least 1, not {self.iterations}; 20 is usual.")

    def relax(self, z):
        place = torch.arange(z.shape[-1], dtype=z.dtype, device=z.device)
        log_x = -place.unsqueeze(-1) * z.unsqueeze(-2) / self.temperature
        for _ in range(self.iterations):
            log_x = log_x.log_softmax(-1).log_softmax(-2)
        return log_x.exp()
