"""CARMS: any number of categorical samples that repel each other."""

from itertools import combinations

import torch

from estimators import capabilities
from estimators.core import Estimator, Unsupported, evaluate, register


@register("carms")
class Carms(Estimator):
    """Antithetic REINFORCE for categoricals: leave-one-out over samples that repel each other.

    ĝ = mean over pairs k < l of ½ (f(x_k) − f(x_l)) (x_k − x_l) r(x_k, x_l),
    r(a, b) = p(a) p(b) / P(x_k = a, x_l = b)

    A Dirichlet copula gives uniforms with P(u_k ≤ s, u_l ≤ t) = max(s^q + t^q − 1, 0)^{1/q},
    q = 1/(K − 1); x_k is the class in whose interval u_k falls. The order of the intervals is drawn
    anew for each factor, among those that put each pair of classes at the two ends, so that
    P(a, b) > 0 for all a ≠ b.
    Needs OneHotCategorical or Independent of it, and K ≥ 2; the cost may be any function.
    Unbiased: r is known, and corrects the leave-one-out estimator. K cost evaluations.
    Raises Unsupported for other distributions and for K = 1.
    Source: Dimitriev & Zhou 2021, arXiv:2110.14002, the variant by inversion (CARMS-I), read in
    their code.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        logits = capabilities.categorical_logits(dist).detach()  # [*B, *F, C]
        if samples < 2:
            raise Unsupported(
                "Antithetic samples need at least two; pass samples=2 or more, or use reinforce."
            )
        classes, orders = repelling(logits, samples)  # [K, *B, *F], [O, C]
        x = torch.nn.functional.one_hot(classes, logits.shape[-1]).to(logits)
        f = evaluate(cost, x, dist)  # [K, *B]
        gradient = torch.zeros_like(logits)
        for k, j in combinations(range(samples), 2):
            ratio = independence_ratio(logits, orders, classes[k], classes[j], samples)
            half = capabilities.spread(dist, (f[k] - f[j]).detach()) / 2
            gradient += half * (x[k] - x[j]) * ratio.unsqueeze(-1)
        pairs = samples * (samples - 1) // 2
        return f.mean(0) + capabilities.carry_logits(dist, gradient / pairs)


def orders_of(count: int, device: torch.device) -> torch.Tensor:
    """An order of the classes for each pair of them, which stands at its ends: [O, C]."""
    classes = range(count)
    rows = [
        [first, *(c for c in classes if c not in (first, last)), last]
        for first, last in combinations(classes, 2)
    ]
    return torch.tensor(rows or [[0]], device=device)


def repelling(logits, samples):
    """Classes [K, *B, *F], coupled over K, and the orders that were drawn from [O, C]."""
    orders = orders_of(logits.shape[-1], logits.device)
    chosen = orders[torch.randint(len(orders), logits.shape[:-1], device=logits.device)]
    u = torch.rand(samples, *logits.shape[:-1], dtype=logits.dtype, device=logits.device)
    exponential = -u.clamp_min(torch.finfo(u.dtype).tiny).log()
    coupled = (1 - exponential / exponential.sum(0)) ** (samples - 1)  # [K, *B, *F]
    upper = logits.exp().gather(-1, chosen).cumsum(-1)[..., :-1]
    place = (coupled.unsqueeze(-1) > upper).sum(-1)
    return chosen.expand(samples, *chosen.shape).gather(-1, place.unsqueeze(-1)).squeeze(-1), orders


def independence_ratio(logits, orders, one, other, samples):
    """p(a) p(b) / P(a, b) of two classes [*B, *F], the law of the pair averaged over orders."""
    p = logits.exp()
    upper = p[..., orders].cumsum(-1)  # [*B, *F, O, C], by place
    place = orders.argsort(-1)  # [O, C], of a class
    ends = []
    for classes in (one, other):
        at = place.T[classes].unsqueeze(-1)  # [*B, *F, O, 1]
        top = upper.gather(-1, at).squeeze(-1)
        width = p.gather(-1, classes.unsqueeze(-1))  # [*B, *F, 1]
        ends.append((top - width, top, width.squeeze(-1)))
    (low, high, mass), (below, above, weight) = ends
    joint = sum(
        sign * both_below(s, t, samples)
        for sign, s, t in ((1, high, above), (-1, low, above), (-1, high, below), (1, low, below))
    ).mean(-1)
    same = one == other  # whose difference of samples is zero
    return torch.where(same, 0.0, mass * weight / torch.where(same, 1.0, joint))


def both_below(s, t, samples):
    """The copula of two of `samples` uniforms: P(u_k ≤ s, u_l ≤ t)."""
    power = 1 / (samples - 1)
    s, t = s.clamp(0, 1), t.clamp(0, 1)
    return (s**power + t**power - 1).clamp_min(0) ** (samples - 1)
