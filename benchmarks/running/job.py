"""A cell of a run in plain values: what a worker needs to know to measure it, wherever it is."""

from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import torch

import estimators
from benchmarks import problems
from benchmarks.machine.allocator import keep_freed_memory
from benchmarks.machine.memory_ceiling import memory_ceiling
from benchmarks.machine.process_settings import settings_kept
from benchmarks.measuring.cell import Blocks, Cell, in_turn
from benchmarks.measuring.measure import time_measured
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.prepare import Prepared, prepare
from benchmarks.measuring.shared_fits import SharedFits
from benchmarks.measuring.task import Task, ending, plan_of
from benchmarks.objective.definition import Problem
from benchmarks.running.cell_spec import CellSpec
from benchmarks.store.store import identity
from benchmarks.validation.interface_checks import completed


@dataclass(frozen=True)
class Job:
    """A cell by name, and how it is measured."""

    cell: CellSpec  # with R, at most
    precision: float | None = None
    seed: int = 0
    device: str = "cpu"
    timed: bool = True
    compiled: bool = False
    generator: str | None = None  # of many random numbers
    truths: str | None = None  # the folder beside the store in which truths are kept
    memory_limit: int | None = (
        None  # bytes; half of what is free where it is measured, unless given
    )

    def __str__(self) -> str:
        return str(self.cell)

    @property
    def facts(self) -> dict:
        """What is known of the cell before it is measured."""
        problem, estimator, samples, replicates = self.cell
        loaded = _loaded(problem, problems.entry(problem))
        return {
            "problem": loaded.name if isinstance(loaded, Problem) else problem,
            "problem_version": loaded.version if isinstance(loaded, Problem) else 1,
            "estimator": self.cell.name,
            "config": _config(estimator),
            "samples": samples,
            "replicates": replicates,
            "budget": replicates,
            "precision": self.precision,
            "seed": self.seed,
            "device": self.device,
            "dtype": "float64",
            "generator": self.generator,
        }

    @property
    def identity(self) -> tuple:
        """What the cell's records have in common."""
        return identity(self.facts)

    def failed(self, reason: str) -> Measurement:
        """The cell with status "error"."""
        return Measurement(**self.facts, status="error", reason=reason)


def measure(job: Job, blocks: Blocks = in_turn) -> Measurement:
    """Measure a cell; a problem that does not pass is one with status "error" and the sentence."""
    keep_freed_memory()
    prepared = _prepared_for(job)
    if isinstance(prepared, str):
        return job.failed(prepared)
    try:
        task = Task.of(
            prepared, job.cell.estimator, samples=job.cell.samples,
            replicates=job.cell.replicates, seed=job.seed, device=job.device,
            precision=job.precision, memory_limit=job.memory_limit,
            generator=job.generator,
        )  # fmt: skip
        return task.measured(job.timed, job.compiled, blocks)
    except (Exception, SystemExit) as failure:  # whatever it is, it must not stop the sweep
        return job.failed(_sentence(failure))


@lru_cache(maxsize=4)
def cell_of(job: Job) -> Cell:
    """The cell of a job that is being measured, for single blocks of it."""
    keep_freed_memory()
    problem = completed(problems.load(job.cell.problem)).to(job.device, torch.float64)
    estimator, samples = estimators.create(job.cell.estimator), job.cell.samples
    plan = plan_of(problem, samples, job.cell.replicates, job.precision)
    return Cell(
        problem, None, estimator, samples, job.seed, torch.device(job.device),
        generator=job.generator, shares=SharedFits.of(problem, estimator, plan),
    )  # fmt: skip


def time(job: Job, record: dict) -> dict:
    """What timing changes in the record of a cell that was measured without."""
    keep_freed_memory()
    prepared = _prepared_for(job)
    if isinstance(prepared, str):
        return ending(RuntimeError(prepared))
    return time_measured(prepared.problem, job.cell.estimator, record, job.compiled)


def _prepared_for(job: Job) -> Prepared | str:
    """The problem of a job, prepared, or the sentence that says why it cannot be measured."""
    name = job.cell.problem
    loaded = _loaded(name, problems.entry(name))
    if isinstance(loaded, str):
        return loaded
    return _prepared(loaded, job.truths, job.memory_limit)


@cache
def _loaded(name: str, entry: problems.Entry | None) -> Problem | str:
    """The problem as it was registered, or the sentence that says why there is none."""
    try:
        with settings_kept(), memory_ceiling():
            return problems.load(name)
    except (Exception, SystemExit) as mistake:
        return _sentence(mistake)


@lru_cache(maxsize=64)
def _prepared(problem: Problem, truths: str | None, memory_limit: int | None) -> Prepared | str:
    try:
        return prepare(problem, truths and Path(truths), memory_limit)
    except (Exception, SystemExit) as mistake:
        return _sentence(mistake)


def _config(estimator: str) -> str:
    """The configuration of an estimator; none of one that cannot be made, which is an error."""
    try:
        return estimators.create(estimator).config_json
    except (Exception, SystemExit):
        return "{}"


def _sentence(mistake: BaseException) -> str:
    return ending(mistake)["reason"]
