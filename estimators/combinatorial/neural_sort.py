"""NeuralSort: a row-stochastic matrix in place of the permutation that sorts."""

from abc import abstractmethod
from dataclasses import dataclass

import torch

from estimators.capabilities import describe, harden, perturbed_logits
from estimators.core import Estimator, Unsupported, averaged, evaluate, register
from estimators.distributions import OneHotPlackettLuce
from estimators.gumbel_softmax import check_temperature
from estimators.special.softmax import softmax


@dataclass(frozen=True)
class RelaxedSort(Estimator):
    """Pathwise gradient through a relaxed permutation matrix of perturbed logits."""

    temperature: float = 1.0
    hard: bool = False

    def __post_init__(self):
        check_temperature(self.temperature)

    def surrogate(self, dist, cost, samples=1):
        if not isinstance(dist, OneHotPlackettLuce):
            raise Unsupported(
                f"{describe(dist)} has no permutation matrices to relax; use OneHotPlackettLuce, "
                "or a score-function estimator such as reinforce-loo."
            )
        z = perturbed_logits(dist, (samples,))  # [K, *B, n]
        x = self.relax(z)  # [K, *B, n, n]
        if self.hard:
            x = harden(dist, z) + (x - x.detach())
        return averaged(evaluate(cost, x, dist))

    @abstractmethod
    def relax(self, z):
        """The relaxed matrix that sorts scores z, largest first: [..., n] → [..., n, n]."""


@register("neural-sort")
@register("neural-sort-hard", hard=True)
@dataclass(frozen=True)
class NeuralSort(RelaxedSort):
    """Pathwise gradient through the matrix of NeuralSort; if `hard`, the cost sees a permutation.

    z = logits + Gumbel noise,   x[i, :] = softmax(((n + 1 − 2i) z − A 1) / temperature),
    A[j, l] = |z_j − z_l|
    hard: forward the matrix that sorts z, backward the derivative of x

    Needs OneHotPlackettLuce, and a cost differentiable in x.
    Biased: the gradient is that of the relaxed objective. K cost evaluations.
    Raises Unsupported for other distributions; ValueError for a temperature ≤ 0.
    Source: Grover, Wang, Zweig & Ermon 2019, arXiv:1903.08850, equation 5, compared with the
    code in its appendix.
    """

    def relax(self, z):
        n = z.shape[-1]
        apart = (z.unsqueeze(-1) - z.unsqueeze(-2)).abs().sum(-1)  # A 1: [..., n]
        place = torch.arange(n - 1, -n, -2, dtype=z.dtype, device=z.device)  # n + 1 − 2i
        lead = place.unsqueeze(-1) * z.unsqueeze(-2) - apart.unsqueeze(-2)
        return softmax(lead / self.temperature)
