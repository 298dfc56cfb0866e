"""What RELAX, LAX and RODEO share: how large their network is, and how long it learns."""

from dataclasses import dataclass

from estimators.control_variates.learned_by_descent import LearnedByDescent


@dataclass(frozen=True)
class LearnedNetwork(LearnedByDescent):
    """A control variate that is a network of `hidden` units, learned by `fit_steps` steps.

    Subclasses give `start` and `estimate`.
    """

    hidden: int = 8
    fit_steps: int = 64

    def __post_init__(self):
        if self.hidden < 1:
            raise ValueError(f"hidden must be at least one unit, not {self.hidden}.")
