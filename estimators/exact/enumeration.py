"""The exact gradient: a sum over every point of a finite support."""

import torch

from estimators import capabilities
from estimators.coordinates import at_once
from estimators.core import Unsupported, evaluate, register
from estimators.one_evaluation import OneEvaluation

MOST_NUMBERS = 2**26  # log-probabilities of points, 0.5 GB of them


@register("enumeration")
class Enumeration(OneEvaluation):
    """The exact gradient, by summing over the support.

    ∇_λ E[f(x)] = Σ_x f(x) ∇_λ p(x; λ)

    Needs a finite support of at most 2^16 points; the cost may be any function. K is ignored.
    Unbiased, without variance. One cost evaluation for each point of the support.
    Raises Unsupported for supports that are infinite, continuous or larger.
    Source: the definition of an expectation.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        points, log_p = support(dist)  # [N, *B, *E], [N, *B]
        return _expected(log_p, costs_of_support(cost, points, dist))

    def steps(self, dist, samples):
        points, log_p = support(dist)
        f = yield points  # all at once
        yield _expected(log_p, f)


def _expected(log_p, f):
    """Σ p f, over the points that have any mass: [*B]."""
    return (log_p.exp() * f.where(log_p > -torch.inf, 0.0)).sum(0)


def support(dist):
    """Every point of the support and its log-probability: [N, *B, *E], [N, *B]; or it refuses."""
    points = capabilities.support_points(dist)
    if points is None:
        raise Unsupported(
            f"{capabilities.describe(dist)} has no finite support of at most "
            f"{capabilities.LARGEST_SUPPORT} points to sum over (no `enumerate_support`, and no "
            "`support` of integers between two ends); use reinforce-loo, or pathwise if it is "
            "continuous."
        )
    if len(points) * dist.batch_shape.numel() > MOST_NUMBERS:
        raise Unsupported(
            f"{capabilities.describe(dist)} has {len(points)} points for each of "
            f"{dist.batch_shape.numel()} batch elements, too many to hold at once; use fewer "
            "replicates, or reinforce-loo."
        )
    return points, capabilities.support_log_prob(dist)


def costs_of_support(cost, points, dist):
    """f(x) of every point, some points at a time to keep the memory small: [N, *B]."""
    parts = points.split(at_once(points[0]))
    return torch.cat([evaluate(cost, part, dist) for part in parts])
