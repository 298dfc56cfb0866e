"""Derivatives of discrete random programs by the jumps of their coupled samples."""

import torch

from estimators import capabilities
from estimators.coordinates import one_at_a_time
from estimators.core import Estimator, evaluate, register


@register("smoothed-perturbation")
class SmoothedPerturbation(Estimator):
    """Smoothed perturbation analysis: each coordinate's jump in an infinitesimal step of λ.

    ĝ_d = w_d (f(x with y_d at d) − f(x))

    By the inverse cdf of a shared uniform, a step dλ of coordinate d moves x_d to y_d with the
    probability |w_d| dλ, given x; the difference of costs is exact for every coordinate.
    Needs Bernoulli, Geometric, Poisson, Binomial, NegativeBinomial or Independent of them; the cost
    may be any function.
    Unbiased. K (1 + D) cost evaluations, for D coordinates.
    Raises Unsupported for other distributions.
    Source: Gong & Ho 1987, IEEE Transactions on Automatic Control 32(10); Arya et al. 2022,
    arXiv:2210.08572.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        x = dist.sample((samples,))  # [K, *B, *E]
        f = evaluate(cost, x, dist)
        gradients = {
            path: self.gradient(dist, cost, x, f.detach(), jump).mean(0)
            for path, jump in capabilities.jumps(dist, x).items()
        }
        return f.mean(0) + capabilities.carry(dist, gradients)

    def gradient(self, dist, cost, x, f, jump):
        """The estimate of each sample: [K, *B, *E]."""
        moved = one_at_a_time(cost, x, jump.positive, dist)
        return jump.weight * (moved - capabilities.spread(dist, f))


@register("stochastic-triples")
class StochasticTriples(SmoothedPerturbation):
    """Stochastic triples: of all the jumps that a step of λ can make, one is drawn and followed.

    (x, w, y):   ĝ_d = W sign(w_d) (f(y) − f(x)) 1[d = j],   W = Σ_d |w_d|,   j drawn ∝ |w_j|

    y is x with its coordinate j jumped: the pruning that keeps one alternative, so that the cost
    is asked twice, however many coordinates there are. With one coordinate this is
    `smoothed-perturbation`, which follows all of them.
    Needs Bernoulli, Geometric, Poisson, Binomial, NegativeBinomial or Independent of them; the cost
    may be any function.
    Unbiased. 2 K cost evaluations.
    Raises Unsupported for other distributions.
    Source: Arya, Schauer, Schäfer & Rackauckas 2022, arXiv:2210.08572, sections 2.2 and 2.4.
    """

    def gradient(self, dist, cost, x, f, jump):
        split = x.ndim - len(dist.event_shape)
        weight = jump.weight.expand_as(x).reshape(*x.shape[:split], -1)  # [K, *B, D]
        up_to = weight.abs().cumsum(-1)
        total = up_to[..., -1:]
        drawn = (torch.rand_like(total) * total < up_to).to(weight).argmax(-1, keepdim=True)
        chosen = torch.zeros_like(weight).scatter(-1, drawn, 1.0).reshape(x.shape)
        with torch.no_grad():
            moved = evaluate(cost, torch.where(chosen > 0, jump.positive, x), dist)
        change = capabilities.spread(dist, moved - f)
        return chosen * jump.weight.sign() * capabilities.spread(dist, total.squeeze(-1)) * change
