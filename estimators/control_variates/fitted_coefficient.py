"""What control variates with one coefficient share: ĝ = ĝ₀ + η ĝ₁, and η by regression."""

from abc import abstractmethod
from dataclasses import dataclass, field, replace

from torch import Tensor

from estimators.control_variates.fitting import Regression, fit_coefficient
from estimators.control_variates.learning import Learning
from estimators.core import Estimator


@dataclass(frozen=True)
class FittedCoefficient(Estimator):
    """ĝ₀ + η ĝ₁ with E ĝ₁ = 0, unbiased for every η.

    η is `coefficient`, or fitted by regression on `fit_steps` estimates if that is not zero: at one
    λ by `fitted`, else in a training loop, a second estimate a call, which doubles the cost's
    evaluations; the object belongs to that loop. Subclasses give the two parts, and defaults to the
    two fields.
    """

    coefficient: float
    fit_steps: int
    fit: Tensor | None = field(default=None, repr=False, compare=False, kw_only=True)
    learning: Learning = field(default_factory=Learning, init=False, repr=False, compare=False)
    unbiased = True

    @abstractmethod
    def parts(self, dist, cost, samples):
        """The surrogates of ĝ₀ and of ĝ₁: [*B] each."""

    def surrogate(self, dist, cost, samples=1):
        base, control = self.parts(dist, cost, samples)
        if self.fit is not None or not self.fit_steps:
            return base + (self.coefficient if self.fit is None else self.fit) * control
        (coefficient,) = self.learning.in_use(dist) or [self.coefficient]
        self.learning.step(
            dist,
            lambda: Regression(self.fit_steps, self.learning.extra(dist)),
            lambda d: self.parts(d, cost, samples),
        )
        return base + coefficient * control

    def fitted(self, dist, cost, samples=1):
        if not self.fit_steps:
            return self
        fit = fit_coefficient(dist, lambda d: self.parts(d, cost, samples), self.fit_steps)
        return replace(self, fit=fit)

    def serving(self, places):
        return self if self.fit is None else replace(self, fit=self.fit[places])

    @property
    def kept(self):
        """This with what its calls have taught for good; None before the first lesson has ended."""
        learned = self.learning.learned
        return None if learned is None else replace(self, fit=learned[0])
