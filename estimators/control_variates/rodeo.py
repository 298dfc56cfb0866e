"""RODEO: leave-one-out REINFORCE with control variates that a discrete Stein operator makes."""

from dataclasses import dataclass

import torch
from torch.distributions import Bernoulli, Independent, OneHotCategorical
from torch.nn.functional import leaky_relu

from estimators import capabilities
from estimators.control_variates.learned_network import LearnedNetwork
from estimators.control_variates.linear import value_and_slope
from estimators.core import Unsupported, register
from estimators.reinforce import score_log_prob

SLOPE = 0.3  # of a unit below zero, as in the authors' network


@register("rodeo")
@dataclass(frozen=True)
class Rodeo(LearnedNetwork):
    """Leave-one-out REINFORCE with learned functions of the cost's tangents as control variates.

    ĝ = 1/K Σ_k [(f_k − mean_{j≠k} (f_j + A h_j (x_j))) ∇log p(x_k) + A (h̃_k ∇log p)(x_k)],
    (A h)(x) = 1/D Σ_d Σ_v p_d(v) h(x with x_d = v) − h(x),
    (h_k, h̃_k)(y) = mean_{j≠k} H(f_j, ∇f(x_j) · (y − x_j))

    A is a Stein operator: E[A h] = 0. H is a network of `hidden` units, learned for each batch
    element by `fit_steps` steps on E‖ĝ‖², in a training loop one a call; before that H = 0, which
    is reinforce-loo.
    Needs Bernoulli, OneHotCategorical or Independent of them, K ≥ 2, a cost differentiable in x.
    Unbiased for every H. K cost evaluations with their slopes, and as many a fit step.
    Raises Unsupported for other distributions, K = 1, and costs without a derivative; ValueError
    for hidden < 1.
    Source: Shi, Zhou, Hwang, Titsias & Mackey 2022, arXiv:2202.09497, read in their code, there for
    Bernoullis.
    """

    def start(self, dist):
        """Weights of f, of the tangent, shifts, and two outputs, which are zero: [*B, …] each."""
        like = capabilities.logits(dist).detach()
        shape = (*dist.batch_shape, self.hidden)
        first = (torch.randn(shape, dtype=like.dtype, device=like.device) for _ in range(2))
        return [*first, like.new_zeros(shape), like.new_zeros((*shape, 2))]

    def estimate(self, dist, cost, samples, *network):
        if samples < 2:
            raise Unsupported(
                "RODEO takes each sample's control variate from the others; pass samples=2 or more."
            )
        values, log_p, factors = factor_table(dist)  # [S, *F], [S, *B, D], a flattening
        x = dist.sample((samples,))
        f, slope = value_and_slope(cost, x, dist)  # [K, *B], [K, *B, *E]
        score = score_log_prob(dist, x)
        score = score - score.detach()  # zero, with the score as its derivative
        x, slope = factors(x), factors(slope)  # [K, *B, D, F]
        at, moved = tangents(x, slope, values)  # [J, K, *B], [J, K, S, *B, D]
        at, moved = (self.said(f.detach(), t, network) for t in (at, moved))
        p = log_p.detach().exp()
        first, second = (
            (p * moved[..., i]).sum(1).mean(-1) - at[..., i] for i in range(2)
        )  # A h, A h̃: [K, *B]
        others = (f.detach() + first).sum(0) - f.detach() - first
        advantage = f.detach() - others / (samples - 1)
        change = log_p.unsqueeze(0) - own(log_p, x, values).unsqueeze(1)  # [K, S, *B, D]
        change = change - change.detach()
        stein = (p * moved[..., 1] * change).sum(1).mean(-1) + second * score
        return (f + advantage * score + stein).mean(0)

    def said(self, f, tangent, network):
        """mean_{j≠k} H(f_j, tangent_jk): [J, K, …, *B, …] → [K, …, *B, …, 2]."""
        count, batch = len(f), f.ndim - 1
        middle = (1,) * (tangent.ndim > 2 + batch)  # an axis of values, and one of factors
        f = f.reshape(count, 1, *middle, *f.shape[1:], *middle, 1)
        over_f, over_tangent, shift, last = (
            w.reshape(*w.shape[:batch], *middle, *w.shape[batch:]) for w in network
        )
        units = leaky_relu(over_f * f + over_tangent * tangent.unsqueeze(-1) + shift, SLOPE)
        found = (units.unsqueeze(-1) * last).sum(-2)  # [J, K, …, 2]
        other = 1 - torch.eye(count, dtype=found.dtype, device=found.device)
        other = other.reshape(count, count, *[1] * (found.ndim - 2)) / (count - 1)
        return (other * found).sum(0)


def factor_table(dist):
    """The values of a factor [S, F], their log-probability [S, *B, D], and how x becomes [D, F]."""
    base = dist.base_dist if isinstance(dist, Independent) else dist
    if not isinstance(base, Bernoulli | OneHotCategorical):
        raise Unsupported(
            f"{capabilities.describe(dist)} has no factors of a few values each, over which the "
            "Stein operator sums; use Bernoulli, OneHotCategorical or Independent of them, or "
            "reinforce-loo."
        )
    values = capabilities.support_table(base)
    axes, width = len(dist.event_shape), base.event_shape.numel()
    log_p = capabilities.support_log_prob(base)
    log_p = log_p.reshape(len(values), *dist.batch_shape, -1)
    return (
        values.reshape(len(values), -1),
        log_p,
        lambda t: t.reshape(*t.shape[: t.ndim - axes], -1, width),
    )


def tangents(x, slope, values):
    """∇f(x_j) · (y − x_j) at y = x_k [J, K, *B], and with x_kd = v [J, K, S, *B, D]."""
    along = (slope.unsqueeze(1) * x.unsqueeze(0)).sum(-1)  # [J, K, *B, D]
    own = (slope * x).sum((-1, -2))  # [J, *B]
    at = along.sum(-1) - own.unsqueeze(1)
    each = (slope.unsqueeze(-2) @ values.T).squeeze(-2)  # [J, *B, D, S]
    each = each.movedim(-1, 1).unsqueeze(1)  # [J, 1, S, *B, D]
    return at, at.unsqueeze(2).unsqueeze(-1) + each - along.unsqueeze(2)


def own(log_p, x, values):
    """log p_d(x_kd): [K, *B, D]."""
    shape = (1, len(values), *[1] * (x.ndim - 2), values.shape[-1])
    chosen = (x.unsqueeze(1) == values.reshape(shape)).all(-1)  # [K, S, *B, D]
    return (chosen * log_p.unsqueeze(0)).sum(1)
