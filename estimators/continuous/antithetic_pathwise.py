"""Pathwise gradients of antithetic pairs."""

import torch

from estimators import capabilities
from estimators.core import Estimator, Unsupported, evaluate, register


@register("antithetic-pathwise")
class AntitheticPathwise(Estimator):
    """Pathwise gradient of K/2 pairs whose noise is mirrored: ε and −ε, or u and 1 − u.

    ĝ = (2/K) Σ_j ½ (∇_λ f(g(ε_j, λ)) + ∇_λ f(g(−ε_j, λ)))

    Needs an even K, a cost differentiable in x, and noise that can be mirrored: a distribution
    symmetric about loc, or one with an inverse cdf.
    Unbiased if f is continuous; no noise at all from the odd part of ∇f. K cost evaluations.
    Raises Unsupported for an odd K, for discrete families and where no noise can be mirrored.
    Source: Hammersley & Morton 1956, Proc. Cambridge Phil. Soc. 52; Wu, Goodman & Ermon 2019,
    arXiv:1810.02555, for variational inference.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        if samples % 2:
            raise Unsupported(
                f"Antithetic pairs need an even number of samples, not {samples}; pass samples=2 "
                "or another even number, or use pathwise."
            )
        capabilities.require_continuous(dist)
        x = torch.cat(capabilities.mirrored(dist, (samples // 2,)))  # [K, *B, *E]
        return evaluate(cost, x, dist).mean(0)
