"""Pathwise gradients along optimal transport, for the multivariate normal."""

import torch
from torch.distributions import LowRankMultivariateNormal, MultivariateNormal

from estimators.capabilities import describe
from estimators.core import Estimator, Unsupported, evaluate, register


@register("optimal-mass-transport")
class OptimalMassTransport(Estimator):
    """Pathwise gradient of a multivariate normal along the shortest way between its densities.

    x = μ + z,   dx = dμ + S z with S symmetric and S Σ + Σ S = dΣ

    A change of Σ moves samples by a gradient field, without the rotation of x = μ + L ε; the
    expected square of the velocity is the least possible.
    Needs MultivariateNormal or LowRankMultivariateNormal, and a cost differentiable in x.
    Unbiased if f is continuous. K cost evaluations, and one eigendecomposition of Σ.
    Raises Unsupported for other families; in one dimension, implicit is the optimal transport.
    Source: Jankowiak & Obermeyer 2018, arXiv:1806.01851, section 4.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        if not isinstance(dist, MultivariateNormal | LowRankMultivariateNormal):
            raise Unsupported(
                f"The optimal transport of {describe(dist)} is not known here, only that of "
                "multivariate normals; use pathwise, or implicit, which is it in one dimension."
            )
        covariance = dist.covariance_matrix  # [*B, D, D]
        values, vectors = torch.linalg.eigh(covariance.detach())
        change = covariance - covariance.detach()  # zero, with dΣ
        inner = vectors.mT @ change @ vectors
        pairs = values.unsqueeze(-1) + values.unsqueeze(-2)
        field = vectors @ (inner / pairs) @ vectors.mT  # S: zero, with its derivative
        x = dist.sample((samples,))  # [K, *B, D]
        z = (x - dist.loc).detach().unsqueeze(-1)
        x = x + (dist.loc - dist.loc.detach()) + (field @ z).squeeze(-1)
        return evaluate(cost, x, dist).mean(0)
