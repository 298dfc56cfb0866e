"""A cell of a run in plain values: what a worker needs to know to measure it, wherever it is."""

from dataclasses import dataclass
from functools import cache, lru_cache

import torch

import estimators
from benchmarks import problems
from benchmarks.machine.allocator import keep_freed_memory
from benchmarks.measuring.cell import Blocks, Cell, in_turn
from benchmarks.measuring.measure import measure_checked, time_measured
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.task import ending
from benchmarks.objective.definition import Problem
from benchmarks.objective.truth import Truth
from benchmarks.store.store import identity
from benchmarks.truth.exact import find_truth
from benchmarks.validation.interface_checks import check, completed


@dataclass(frozen=True)
class Job:
    """Problem × K × estimator, by name, and how it is measured."""

    problem: str
    samples: int
    estimator: str
    replicates: int  # at most
    precision: float | None = None
    seed: int = 0
    device: str = "cpu"
    timed: bool = True
    compiled: bool = False

    def __str__(self) -> str:
        return f"{self.problem} · {self.estimator} · K={self.samples}"

    @property
    def facts(self) -> dict:
        """What is known of the cell before it is measured."""
        problem = _loaded(self.problem, problems.entry(self.problem))
        estimator = estimators.create(self.estimator)
        return {
            "problem": self.problem,
            "problem_version": problem.version if isinstance(problem, Problem) else 1,
            "estimator": str(estimator),
            "config": estimator.config_json,
            "samples": self.samples,
            "replicates": self.replicates,
            "budget": self.replicates,
            "precision": self.precision,
            "seed": self.seed,
            "device": self.device,
            "dtype": "float64",
        }

    @property
    def identity(self) -> tuple:
        """What the cell's records have in common."""
        return identity(self.facts)

    def failed(self, reason: str) -> Measurement:
        """The cell with status "error"."""
        return Measurement(**self.facts, status="error", reason=reason)


def measure(job: Job, blocks: Blocks = in_turn) -> Measurement:
    """Measure a cell; a problem that cannot be measured is one with status "error"."""
    keep_freed_memory()
    problem = _loaded(job.problem, problems.entry(job.problem))
    if not isinstance(problem, Problem):
        return job.failed(problem)
    truth = _truth(problem)
    if isinstance(truth, str):
        return job.failed(truth)
    try:
        return measure_checked(
            problem, truth, job.estimator, job.samples, job.replicates, job.seed, job.device,
            torch.float64, job.precision, timed=job.timed, compiled=job.compiled, spread=blocks,
        )  # fmt: skip
    except Exception as failure:  # whatever it is, it must not stop the sweep
        return job.failed(_sentence(failure))


@lru_cache(maxsize=4)
def cell_of(job: Job) -> Cell:
    """The cell of a job that is being measured, for single blocks of it."""
    keep_freed_memory()
    problem = completed(problems.load(job.problem)).to(job.device, torch.float64)
    estimator = estimators.create(job.estimator)
    return Cell(problem, None, estimator, job.samples, job.seed, torch.device(job.device))


def time(job: Job, record: dict) -> dict:
    """What timing changes in the record of a cell that was measured without."""
    keep_freed_memory()
    problem = _loaded(job.problem, problems.entry(job.problem))
    if not isinstance(problem, Problem):
        return ending(RuntimeError(problem))
    return time_measured(problem, job.estimator, record, job.compiled)


@cache
def _loaded(name: str, entry: problems.Entry | None) -> Problem | str:
    """The problem, or the sentence that says why there is none."""
    try:
        return completed(problems.load(name))
    except Exception as mistake:
        return _sentence(mistake)


@lru_cache(maxsize=64)
def _truth(problem: Problem) -> Truth | str | None:
    """The truth of a problem, or the sentence that says why it cannot be measured."""
    try:
        check(problem)
        return find_truth(problem)
    except Exception as mistake:
        return _sentence(mistake)


def _sentence(mistake: Exception) -> str:
    return ending(mistake)["reason"]
