"""LAX: the score function less that of a learned function of x, plus its pathwise gradient."""

from estimators.capabilities import describe
from estimators.control_variates.learned_surrogate import LearnedSurrogate, network_value
from estimators.core import Unsupported, evaluate, register
from estimators.reinforce import score_log_prob


@register("lax")
class Lax(LearnedSurrogate):
    """Score-function gradient less that of a learned function of x, plus its pathwise gradient.

    ĝ = (f(x) − c(x)) ∇log p(x; λ) + ∇_λ c(g(ε, λ)),   x = g(ε, λ),   c(x) = w · tanh(W x + b) + a

    c is learned by `fit_steps` steps on E‖ĝ‖², in a training loop one a call, a network of `hidden`
    units for each batch element; before that c = 0, which is REINFORCE. c = f would be pathwise.
    Needs `rsample` and `log_prob`; the cost may be any function, also a discontinuous one.
    Unbiased for every c. K cost evaluations, and as many a fit step.
    Raises Unsupported without `rsample` or `log_prob`; ValueError for hidden < 1.
    Source: Grathwohl, Choi, Wu, Roeder & Duvenaud 2018, arXiv:1711.00123, section 3.1.
    """

    def estimate(self, dist, cost, samples, *network):
        if not dist.has_rsample:
            raise Unsupported(
                f"{describe(dist)} has no reparameterised sampler (`rsample`), through which the "
                "learned function is differentiated; use relax or reinforce-loo."
            )
        moved = dist.rsample((samples,))  # [K, *B, *E]
        x = moved.detach()
        f = evaluate(cost, x, dist)  # [K, *B]
        log_p = score_log_prob(dist, x)
        score = log_p - log_p.detach()  # zero, with the score as its derivative
        control = network_value(x.reshape(*f.shape, -1), *network)
        path = network_value(moved.reshape(*f.shape, -1), *network)
        return (f + (f.detach() - control) * score + path - path.detach()).mean(0)
