"""What REBAR, RELAX and LAX share: parameters that are learned by descent on the variance."""

from abc import abstractmethod
from dataclasses import dataclass, field, replace

from torch import Tensor

from estimators.control_variates.fitting import Descent, fit
from estimators.control_variates.learning import Learning
from estimators.core import Estimator


@dataclass(frozen=True)
class LearnedByDescent(Estimator):
    """A control variate whose parameters are learned for every batch element by itself.

    `fitted` takes `fit_steps` steps on E‖ĝ‖² at one λ and keeps what they gave. Without it, every
    call in a training loop takes such a step, on samples of its own, which doubles the cost's
    evaluations; the object belongs to that loop. Subclasses give `start` and `estimate`, and a
    field `fit_steps`.
    """

    fit: list[Tensor] | None = field(default=None, repr=False, compare=False, kw_only=True)
    learning: Learning = field(default_factory=Learning, init=False, repr=False, compare=False)
    unbiased = True

    @abstractmethod
    def start(self, dist):
        """The parameters before they are learned: [*B, ...] each."""

    @abstractmethod
    def estimate(self, dist, cost, samples, *parameters):
        """The surrogate with these parameters: [*B]."""

    def surrogate(self, dist, cost, samples=1):
        parameters = self.fit or self.learning.in_use(dist) or self._start(dist)
        found = self._surrogate(cost, samples)(dist, *parameters)
        if self.fit is None and self.fit_steps:
            self.learning.step(dist, lambda: self._lesson(dist), self._surrogate(cost, samples))
        return found

    def fitted(self, dist, cost, samples=1):
        learn = self._surrogate(cost, samples)
        return replace(self, fit=fit(dist, learn, self.start(dist), self.fit_steps))

    def serving(self, places):
        return replace(self, fit=[part[places] for part in self.fit])

    @property
    def kept(self):
        """This with what its calls have taught for good; None before the first lesson has ended."""
        learned = self.learning.learned
        return None if learned is None else replace(self, fit=learned)

    def _start(self, dist):
        return self.learning.shared(dist, self.start(dist))

    def _lesson(self, dist):
        return Descent(self._start(dist), self.fit_steps)

    def _surrogate(self, cost, samples):
        def surrogate(dist, *parameters):
            return self.estimate(dist, cost, samples, *self.learning.spread(dist, parameters))

        return surrogate
