"""The score-function estimator (REINFORCE), with baselines that are functions of the costs."""

from dataclasses import dataclass, field, replace

import torch

from estimators.baselines import (
    Baseline,
    Constant,
    LeaveOneOut,
    MovingAverage,
    as_baseline,
    detached,
)
from estimators.capabilities import Completed, bounds, describe, is_point_mass
from estimators.capabilities.fused_twins import fused
from estimators.core import Unsupported, averaged, evaluate, register
from estimators.one_evaluation import OneEvaluation


@register("reinforce", "quick")
@register("reinforce-loo", "quick", baseline=LeaveOneOut())
@dataclass(frozen=True)
class Reinforce(OneEvaluation):
    """Score-function gradient: every sample's score, weighted by its cost less a baseline b.

    ∇_λ E[f(x)] = E[(f(x) − b) ∇_λ log p(x; λ)]

    Needs `log_prob`; the cost may be any function, also a discontinuous one. `baseline` is a
    number or a function of the costs `[K, *B]` that does not look at the sample itself.
    Unbiased unless the support moves with λ. K cost evaluations.
    Raises Unsupported without `log_prob`, and where the support moves.
    Source: Williams 1992, Machine Learning 8; leave-one-out: Kool, van Hoof & Welling 2019,
    "Buy 4 REINFORCE samples, get a baseline for free!".
    """

    baseline: Baseline = field(default=Constant(0.0))
    unbiased = True

    def __post_init__(self):
        object.__setattr__(self, "baseline", as_baseline(self.baseline))

    def steps(self, dist, samples):
        x = dist.sample((samples,))  # [K, *B, *E]
        f = yield x  # [K, *B]
        log_p = score_log_prob(dist, x)  # [K, *B]
        advantage = f.detach() - detached(self.baseline, f)
        yield averaged(f + advantage * (log_p - log_p.detach()))


@register("reinforce-ema", "quick")
@dataclass(frozen=True)
class ReinforceEma(Reinforce):
    """Score-function gradient with the exponential moving average of earlier costs as baseline.

    b_t = Σ_s decayˢ f̄_{t−s} / Σ_s decayˢ, s ≥ 1

    The average lives in the estimator: create one for each training loop. While measuring, every
    replicate has an average of its own, settled at this λ. Unbiased. K cost evaluations.
    Source: Williams 1992, Machine Learning 8 (reinforcement comparison).
    """

    baseline: MovingAverage = field(default_factory=MovingAverage)

    def fitted(self, dist, cost, samples=1):
        quick = fused(dist)

        def draw():
            return evaluate(cost, quick.sample((samples,)), quick)

        with torch.no_grad():
            return replace(self, baseline=self.baseline.after(draw))

    def serving(self, places):
        served = replace(self.baseline)
        served.weight, served.total = self.baseline.weight, self.baseline.total[places]
        return replace(self, baseline=served)


def score_log_prob(dist, x):
    """log p(x; λ) for a score function: [K, *B]; refuses where the score misses the boundary."""
    if any(getattr(bound, "requires_grad", False) for bound in bounds(dist)):
        raise Unsupported(
            f"The support of {describe(dist)} moves with its parameters, which a score function "
            "does not see; use pathwise."
        )
    derived = isinstance(dist, Completed)  # a draw is looked at there alone: graphs cannot be
    if derived and (len(x) < 2 or bool((x[0] == x[1]).all())) and is_point_mass(dist):
        raise Unsupported(
            f"{describe(dist)} has one point, which moves with its parameters: there is no score; "
            "use pathwise, which is plain backpropagation here."
        )
    try:
        return fused(dist).log_prob(x)
    except NotImplementedError:
        raise Unsupported(
            f"{describe(dist)} has no `log_prob`, which a score function differentiates; "
            "add it, or use pathwise."
        ) from None
