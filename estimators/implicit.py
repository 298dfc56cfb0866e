"""Implicit reparameterisation: pathwise gradients from a cdf that can be differentiated."""

from estimators import capabilities
from estimators.core import Estimator, averaged, evaluate, register


@register("implicit", "quick")
class Implicit(Estimator):
    """Implicit reparameterisation gradient: samples move so that their cdf value stays.

    ∂x/∂λ = −(∂F(x; λ)/∂λ) / p(x; λ),   ∇_λ E[f(x)] = E[∇_x f(x) ∂x/∂λ]

    Needs a univariate (or factorised, or factorised-mixture) continuous distribution whose cdf can
    be differentiated, and a cost differentiable in x; the sampler may be anything.
    Unbiased if f is continuous. K cost evaluations.
    Raises Unsupported for discrete and for general multivariate distributions.
    Source: Figurnov, Mohamed & Mnih 2018, arXiv:1805.08498.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        x = capabilities.implicit(dist, dist.sample((samples,)))  # [K, *B, *E]
        return averaged(evaluate(cost, x, dist))
