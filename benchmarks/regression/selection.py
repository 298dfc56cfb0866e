"""Which cells two revisions are compared in, and what makes the report fail."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.regression.report import FAIL_ON
from benchmarks.regression.repository import Gate
from benchmarks.running.cell_spec import CellSpec
from benchmarks.running.selection import Membership, choose, suite_cells

SAMPLES = (1, 4)


@dataclass(frozen=True)
class Selection:
    """Which cells, with how many replicates and which seeds, and what makes the report fail.

    What is None, or an empty tuple, is as the repository's gate says, or else as is usual.

    - `replicates`: R; the problem says, unless given.
    - `head_seed`: as the base's, unless given.
    - `timed`: whether speed and memory are measured; None: where they can make it fail.
    - `seconds`: about how long speed may take by the wall clock; None: as long as it takes.
    """

    suite: str | None = None
    problems: tuple[str, ...] = ()
    estimators: tuple[str, ...] = ()
    samples: tuple[int, ...] | None = None
    replicates: int | None = None
    seed: int = 0
    head_seed: int | None = None
    device: str = "cpu"
    fail_on: tuple[str, ...] | None = None
    timed: bool | None = None
    seconds: float | None = None
    plugins: tuple[str, ...] = ()

    def with_gate(self, gate: Gate) -> "Selection":
        """This one, with what it leaves open as the repository says, or else as is usual."""
        return replace(
            self,
            suite=self.suite or gate.suite or "quick",
            problems=self.problems or tuple(gate.problems),
            estimators=self.estimators or tuple(gate.estimators),
            samples=_first(self.samples, gate.samples, SAMPLES),
            replicates=self.replicates or gate.replicates,
            fail_on=_first(self.fail_on, gate.fail_on, FAIL_ON),
            seconds=self.seconds or gate.seconds,
        )

    @property
    def speed(self) -> bool:
        """Whether speed and memory are measured."""
        if self.timed is None:
            return self.seconds is not None or self._speed_gates
        return self.timed

    @property
    def _speed_gates(self) -> bool:
        return bool({"speed", "memory"} & {*self.fail_on})

    @property
    def seeds(self) -> tuple[int, int]:
        """Of the base and of the head."""
        return self.seed, self.seed if self.head_seed is None else self.head_seed

    @property
    def options(self) -> list[str]:
        """What the command that repeats a cell is given, to end as this one does."""
        gate = [] if self.fail_on == FAIL_ON else ["--fail-on", ",".join(self.fail_on)]
        if self.timed is False:
            return [*gate, "--no-speed"]
        return gate if self.speed == self._speed_gates else [*gate, "--speed"]


def _first(*choices: Sequence | None) -> tuple:
    """The first that says something, if only that there is nothing."""
    return next(tuple(choice) for choice in choices if choice is not None)


def cells_of(selection: Selection, sides: Sequence[dict]) -> list[CellSpec]:
    """Every cell that either side has: problem, estimator, K, R.

    Of a plugin, unless estimators are named: its own on every problem, and the shelf on its own
    problems.
    """
    base, head = sides
    budgets = base["problems"] | head["problems"]
    names = list(base["estimators"] | head["estimators"])
    members = _membership(sides)
    in_suite = {*base["suites"][selection.suite], *head["suites"][selection.suite]}
    own_problems, own = (_own(sides, kind) for kind in ("own_problems", "own_estimators"))
    problems = [n for n in budgets if selection.problems or n in in_suite or n in own_problems]
    shelf = [n for n in names if selection.suite == "full" or n in members.quick or n in own]
    chosen = selection.estimators and choose("estimator", selection.estimators, names)

    def estimators_of(problem: str) -> Sequence[str]:
        theirs = "own_problems" in head and problem not in own_problems
        return chosen or (sorted(own) if theirs else members.estimators_of(problem, shelf))

    return suite_cells(
        choose("problem", selection.problems, problems),
        selection.samples,
        lambda problem: selection.replicates or budgets[problem],
        estimators_of,
    )


def _own(sides: Sequence[dict], kind: str) -> set[str]:
    """The names that a plugin registered on either side."""
    return {name for side in sides for name in side.get(kind, ())}


def _membership(sides: Sequence[dict]) -> Membership:
    """What is in a suite on either side."""
    also: dict[str, tuple[str, ...]] = {}
    for side in sides:
        for problem, added in side["also"].items():
            also[problem] = (*also.get(problem, ()), *added)
    quick, narrow = (
        frozenset().union(*(side[key] for side in sides)) for key in ("quick", "narrow")
    )
    return Membership(quick, narrow, also)
