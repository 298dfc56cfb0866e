"""The maps of the atlas: problems over two parameters each, and who is measured on them."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.atlas import grids
from benchmarks.objective.definition import Problem

UNBIASED_BITS = (
    "reinforce", "reinforce-loo", "reinforce-optimal", "disarm", "arms", "stratified",
    "local-expectation", "measure-valued",
)  # fmt: skip
OF_NORMALS = (
    "pathwise", "antithetic-pathwise", "rqmc-pathwise", "reinforce-loo", "reinforce-optimal",
    "measure-valued", "evolution-strategies",
)  # fmt: skip
OF_GAMMAS = (
    "pathwise", "rqmc-pathwise", "generalised-reparameterisation", "reinforce-loo",
    "reinforce-optimal", "measure-valued",
)  # fmt: skip
SUBSETS = (
    "reinforce", "reinforce-loo", "reinforce-optimal", "unordered-set", "sum-and-sample", "simple",
)  # fmt: skip
RANKINGS = (
    "reinforce", "reinforce-loo", "reinforce-optimal", "unordered-set", "reinforce-placement",
    "pl-rank",
)  # fmt: skip


@dataclass(frozen=True)
class Map:
    """A grid of problems: `build(across, up)` at each pair of the two axes' values.

    - `title`: which law and which cost, as the page says it.
    - `across`, `up`: name and values of the axes.
    - `estimators`: who is measured at every point; those that refuse are not on the map.
    """

    name: str
    title: str
    build: Callable[..., Problem]
    across: tuple[str, tuple[float, ...]]
    up: tuple[str, tuple[float, ...]]
    estimators: tuple[str, ...]

    def points(self) -> list[tuple[float, float]]:
        """Every pair of values."""
        return list(itertools.product(self.across[1], self.up[1]))

    def problem(self, across: float, up: float) -> Problem:
        """The problem at a point, named so that the point can be read off its name."""
        return self.build(across, up)


MAPS = (
    Map("dimension", "A normal in d dimensions under cos(ω · the mean direction)",
        grids.waves, ("d", (1, 2, 4, 8, 16, 32, 64)), ("frequency", (0.25, 0.5, 1.0, 2.0, 4.0)),
        OF_NORMALS),
    Map("bits", "d independent bits under a squared sum, from even odds to rare ones",
        grids.bits, ("d", (1, 2, 4, 8, 16, 32)), ("logit", (0.0, -1.0, -2.0, -4.0)),
        UNBIASED_BITS),
    Map("concentration", "A gamma under cos(ω x / its mean)",
        grids.gamma, ("concentration", (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)),
        ("frequency", (0.5, 1.0, 2.0, 4.0)), OF_GAMMAS),
    Map("k", "k of ten items under a squared weighted sum",
        grids.chosen, ("k", (1, 2, 3, 5, 7, 9)), ("sharpness", (0.3, 1.0, 3.0)), SUBSETS),
    Map("sharpness", "An ordering of n items under the discounted cumulative gain",
        grids.ranked, ("sharpness", (0.1, 0.3, 1.0, 3.0, 10.0)), ("n", (3, 4, 5, 6)), RANKINGS),
)  # fmt: skip

TEMPERATURES = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0, 4.0)
TEMPERATURE_PROBLEM = "one-hot-quadratic"  # of the suite, where the unbiased are measured too
RELAXED = ("gumbel-softmax", "gumbel-softmax-hard", "gumbel-rao")


def relaxed() -> list[str]:
    """The relaxed estimators at each temperature, by name with the field."""
    return [f"{name}:temperature={t:g}" for name in RELAXED for t in TEMPERATURES]
