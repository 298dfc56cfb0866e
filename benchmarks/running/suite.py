"""Run a suite: every cell (problem × K × estimator) becomes a record in the store."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import problems
from benchmarks.machine.generators import check_generator
from benchmarks.machine.memory import bytes_of
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.records import with_files
from benchmarks.problems import trajectories
from benchmarks.running.cell_spec import CellSpec
from benchmarks.running.in_process import Alone
from benchmarks.running.job import Job
from benchmarks.running.selection import Membership, suite_cells
from benchmarks.statistics.stopping import Plan, StoppingRule
from benchmarks.store.store import Store, identity
from estimators import create

CAP = 1_000_000  # replicates at which a run to a given precision ends, unless told otherwise


@dataclass(frozen=True)
class Suite:
    """What is to be measured; what decides the numbers is in the records' identity."""

    problems: tuple[str, ...]
    estimators: tuple[str, ...]
    samples: tuple[int, ...] = (1, 4)
    replicates: int | None = None  # the problem says, unless given
    precision: float | None = None
    seed: int = 0
    device: str = "cpu"
    whole: bool = False  # each problem says which of the estimators, and adds some of its own
    timed: bool = True
    compiled: bool = False  # not in the identity: the numbers are the same to rounding
    memory_limit: int | str | None = None  # as for `measure`
    generator: str | None = None  # the same for every cell

    def __post_init__(self):
        for samples in self.samples:
            if samples < 1:
                raise ValueError(
                    f"samples={samples}: an estimate needs at least one sample, K ≥ 1."
                )
        if self.replicates is not None:
            Plan.of(self.replicates, 1)
        if self.memory_limit is not None:
            bytes_of(self.memory_limit)
        check_generator(self.generator)
        if self.precision is not None:
            StoppingRule(self.precision, CAP)

    @property
    def cells(self) -> list[CellSpec]:
        """Every cell with its budget, in the order in which they are run."""
        members = Membership.here()

        def estimators_of(problem: str) -> Sequence[str]:
            if not self.whole:
                return self.estimators
            return members.estimators_of(problem, self.estimators)

        return suite_cells(self.problems, self.samples, self.budget, estimators_of)

    def jobs(self, timed: bool, truths: Path | None = None) -> Iterator[Job]:
        """The cells as work, timed or not, with truths kept in a folder, if one is given."""
        kept = truths and str(truths)
        limit = None if self.memory_limit is None else bytes_of(self.memory_limit)
        how = self.precision, self.seed, self.device
        for cell in self.cells:
            yield Job(cell, *how, timed, self.compiled, self.generator, kept, limit)

    def budget(self, problem: str) -> int:
        """The most replicates spent on a cell of a problem."""
        return self.replicates or (CAP if self.precision else problems.replicates(problem))


def run(
    suite: Suite,
    store: Store,
    resume: bool = False,
    per_parameter: bool = False,
    starting: Callable[[str], None] = lambda cell: None,
    crew=None,
) -> Iterator[Measurement]:
    """Measure the cells of `suite`, append each to `store`, and yield it.

    With `per_parameter`, each parameter's numbers are stored beside the record. With `resume`,
    cells whose last record is not an error are left out. A problem that cannot be
    measured gives a record with status "error" for each of its cells; the others go on.

    A `crew` of several (`benchmarks.running`) measures in any order and times nothing: other work
    would be in the timings. `time_alone` adds them. The numbers are the same to the last bit.
    """
    crew = crew or Alone()
    done = finished(store) if resume else {}
    timed = suite.timed and crew.width == 1
    jobs = (job for job in suite.jobs(timed, store.truths) if job.identity not in done)
    for job, measurement, where in crew.measure(_announced(jobs, starting)):
        measurement = replace(measurement, **trajectories.place(measurement.problem))
        try:
            measurement = _kept(measurement, where, store, per_parameter)
        except ValueError as odd:  # a number that no record holds, of a cell's own making
            measurement = _kept(job.failed(str(odd)), where, store, per_parameter)
        yield measurement


def untimed(suite: Suite, store: Store) -> dict[int, Job]:
    """The cells of `suite` that were measured but not timed, by the place of their last record."""
    jobs = {job.identity: job for job in suite.jobs(timed=True)}
    last = {}
    for place, record in enumerate(store):
        wanted = record["status"] == "ok" and record.get("seconds") is None
        last[identity(record)] = place if wanted else None
    return {last[key]: job for key, job in jobs.items() if last.get(key) is not None}


def time_alone(
    jobs: dict[int, Job],
    store: Store,
    starting: Callable[[str], None] = lambda cell: None,
    crew=None,
) -> Iterator[dict]:
    """Time what `untimed` found, one cell at a time, and yield the record with the timings.

    The store is read along, so that memory does not grow with it.
    """
    crew = crew or Alone()
    for place, record in enumerate(store):
        if place not in jobs:
            continue
        job = jobs[place]
        starting(str(job.cell))
        changes, where = crew.time(job, record)
        known = {key: value for key, value in record.items() if key != "schema"}
        known |= {**changes, "context": {**where, "isolated": "seconds" in changes}}
        store.append(known)
        yield known


def finished(store: Store) -> dict[tuple, str]:
    """The identity and status of each cell whose last record is not an error."""
    if not store.path.exists():
        return {}
    last = {identity(record): record["status"] for record in store}
    return {key: status for key, status in last.items() if status != "error"}


def _kept(measurement: Measurement, where: dict, store: Store, per_parameter: bool) -> Measurement:
    """Append a measurement to the store, its arrays beside it; ValueError if it is no record."""
    claims = create(measurement.estimator).unbiased
    measurement = with_files(measurement, store, claims, per_parameter)
    isolated = math.isfinite(measurement.seconds)
    store.append({**measurement.record, "context": {**where, "isolated": isolated}})
    return measurement


def _announced(jobs: Iterator[Job], starting: Callable[[str], None]) -> Iterator[Job]:
    for job in jobs:
        starting(str(job.cell))
        yield job
