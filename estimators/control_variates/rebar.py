"""REBAR: the score function, with a relaxed sample's cost as its control variate."""

import math
from dataclasses import dataclass

from estimators import capabilities
from estimators.control_variates.learned_by_descent import LearnedByDescent
from estimators.control_variates.linear import NO_DERIVATIVE
from estimators.core import Unsupported, evaluate, register
from estimators.gumbel_softmax import check_temperature
from estimators.reinforce import score_log_prob


@register("rebar")
@register("rebar-independent", coupled=False)
@dataclass(frozen=True)
class Rebar(LearnedByDescent):
    """Score-function gradient less that of a relaxed cost, plus the pathwise gradient of the same.

    ĝ = (f(x) − η f(x̃)) ∇log p(x) + η ∇f(softmax(z/τ)) − η ∇f(x̃),   x = harden(z), x̃ = softmax(z̃/τ)

    z = logits + noise, and z̃ is z given x: with noise of its own, or, if `coupled`, with the noise
    that makes z̃ = z (its derivative differs). η is `coefficient`, τ `temperature`; both are
    learned by `fit_steps` steps on E‖ĝ‖² for each batch element, in a training loop one a call.
    Needs Bernoulli, OneHotCategorical or Independent of them, and a cost differentiable in x.
    Unbiased for every η and τ if f is continuous. 3 K cost evaluations, and as many a fit step.
    Raises Unsupported for what cannot be relaxed; ValueError for a temperature ≤ 0.
    Source: Tucker, Mnih, Maddison, Lawson & Sohl-Dickstein 2017, arXiv:1703.07370.
    """

    temperature: float = 0.5
    coefficient: float = 1.0
    fit_steps: int = 64
    coupled: bool = True

    def __post_init__(self):
        check_temperature(self.temperature)

    def start(self, dist):
        """η and log τ before they are learned: [*B] each."""
        like = capabilities.logits(dist)
        return [
            like.new_full(dist.batch_shape, value)
            for value in (self.coefficient, math.log(self.temperature))
        ]

    def estimate(self, dist, cost, samples, coefficient, log_temperature):
        """The surrogate at an η and a log τ for each batch element: [*B]."""
        temperature = capabilities.spread(dist, log_temperature.exp())
        z = capabilities.perturbed_logits(dist, (samples,))  # [K, *B, *E]
        x = capabilities.harden(dist, z)
        again = z if self.coupled else capabilities.conditional_logits(dist, x)
        again = capabilities.given_sample(dist, again)  # z̃
        f = evaluate(cost, x, dist)  # [K, *B]
        relaxed = evaluate(cost, capabilities.soften(dist, z / temperature), dist)
        if z.requires_grad and not relaxed.requires_grad:
            raise Unsupported(NO_DERIVATIVE)
        control = evaluate(cost, capabilities.soften(dist, again / temperature), dist)
        log_p = score_log_prob(dist, x)
        score = log_p - log_p.detach()  # zero, with the score as its derivative
        path = (relaxed - relaxed.detach()) - (control - control.detach())
        return (f + (f.detach() - coefficient * control) * score + coefficient * path).mean(0)
