"""The unordered set estimator: samples without replacement, whatever order they came in."""

import torch

from estimators import capabilities
from estimators.core import Estimator, Unsupported, evaluate, register
from estimators.exact.enumeration import support
from estimators.exact.sum_and_sample import gumbel

LARGEST_SET = 10  # there are 2^K subsets to sum over


@register("unordered-set")
class UnorderedSet(Estimator):
    """Score function over K points without replacement, with a built-in baseline.

    ĝ = Σ_{s∈S} ∇p(s) R(S, s) (f(s) − Σ_{t∈S} p(t) R_s(S, t) f(t)),   R(S, s) = P(S∖s | s) / P(S)

    P(S) is the probability that K draws without replacement are the set S, P(S∖s | s) that the
    others follow s; R_s is R with s taken away first, R_s(S, s) = 1. K = 1 is REINFORCE.
    Needs a finite support of at most 2^16 points and K ≤ 10; the cost may be any function.
    Unbiased: a conditional mean over orders. min(K, size) cost evaluations.
    Raises Unsupported where the support cannot be enumerated, and for K > 10.
    Source: Kool, van Hoof & Welling 2020, arXiv:2002.06043, sections 3.2 and 4.2.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        x, rest = without_replacement(dist, samples)  # [K, *B, *E], [*B]
        f, log_p = evaluate(cost, x, dist), dist.log_prob(x)  # [K, *B]
        p = log_p.detach().exp()
        weight, baseline = weights(p, rest, f.detach())  # [K, *B]: p(s) R(S, s), and the inner sum
        advantage = f.detach() - baseline
        return (weight * (f + advantage * (log_p - log_p.detach()))).sum(0)


@torch.no_grad()
def without_replacement(dist, samples):
    """K different points [K, *B, *E] by the Gumbel-top-k trick, and the mass of all others [*B]."""
    if samples > LARGEST_SET:
        raise Unsupported(
            f"A set of {samples} samples has too many orders to sum over; pass samples="
            f"{LARGEST_SET} or fewer, or use enumeration or reinforce-loo."
        )
    log_p = support(dist)[1].movedim(0, -1)  # [*B, N]
    chosen = (log_p + gumbel(log_p)).topk(min(samples, log_p.shape[-1]), -1).indices
    rest = log_p.exp().scatter(-1, chosen, 0.0).sum(-1)
    return capabilities.support_table(dist)[chosen.movedim(-1, 0)], rest


def weights(p, rest, f):
    """p(s) R(S, s) and Σ_t p(t) R_s(S, t) f(t) for each s of a set: [K, *B] each."""
    count = len(p)
    subset = next_draws(p, rest)  # [2^K, *B]
    full, bit = 2**count - 1, 2 ** torch.arange(count, device=p.device)
    without = subset[full - bit]  # [K, *B]
    if count == 1:
        return p * without / subset[full], torch.zeros_like(f)
    ratio = subset[full - bit[:, None] - bit * (bit != bit[:, None])] / without[:, None]
    return p * without / subset[full], (ratio * p * f).sum(1)  # ratio: [K, K, *B]


def next_draws(p, rest):
    """P(the next |C| draws are C | S∖C is gone) for each subset C of S, as bits: [2^K, *B].

    W(∅) = 1,   W(C) = Σ_{c ∈ C} p(c) / (1 − p(S∖C)) W(C∖c),   1 − p(S∖C) = p(C) + p(beyond S)
    """
    count = len(p)
    bit = 2 ** torch.arange(count, device=p.device)
    subsets = torch.arange(2**count, device=p.device)
    member = (subsets[:, None] & bit) > 0  # [2^K, K]
    found = torch.ones(2**count, *rest.shape, dtype=p.dtype, device=p.device)
    for size in range(1, count + 1):
        these = subsets[member.sum(1) == size]
        inside = member[these].reshape(len(these), count, *[1] * rest.ndim)
        first = torch.where(inside, p, 0.0)  # [n, K, *B]
        smaller = found[these[:, None] & ~bit]
        found[these] = (first * smaller).sum(1) / (first.sum(1) + rest)
    return found
