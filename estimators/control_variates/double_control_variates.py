"""Double control variates: leave-one-out REINFORCE, corrected by the costs' slopes."""

from dataclasses import dataclass

from estimators import capabilities
from estimators.baselines import LeaveOneOut
from estimators.control_variates.fitted_coefficient import FittedCoefficient
from estimators.control_variates.linear import value_and_slope
from estimators.core import Unsupported, register
from estimators.reinforce import score_log_prob


@register("double-control-variates")
@dataclass(frozen=True)
class DoubleControlVariates(FittedCoefficient):
    """Leave-one-out REINFORCE of the cost plus a tangent whose slope the other samples give.

    ĝ = mean_k (f_k + η b_k − mean_{j≠k} (f_j + η b_j)) ∇log p(x_k) − η mean_k f'(x_k) ∇μ,
    b_k = mean_{j≠k} f'(x_j) · (x_k − μ),   μ = E[x]

    η is fitted by regression on `fit_steps` estimates; before, it is `coefficient`.
    Needs Bernoulli, OneHotCategorical or Independent of them, K ≥ 2, a cost differentiable in x.
    Unbiased for every η. K cost evaluations with their slopes, and as many a fit step.
    Raises Unsupported for other distributions, K = 1, and costs without a derivative.
    Source: Titsias & Shi 2022, arXiv:2111.05300, with their α, learned by regression, as η.
    """

    coefficient: float = 0.0
    fit_steps: int = 100

    def parts(self, dist, cost, samples):
        """The surrogates of leave-one-out and of its correction, E[…] = 0: [*B] each."""
        if samples < 2:
            raise Unsupported(
                "Double control variates take each sample's slope from the others; pass samples=2 "
                "or more, or use mu-prop."
            )
        mean = capabilities.soften(dist, capabilities.logits(dist))  # [*B, *E]
        x = dist.sample((samples,))
        f, slope = value_and_slope(cost, x, dist)  # [K, *B], [K, *B, *E]
        others = LeaveOneOut()
        tangent = capabilities.over_event(dist, others(slope) * (x - mean.detach()))  # b: [K, *B]
        known = capabilities.over_event(dist, slope.mean(0) * (mean - mean.detach()))
        log_p = score_log_prob(dist, x)
        score = log_p - log_p.detach()  # zero, with the score as its derivative
        advantage = f.detach() - others(f.detach())
        correction = ((tangent - others(tangent)) * score).mean(0) - known
        return (f + advantage * score).mean(0), correction
