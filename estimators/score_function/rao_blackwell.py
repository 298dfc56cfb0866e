"""The score function of each factor, with only the terms of the cost that depend on it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from torch import Tensor

from estimators import capabilities
from estimators.baselines import Baseline, Constant, as_baseline, detached
from estimators.core import Estimator, Unsupported, evaluate, register


@register("reinforce-rao-blackwell")
@dataclass(frozen=True)
class RaoBlackwell(Estimator):
    """Score-function gradient of a factorised distribution, each factor with its own costs.

    ĝ = mean_k Σ_d (f_d(x_k) − b) ∇log p_d(x_kd; λ),   f_d = the terms of f that depend on x_d

    `terms(x, dist)` gives the terms of f, [K, *B, *factors], the d-th without x_e for e ≠ d; of a
    sequence, the t-th without the tokens after it, and f_t is the sum from t on, the reward to
    go (Sutton, McAllester, Singh & Mansour 2000). Without it, an attribute `terms` of the
    cost does, as those in `benchmarks.objective.costs` have one. `baseline` as
    in reinforce, of each f_d [K, *B, *factors].
    Needs `terms`, and Independent of factors with `log_prob` or Autoregressive; the cost may be any
    function. Unbiased if f − f_d does not depend on x_d: a conditional mean of REINFORCE.
    K evaluations of the cost and of its terms. Raises Unsupported without terms or factors.
    Source: Ranganath, Gerrish & Blei 2014, arXiv:1401.0118, section 3.1.
    """

    terms: Callable[..., Tensor] | None = None
    baseline: Baseline = field(default=Constant(0.0))
    unbiased = True

    def __post_init__(self):
        object.__setattr__(self, "baseline", as_baseline(self.baseline))

    def surrogate(self, dist, cost, samples=1):
        terms = self.terms or getattr(cost, "terms", None)
        if terms is None:
            raise Unsupported(
                "Nothing says which terms of the cost depend on which factor; pass "
                "terms=f(x, dist) that returns them, [K, *batch, *factors], or use reinforce-loo."
            )
        x = dist.sample((samples,))
        log_p = capabilities.factor_log_prob(dist, x)  # [K, *B, *factors]
        f = evaluate(cost, x, dist)  # [K, *B]
        own = capabilities.depending(dist, terms(x, dist).detach())  # [K, *B, *factors]
        each = (own - detached(self.baseline, own)) * (log_p - log_p.detach())
        return (f + each.flatten(f.ndim).sum(-1)).mean(0)
