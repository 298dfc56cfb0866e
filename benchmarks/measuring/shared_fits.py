"""What an estimator learns, where one fit serves several neighbouring replicates."""

from collections.abc import Callable

import torch

from benchmarks.objective.definition import Problem
from benchmarks.statistics.stopping import Plan
from estimators import Estimator, capabilities

SERVED = 8  # neighbouring replicates, where one fit serves several
TOGETHER = 64  # fits
MANY = 4  # coordinates of a sample


class SharedFits:
    """The fits of a cell, `each` of which serves so many replicates, in blocks of `block`.

    Several small blocks have what was fitted at once: few fits would take as long as `TOGETHER`.
    """

    def __init__(self, each: int, plan: Plan):
        self.each, self.block, self.replicates = each, plan.block, plan.replicates
        self.blocks = max(1, min(each, TOGETHER * each // plan.block))  # that have them in common
        self._last: tuple[int, Estimator] | None = None  # a group of blocks, and what it learned

    @classmethod
    def of(cls, problem: Problem, estimator: Estimator, plan: Plan) -> "SharedFits | None":
        """Those of a cell with this plan; None where every replicate has a fit of its own.

        Fits are shared where what one differs from another hardly shows: in the sum over many
        coordinates, or beside the noise of a continuous law, all of which nothing that is learned
        takes away. Never by more replicates than make a row of moments. Estimates stay
        uncorrelated, since what was learned does not move the mean of an unbiased one.
        """
        if not (estimator.unbiased and can_share(estimator)):
            return None
        dist = problem.dist()
        coordinates = (dist.batch_shape + dist.event_shape).numel()
        hardly = coordinates >= MANY or not capabilities.is_discrete(dist)
        each = min(SERVED, plan.chunk)
        return cls(each, plan) if hardly and each > 1 else None

    def serving(
        self, index: int, replicates: int, fitted: Callable[[int, int], Estimator]
    ) -> Estimator:
        """The estimator for the `replicates` of block `index`.

        `fitted(group, size)` gives it with the fits of a group of blocks, [size] of them.
        """
        group, place = divmod(index, self.blocks)
        if self._last is None or self._last[0] != group:
            most = self.blocks * self.block
            served = min(most, self.replicates - group * most)
            self._last = group, fitted(group, -(-served // self.each))
        places = place * self.block + torch.arange(replicates)
        return self._last[1].serving(places // self.each)


def can_share(estimator: Estimator) -> bool:
    """Whether a fit of what an estimator learns can serve several replicates."""
    return type(estimator).serving is not Estimator.serving
