"""Estimators that ask for the cost once, written so that the asking can wait."""

from abc import abstractmethod
from collections.abc import Generator

from torch import Tensor
from torch.distributions import Distribution

from estimators.core import Estimator, evaluate


class OneEvaluation(Estimator):
    """An estimator whose samples are all drawn before the cost is asked for, once.

    `steps` is its formula as a generator, so that a program can go on between the two halves: it
    yields the samples, is sent their costs, and yields the surrogate. No context manager may be
    open around the first `yield`.
    """

    @abstractmethod
    def steps(self, dist: Distribution, samples: int) -> Generator[Tensor, Tensor, None]:
        """Yield x [K, *batch, *event]; sent f [K, *batch], yield the surrogate [*batch]."""

    def surrogate(self, dist, cost, samples=1):
        steps = self.steps(dist, samples)
        x = next(steps)
        return steps.send(evaluate(cost, x, dist))
