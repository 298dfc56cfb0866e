"""The one door for a problem: what it lacks is derived, it is checked, and its truth is found."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakKeyDictionary

import torch

from benchmarks.machine.allocator import give_back_freed_memory
from benchmarks.machine.deadline import Deadline
from benchmarks.machine.memory import OverLimit
from benchmarks.machine.memory_ceiling import memory_ceiling
from benchmarks.machine.process_settings import settings_kept
from benchmarks.measuring.cell import Cell
from benchmarks.measuring.data_noise import data_noise
from benchmarks.measuring.diagnostics import wrong_sampler
from benchmarks.measuring.memory_limit import MemoryLimit
from benchmarks.measuring.memory_of_checks import capped, guarded, no_truth
from benchmarks.measuring.written_problems import watch
from benchmarks.objective.definition import Problem, ProblemError, unvalidated
from benchmarks.objective.truth import Truth
from benchmarks.statistics.long_vectors import LONG
from benchmarks.statistics.stopping import Plan
from benchmarks.truth.exact import find_truth, truth_of_draws
from benchmarks.truth.kept import keep, kept_truth
from benchmarks.truth.two_estimators import agreed_truth, held_by_runs
from benchmarks.validation.failing_pieces import as_problem_error
from benchmarks.validation.goodness_of_fit import examine
from benchmarks.validation.interface_checks import check, completed
from benchmarks.validation.score_identities import says_no_score
from estimators import create

SHARE = 0.2  # of the seconds that are left, for the checks, and then for the truth
UNCHECKED = "The seconds were too few for all checks of the problem; give more to have them."
UNKNOWN = "The seconds were too few to find the exact gradient; give more, or give a truth."
NO_SCORE = (
    "No exact gradient is stated: it would come from that derivative of `log_prob`, as score "
    "functions do; give the problem its `truth`."
)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A problem that may be measured, and the truth of its gradient where one was found.

    `problem` has what its distribution lacks derived from what it brings. `truth` is None where no
    method reaches it. `cautions` are sentences about the problem that belong beside every number.
    """

    problem: Problem
    truth: Truth | None
    cautions: tuple[str, ...] = ()
    _samplers: dict = field(default_factory=dict)  # what is said of them, by device and dtype
    _batches: dict = field(default_factory=dict)  # the noise of their choice, by device, dtype, ...

    def wrong_sampler(self, cell: Cell) -> str | None:
        """What `diagnostics.wrong_sampler` says of a cell of this problem, asked once."""
        dtype = next(iter(cell.problem.parameters.values())).dtype
        key = cell.device, dtype
        if key not in self._samplers:
            self._samplers[key] = wrong_sampler(cell)
        return self._samplers[key]

    def data_noise(self, cell: Cell, plan: Plan, facts: Mapping) -> dict:
        """What the choice of the minibatch adds to the variance of a cell, of which `facts` are."""
        return data_noise(cell, plan, facts, self._batches)

    def truth_of(self, samples: int) -> Truth | None:
        """The truth where `samples` draws are taken: with a `reduction` there is one for each K."""
        if self.problem.reduction is None:
            return self.truth
        return truth_of_draws(self.problem, samples)


_prepared: WeakKeyDictionary[Problem, tuple[tuple, Prepared]] = WeakKeyDictionary()


def prepare(
    problem: Problem,
    truths: Path | None = None,
    memory_limit: int | str | None = None,
    deadline: Deadline | None = None,
) -> Prepared:
    """Everything that is done with a problem before it is measured, whoever asks for it.

    `problem` is a user's or the suite's; one is prepared once, and again if somebody writes into
    its parameters. `truths` is a folder in which truths that take long to find are kept from one
    run to the next; None keeps none. `memory_limit` is that of `measure`: a truth that needs more
    is not looked for, which is then a caution. With a `deadline` the checks, and then the search
    for the truth, are cut short after a fifth of the seconds that are left; cautions say so.

    Raises ProblemError for the first mistake that is found, in one sentence with the way out, and
    where even the checks do not fit.
    """
    written = [value._version for value in problem.measured.values()], memory_limit
    before, prepared = _prepared.get(problem, (None, None))
    if before != written:
        limit = MemoryLimit.of(memory_limit, "cpu")
        try:
            with settings_kept(), memory_ceiling():  # whatever its functions change
                prepared, whole = _prepare(problem, truths, limit, deadline or Deadline(math.inf))
        except ProblemError:
            raise
        except Exception as failure:  # of a method that somebody brought
            raise as_problem_error(problem, failure) from failure
        watch(prepared.problem)
        if whole:
            _prepared[problem] = written, prepared
    return prepared


def _prepare(
    problem: Problem, truths: Path | None, limit: MemoryLimit, deadline: Deadline
) -> tuple[Prepared, bool]:
    """The prepared problem, and whether nothing of it was cut short."""
    cautions, truth, unfit = (), None, ()
    with guarded(problem, limit):  # what is missing is learnt by calling the cost
        problem = completed(problem)
    with deadline.at_most(SHARE * deadline.left) as checks, guarded(problem, limit):
        check(problem)
        cautions = examine(problem)
    if problem.truth == "auto" and any(map(says_no_score, cautions)):
        return Prepared(problem, None, (*cautions, NO_SCORE)), not checks.cut
    with deadline.at_most(SHARE * deadline.left) as search:
        truth, unfit = _truth(problem, truths, limit)
    cautions += unfit + (UNCHECKED,) * checks.cut + (UNKNOWN,) * search.cut
    if problem.size > LONG:
        give_back_freed_memory()
    return Prepared(problem, truth, cautions), not (checks.cut or search.cut)


def _truth(
    problem: Problem, truths: Path | None, limit: MemoryLimit
) -> tuple[Truth | None, tuple[str, ...]]:
    """The truth, where one is found, and a caution where that would not fit."""
    try:
        with capped(problem, limit):
            with unvalidated():  # samples are checked by now; a density of x may ask that of −x
                truth = find_truth(problem) or kept_truth(problem, truths)
            if truth is None:
                held = held_by_runs(problem.size)
                if problem.truth == "auto" and held > limit.bytes:
                    raise OverLimit(held)
                truth = None if _wrong_sampler(problem) else agreed_truth(problem)
                keep(problem, truth, truths)
    except OverLimit as over:
        return None, (no_truth(over.bytes, limit),)
    return truth, ()


def _wrong_sampler(problem: Problem) -> bool:
    """Whether samples have another law than the distribution says: no two runs make a truth."""
    moved = problem.to("cpu", torch.float64)
    cell = Cell(moved, None, create("reinforce"), 1, 0, torch.device("cpu"))
    return wrong_sampler(cell) is not None
