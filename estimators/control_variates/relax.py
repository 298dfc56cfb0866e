"""RELAX: REBAR with a learned network in the place of the relaxed cost."""

from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from estimators import families
from estimators.control_variates.fitting import fit
from estimators.core import Estimator, evaluate, register
from estimators.reinforce import score_log_prob


@register("relax")
@dataclass(frozen=True)
class Relax(Estimator):
    """Score-function gradient less that of a learned function of the noise, plus its pathwise one.

    ĝ = (f(x) − c(z̃)) ∇log p(x) + ∇c(z) − ∇c(z̃),   x = harden(z),   c(z) = w · tanh(W z + b) + a

    z = logits + noise; z̃ is z given x, with noise of its own. `fitted` learns c by `fit_steps`
    steps on E‖ĝ‖², a network of `hidden` units for each batch element; before that c = 0.
    Needs Bernoulli, OneHotCategorical or Independent of them; the cost may be any function.
    Unbiased for every c. K cost evaluations, and as many a fit step.
    Raises Unsupported for what cannot be relaxed; ValueError for hidden < 1.
    Source: Grathwohl, Choi, Wu, Roeder & Duvenaud 2018, arXiv:1711.00123.
    """

    hidden: int = 8
    fit_steps: int = 64
    network: list[Tensor] | None = field(default=None, repr=False, compare=False)
    unbiased = True

    def __post_init__(self):
        if self.hidden < 1:
            raise ValueError(f"hidden must be at least one unit, not {self.hidden}.")

    def surrogate(self, dist, cost, samples=1):
        return self.estimate(dist, cost, samples, self.network)

    def fitted(self, dist, cost, samples=1):
        logits = families.logits(dist).detach()
        batch, width = dist.batch_shape, dist.event_shape.numel()
        first = torch.randn(*batch, self.hidden, width, dtype=logits.dtype, device=logits.device)
        start = [
            first / width**0.5,
            *(logits.new_zeros(*batch, n) for n in (self.hidden, self.hidden, 1)),
        ]

        def surrogate(dist, *network):
            return self.estimate(dist, cost, samples, network)

        return replace(self, network=fit(dist, surrogate, start, self.fit_steps))

    def estimate(self, dist, cost, samples, network):
        """The surrogate with these weights of c, or None for c = 0: [*B]."""
        z = families.perturbed_logits(dist, (samples,))  # [K, *B, *E]
        x = families.harden(dist, z)
        f = evaluate(cost, x, dist)  # [K, *B]
        log_p = score_log_prob(dist, x)
        score = log_p - log_p.detach()  # zero, with the score as its derivative
        if network is None:
            return (f + f.detach() * score).mean(0)
        again = families.given_sample(dist, families.conditional_logits(dist, x))  # z̃
        relaxed, control = (_network(z.reshape(*f.shape, -1), *network) for z in (z, again))
        path = (relaxed - relaxed.detach()) - (control - control.detach())
        return (f + (f.detach() - control) * score + path).mean(0)


def _network(z, first, shift, last, constant):
    """c(z) for z [K, *B, D] and weights [*B, ...]: [K, *B]."""
    units = ((first * z.unsqueeze(-2)).sum(-1) + shift).tanh()  # [K, *B, hidden]
    return (last * units).sum(-1) + constant.squeeze(-1)
