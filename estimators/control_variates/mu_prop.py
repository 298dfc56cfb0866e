"""MuProp: the score function of what the cost's tangent at the mean leaves over."""

from dataclasses import dataclass

from estimators import capabilities
from estimators.control_variates.fitted_coefficient import FittedCoefficient
from estimators.control_variates.linear import value_and_slope
from estimators.core import evaluate, register
from estimators.reinforce import score_log_prob


@register("mu-prop")
@register("mu-prop-fitted", fit_steps=100)
@dataclass(frozen=True)
class MuProp(FittedCoefficient):
    """Score-function gradient with the cost's first-order expansion about the mean as baseline.

    ĝ = mean_k (f(x_k) − η h(x_k)) ∇log p(x_k) + η f'(μ) ∇μ,   h(x) = f(μ) + f'(μ)(x − μ), μ = E[x]

    η is `coefficient`, fitted by regression on `fit_steps` estimates if that is not zero.
    Needs Bernoulli, OneHotCategorical or Independent of them, and a cost differentiable in x.
    Unbiased for every η: E[h ∇log p] = f'(μ) ∇μ. K + 1 cost evaluations, and as many a fit step.
    Raises Unsupported for other distributions, and for costs without a derivative.
    Source: Gu, Levine, Sutskever & Mnih 2016, arXiv:1511.05176.
    """

    coefficient: float = 1.0
    fit_steps: int = 0

    def parts(self, dist, cost, samples):
        """The surrogates of the score function and of the control variate, E[…] = 0: [*B] each."""
        mean = capabilities.soften(dist, capabilities.logits(dist))  # [*B, *E]
        f_mean, slope = value_and_slope(cost, mean.unsqueeze(0), dist)  # [1, *B], [1, *B, *E]
        x = dist.sample((samples,))
        f = evaluate(cost, x, dist)  # [K, *B]
        log_p = score_log_prob(dist, x)
        score = log_p - log_p.detach()  # zero, with the score as its derivative
        tangent = f_mean.detach() + capabilities.over_event(dist, slope * (x - mean.detach()))
        known = capabilities.over_event(dist, slope[0] * (mean - mean.detach()))
        return (f + f.detach() * score).mean(0), known - (tangent * score).mean(0)
