"""What the atlas measures: cells of the suite, of the maps, and of the models, in this order."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import estimators
from benchmarks import problems
from benchmarks.atlas.maps import MAPS, TEMPERATURE_PROBLEM, relaxed
from benchmarks.objective.definition import Problem
from benchmarks.running.selection import Membership

PARTS = ("suite", "maps", "models")
SAMPLES, REPLICATES = 4, 10_000
SLOW = ("relax", "rebar", "rebar-independent", "rodeo")  # minutes a cell beyond a few parameters
FEW = 4  # parameters up to which those are measured


@dataclass(frozen=True)
class Row:
    """A problem with those who are measured on it, with R replicates each."""

    name: str
    build: Callable[[], Problem]
    estimators: tuple[str, ...]
    replicates: int = REPLICATES

    def chosen(self, problem: Problem) -> tuple[str, ...]:
        """The estimators, without those that would take minutes on so many parameters."""
        if problem.size <= FEW:
            return self.estimators
        return tuple(name for name in self.estimators if name not in SLOW)


def rows(parts: tuple[str, ...] = PARTS, replicates: int | None = None) -> Iterator[Row]:
    """Every row of some `parts`; `replicates` in place of the atlas' own R."""
    makers = {"suite": _suite, "maps": _maps, "models": _models}
    for part in parts:
        for row in makers[part]():
            yield Row(row.name, row.build, row.estimators, replicates or row.replicates)


def _suite() -> Iterator[Row]:
    """Problems of the full suite that are no models, with the whole shelf."""
    shelf = tuple(estimators.names("full"))
    for name in problems.names("full"):
        if not problems.is_narrow(name):
            yield Row(name, _loading(name), shelf)


def _maps() -> Iterator[Row]:
    yield Row(TEMPERATURE_PROBLEM, _loading(TEMPERATURE_PROBLEM), tuple(relaxed()))
    for one in MAPS:
        for point in one.points():
            problem = one.problem(*point)
            yield Row(problem.name, lambda problem=problem: problem, one.estimators)


def _models() -> Iterator[Row]:
    """Models at the end of their training, with the estimators and the R that suites take."""
    members, shelf = Membership.here(), estimators.names("full")
    for name in problems.names("full"):
        if problems.is_narrow(name):
            chosen = tuple(members.estimators_of(name, shelf))
            yield Row(name, _loading(name), chosen, problems.replicates(name))


def _loading(name: str) -> Callable[[], Problem]:
    return lambda: problems.load(name)
