"""RELAX: REBAR with a learned network in the place of the relaxed cost."""

from estimators import capabilities
from estimators.control_variates.learned_surrogate import LearnedSurrogate, network_value
from estimators.core import evaluate, register
from estimators.reinforce import score_log_prob


@register("relax")
class Relax(LearnedSurrogate):
    """Score-function gradient less that of a learned function of the noise, plus its pathwise one.

    ĝ = (f(x) − c(z̃)) ∇log p(x) + ∇c(z) − ∇c(z̃),   x = harden(z),   c(z) = w · tanh(W z + b) + a

    z = logits + noise; z̃ is z given x, with noise of its own. c is learned by `fit_steps`
    steps on E‖ĝ‖², in a training loop one a call, a network of `hidden` units for each batch
    element; before that c = 0.
    Needs Bernoulli, OneHotCategorical or Independent of them; the cost may be any function.
    Unbiased for every c. K cost evaluations, and as many a fit step.
    Raises Unsupported for what cannot be relaxed; ValueError for hidden < 1.
    Source: Grathwohl, Choi, Wu, Roeder & Duvenaud 2018, arXiv:1711.00123.
    """

    def estimate(self, dist, cost, samples, *network):
        z = capabilities.perturbed_logits(dist, (samples,))  # [K, *B, *E]
        x = capabilities.harden(dist, z)
        f = evaluate(cost, x, dist)  # [K, *B]
        log_p = score_log_prob(dist, x)
        score = log_p - log_p.detach()  # zero, with the score as its derivative
        again = capabilities.given_sample(dist, capabilities.conditional_logits(dist, x))  # z̃
        relaxed, control = (network_value(z.reshape(*f.shape, -1), *network) for z in (z, again))
        path = (relaxed - relaxed.detach()) - (control - control.detach())
        return (f + (f.detach() - control) * score + path).mean(0)
