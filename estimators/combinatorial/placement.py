"""Rankings place by place: rewards to go, and the expectation over the next item."""

import torch

from estimators.capabilities import describe
from estimators.core import Estimator, Unsupported, evaluate, register
from estimators.distributions import PlackettLuce


@register("reinforce-placement")
class ReinforcePlacement(Estimator):
    """Score-function gradient of a ranking, each place with the costs from there on.

    ĝ = mean_k Σ_i (Σ_{j ≥ i} f_j(x_k)) ∇log p(x_ki | places before i),   f = Σ_i f_i

    `cost.terms(x, dist)` gives the f_i [K, *B, places], of which the i-th must not depend on items
    after place i. Needs such terms, and PlackettLuce; the cost may be any function of that kind.
    Unbiased: what is left out has mean zero. K evaluations of the cost and of its terms.
    Raises Unsupported without terms and for other distributions.
    Source: Sutton, McAllester, Singh & Mansour 2000 (rewards to go); Oosterhuis 2021,
    arXiv:2105.00855, equation 13, for rankings.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        x, f, terms = ranked(dist, cost, samples)  # [K, *B, places], [K, *B]
        log_p = dist.placed_log_prob(x)  # [K, *B, places]
        return (f + (to_go(terms) * (log_p - log_p.detach())).sum(-1)).mean(0)


@register("pl-rank")
class PlRank(Estimator):
    """Placement gradient of a ranking, exact over the item that comes next (PL-Rank-2).

    ĝ_d = mean_k Σ_{i > r(d)} f_i + Σ_{i ≤ r(d)} p(d | places before i) (c_id − Σ_{j ≥ i} f_j)

    r(d) is the place of item d in x_k, or the last one if it has none; c_id is the term of place i
    with item d there. The c come from asking `cost.terms` about n rotations of the items, so that
    the term of a place must depend on nothing but its item, as in DCG.
    Needs such terms, and PlackettLuce. Unbiased: a conditional mean of reinforce-placement.
    K cost evaluations, and n of its terms. O(K n²), where PL-Rank-3 takes O(K n log n) because its
    c_id is a product.
    Raises Unsupported without terms and for other distributions.
    Source: Oosterhuis 2021, arXiv:2105.00855, theorem 2, by the author's code, which was read.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        x, f, terms = ranked(dist, cost, samples)
        after = to_go(terms)  # [K, *B, places]
        place = torch.eye(dist.logits.shape[-1], dtype=f.dtype, device=x.device)[x]  # [.., i, d]
        with torch.no_grad():
            earlier = place.cumsum(-2) - place  # whether d has come before place i
            logits = dist.logits.unsqueeze(-2).masked_fill(earlier > 0, -torch.inf)
            next_item = logits.softmax(-1)  # p(d | places before i): [K, *B, places, n]
            gain = next_item * (by_item(dist, cost) - after.unsqueeze(-1))
            g = gain.sum(-2) + (place * (after - terms).unsqueeze(-1)).sum(-2)  # [K, *B, n]
        return (f + (g * (dist.logits - dist.logits.detach())).sum(-1)).mean(0)


def ranked(dist, cost, samples):
    """Sampled rankings [K, *B, places], their costs [K, *B], the terms of those [K, *B, places]."""
    if not isinstance(dist, PlackettLuce):
        raise Unsupported(
            f"{describe(dist)} has no places that are filled one after the other; use "
            "PlackettLuce, or reinforce-loo."
        )
    terms = getattr(cost, "terms", None)
    if terms is None:
        raise Unsupported(
            "Nothing says which terms of the cost belong to which place; give the cost an "
            "attribute terms=f(x, dist) that returns them, [K, *batch, places], or use "
            "reinforce-loo."
        )
    x = dist.sample((samples,))
    return x, evaluate(cost, x, dist), terms(x, dist).detach()


def to_go(terms):
    """Σ_{j ≥ i} terms_j for each place i: [..., places]."""
    return terms.flip(-1).cumsum(-1).flip(-1)


def by_item(dist, cost):
    """The term of each place with each item in it: [*B, places, n]."""
    n = dist.logits.shape[-1]
    turns = torch.arange(n, device=dist.logits.device)
    rotated = (turns.unsqueeze(-1) + turns[: dist.k]) % n  # [turn, place] → item
    x = rotated.reshape(n, *[1] * len(dist.batch_shape), dist.k)
    asked = cost.terms(x.expand(n, *dist.batch_shape, dist.k), dist)  # [turn, *B, places]
    back = (turns - turns[: dist.k].unsqueeze(-1)) % n  # [place, item] → turn
    asked = asked.movedim(0, -1)  # [*B, places, turn]
    return asked.gather(-1, back.expand(*asked.shape[:-1], n))
