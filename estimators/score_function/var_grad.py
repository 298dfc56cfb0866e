"""VarGrad: the gradient of a variance of log-ratios, which is leave-one-out REINFORCE."""

from estimators.baselines import LeaveOneOut
from estimators.capabilities import without_score
from estimators.core import Estimator, Unsupported, averaged, evaluate, register
from estimators.reinforce import score_log_prob


@register("var-grad")
class VarGrad(Estimator):
    """Gradient of half the sample variance of log p(x; λ) + h(x) over fixed samples.

    ĝ = 1/(K − 1) Σ_k (f(x_k) − f̄) ∇log p(x_k; λ),   f(x; λ) = c log p(x; λ) + h(x)

    It is reinforce-loo less the score c ∇log p of the log-probability in the cost, which has mean
    zero: the cost gets the distribution with a `log_prob` that sees λ through x alone, and x is
    fixed. Whatever else the cost asks of the distribution keeps its gradient.
    Needs `log_prob` and K ≥ 2; the cost may be any function.
    Unbiased unless the support moves with λ, if f is linear in log p. K cost evaluations.
    Raises Unsupported without `log_prob`, where the support moves, and for K = 1.
    Source: Richter, Boustati, Nüsken, Ruiz & Akyildiz 2020, arXiv:2010.10436, read in its summary
    and in their code, aboustati/vargrad: the variance over samples with K − 1.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        if samples < 2:
            raise Unsupported(
                "A variance over samples needs at least two; pass samples=2 or more, or use "
                "reinforce."
            )
        x = dist.sample((samples,))  # [K, *B, *E]
        log_p = score_log_prob(dist, x)
        f = evaluate(cost, x, without_score(dist))  # [K, *B]
        advantage = f.detach() - LeaveOneOut()(f.detach())
        return averaged(f + advantage * (log_p - log_p.detach()))
