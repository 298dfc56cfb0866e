"""Sticking the landing: pathwise gradients without the score of the log-probability."""

from estimators.capabilities import describe, without_score
from estimators.core import Estimator, Unsupported, evaluate, register


@register("sticking-the-landing")
class StickingTheLanding(Estimator):
    """Pathwise gradient of costs that contain log p(x; λ), without that term's own score.

    f(x; λ) = c log p(x; λ) + h(x; λ):   ĝ = ∇_λ f(g(ε, λ)) − c ∇_λ log p(x; λ)|_{x fixed}

    The cost gets the distribution with a `log_prob` that sees λ only through x; the score it
    leaves out has mean zero. Whatever else the cost asks of the distribution, such as an analytic
    KL, keeps its gradient. For costs that never ask for `log_prob` this is pathwise; at the
    optimum of an evidence bound its variance is zero.
    Needs `rsample`, and a cost differentiable in x.
    Unbiased if f is continuous and linear in log p. K cost evaluations.
    Raises Unsupported for distributions without `rsample`.
    Source: Roeder, Wu & Duvenaud 2017, arXiv:1703.09194.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        if not dist.has_rsample:
            raise Unsupported(
                f"{describe(dist)} has no reparameterised sampler (`rsample`), through which the "
                "path leads; use implicit or reinforce-loo."
            )
        x = dist.rsample((samples,))  # [K, *B, *E]
        return evaluate(cost, x, without_score(dist)).mean(0)
