"""Estimators on one problem, measured one after the other, in a race, or searched node by node."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import torch

from benchmarks.machine.deadline import Deadline
from benchmarks.measuring.arguments import estimators_of, replicates_of, samples_of, seconds_of
from benchmarks.measuring.cross_checks import cross_checked
from benchmarks.measuring.measure import measure_together
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.prepare import prepare
from benchmarks.measuring.race import Race
from benchmarks.measuring.race_arm import Arm
from benchmarks.measuring.records import Records
from benchmarks.measuring.strategy_search import Candidates, Options, searched, sentence
from benchmarks.measuring.task import Task
from benchmarks.objective.definition import Problem
from benchmarks.objective.program import Program
from benchmarks.statistics.stopping import Plan
from estimators import Estimator


class Comparison:
    """What `compare` does, step by step; `results` are there at any time, also after Ctrl-C.

    The arguments are those of `compare`.
    """

    def __init__(
        self,
        problem: Problem,
        estimators: Iterable[Estimator | str] | Estimator | str | Candidates | None = None,
        samples: int | Sequence[int] = (1,),
        replicates: int = 10_000,
        precision: float | None = None,
        seed: int = 0,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | str = torch.float64,
        compiled: bool = False,
        seconds: float | None = None,
        store: str | Path | None = None,
        memory_limit: int | str | None = None,
        generator: str | None = None,
    ):
        self.problem, self.counts = problem, samples_of(samples)
        self.deadline = Deadline(seconds_of(seconds, precision)) if seconds is not None else None
        self.replicates, self.compiled = replicates_of(replicates), compiled
        Plan.of(self.replicates, 1)  # a mistake in it shows now
        self.searching = is_searched(problem, estimators)
        self.chosen = estimators if self.searching else estimators_of(estimators)
        self.settings = {"seed": seed, "device": device, "dtype": dtype}
        self.settings |= {"memory_limit": memory_limit, "generator": generator}
        self.precision = precision
        self.records = Records(store) if store is not None else None
        self.races: list[Race] = []
        self._found: list[Measurement] = []
        self._last: int | None = None  # how many a search raced in its last turn

    @property
    def total(self) -> int:
        """How many measurements there may be, at least."""
        return len(self.chosen or ()) * len(self.counts)

    def steps(self) -> Iterator[Measurement]:
        """Measure, and yield each measurement as it is made."""
        truths = self.records.store.truths if self.records else None
        limit = self.settings["memory_limit"]
        self.prepared = prepare(self.problem, truths, limit, self.deadline)
        if self.searching:
            steps = self._searched()
        elif self.deadline:
            steps = self._raced()
        else:
            steps = self._each()
        for measurement in steps:
            self._found.append(measurement)
            yield measurement

    @property
    def results(self) -> list[Measurement]:
        """One measurement for each estimator × K that was come to; in a race, for all."""
        if self.searching:
            return self._found
        if self.races:
            return cross_checked(self.races[0].results, [a.estimator for a in self.races[0].arms])
        estimators = [one for _ in self.counts for one in self.chosen][: len(self._found)]
        return cross_checked(self._found, estimators)

    @property
    def sentence(self) -> str | None:
        """What it comes to: of strategies at nodes, or of a race; None for anything else."""
        if self.searching:
            return sentence(self._found, self._last)
        return self.races[0].sentence if self.races else None

    def _each(self) -> Iterator[Measurement]:
        for count in self.counts:
            tasks = [self._task(one, count, self.replicates) for one in self.chosen]
            if self.compiled and not self.records:
                yield from measure_together(tasks)
            else:
                yield from (self._measured(task) for task in tasks)

    def _raced(self) -> Iterator[Measurement]:
        arms = [(one, count) for count in self.counts for one in self.chosen]
        yield from self._race(arms, self.replicates, self.deadline).run()

    def _race(self, arms: Options, most: int, deadline: Deadline) -> Race:
        each = [Arm(self.prepared, one, count, self.settings) for one, count in arms]
        race = Race(each, most, deadline, self.records)
        self.races.append(race)
        return race

    def _searched(self) -> Iterator[Measurement]:
        among = self._in_a_race if self.deadline else self._one_by_one
        for count in self.counts:
            yield from searched(self.problem, self.chosen, count, self.replicates, among)

    def _one_by_one(self, options: Options, most: int, turns: int) -> Iterator[Measurement]:
        for strategies, count in options:
            yield self._measured(self._task(strategies, count, most))

    def _in_a_race(self, options: Options, most: int, turns: int) -> Iterator[Measurement]:
        self._last = len(options)
        race = self._race(options, most, Deadline(self.deadline.left / turns))
        for _ in race.run():
            pass
        yield from race.results

    def _task(self, estimator: Estimator, count: int, most: int) -> Task:
        return Task.of(
            self.prepared, estimator, samples=count, replicates=most, precision=self.precision,
            **self.settings,
        )  # fmt: skip

    def _measured(self, task: Task) -> Measurement:
        found = self.records and self.records.find(task)
        if not found:
            found = task.measured(compiled=self.compiled)
            if self.records:
                self.records.keep(found, task.cell.estimator.unbiased)
        return found


def is_searched(problem: Problem, estimators: object) -> bool:
    """Whether strategies are searched node by node: of a program, unless estimators are named."""
    return isinstance(problem, Program) and (estimators is None or isinstance(estimators, Mapping))
