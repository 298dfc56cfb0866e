"""The score function with a learned baseline."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from estimators.baselines import MovingAverage, detached
from estimators.capabilities.fused_twins import fused
from estimators.core import Estimator, evaluate, register
from estimators.reinforce import score_log_prob


@register("reinforce-nvil")
@dataclass(frozen=True)
class Nvil(Estimator):
    """Score-function gradient with a baseline learned by regression on earlier costs.

    ĝ = mean_k (f(x_k) − c) ∇log p(x_k; λ),   c = argmin_c Σ over `fit_steps` calls of (f − c)²

    c is one number for each batch element, which is all that a baseline network can say at one λ.
    `fitted` learns it from that many calls. Without, it is learned in a training loop: from all
    earlier calls, weighted so that they count as many as the last `fit_steps`; create one estimator
    for each loop. At the first call c = 0. Needs `log_prob`; the cost may be any function.
    Unbiased: c was learned from other samples. K cost evaluations, and fit_steps · K for the fit.
    Raises Unsupported without `log_prob` and where the support moves.
    Source: Mnih & Gregor 2014, arXiv:1402.0030, without their variance normalisation.
    """

    fit_steps: int = 32
    baseline: Tensor | None = field(default=None, repr=False, compare=False)
    earlier: MovingAverage = field(init=False, repr=False, compare=False)
    unbiased = True

    def __post_init__(self):
        if self.fit_steps < 1:
            raise ValueError(f"fit_steps must be at least 1, not {self.fit_steps}.")
        decay = (self.fit_steps - 1) / (self.fit_steps + 1)  # whose mean is as noisy as the fit's
        object.__setattr__(self, "earlier", MovingAverage(max(decay, 1e-9)))

    def surrogate(self, dist, cost, samples=1):
        x = dist.sample((samples,))
        f = evaluate(cost, x, dist)  # [K, *B]
        log_p = score_log_prob(dist, x)
        baseline = self._of_earlier(f) if self.baseline is None else self.baseline
        advantage = f.detach() - baseline
        return (f + advantage * (log_p - log_p.detach())).mean(0)

    def _of_earlier(self, f):
        """The mean of earlier calls' costs for each batch element: [*B]; now f [K, *B] is one."""
        if self.earlier.total is None or self.earlier.total.shape != f.shape[1:]:
            self.earlier.total, self.earlier.weight = f.new_zeros(f.shape[1:]), 0.0
        return detached(self.earlier, f)

    def fitted(self, dist, cost, samples=1):
        dist = fused(dist)
        with torch.no_grad():  # one call after the other, as a training loop makes them
            calls = (
                evaluate(cost, dist.sample((samples,)), dist).mean(0) for _ in range(self.fit_steps)
            )
            return replace(self, baseline=sum(calls) / self.fit_steps)

    def serving(self, places):
        return replace(self, baseline=self.baseline[places])
