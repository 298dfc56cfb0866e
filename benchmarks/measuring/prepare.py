"""The one door for a problem: what it lacks is derived, it is checked, and its truth is found."""

from dataclasses import dataclass
from pathlib import Path
from weakref import WeakKeyDictionary

import torch

from benchmarks.measuring.cell import Cell
from benchmarks.measuring.diagnostics import wrong_sampler
from benchmarks.objective.definition import Problem, ProblemError, unvalidated
from benchmarks.objective.truth import Truth
from benchmarks.truth.exact import find_truth, truth_of_draws
from benchmarks.truth.kept import keep, kept_truth
from benchmarks.truth.two_estimators import agreed_truth
from benchmarks.validation.failing_pieces import as_problem_error
from benchmarks.validation.goodness_of_fit import examine
from benchmarks.validation.interface_checks import check, completed
from estimators import create


@dataclass(frozen=True, eq=False)
class Prepared:
    """A problem that may be measured, and the truth of its gradient where one was found.

    `problem` has what its distribution lacks derived from what it brings. `truth` is None where no
    method reaches it. `cautions` are sentences about the problem that belong beside every number.
    """

    problem: Problem
    truth: Truth | None
    cautions: tuple[str, ...] = ()

    def truth_of(self, samples: int) -> Truth | None:
        """The truth where `samples` draws are taken: with a `reduction` there is one for each K."""
        if self.problem.reduction is None:
            return self.truth
        return truth_of_draws(self.problem, samples)


_prepared: WeakKeyDictionary[Problem, tuple[list[int], Prepared]] = WeakKeyDictionary()


def prepare(problem: Problem, truths: Path | None = None) -> Prepared:
    """Everything that is done with a problem before it is measured, whoever asks for it.

    `problem` is a user's or the suite's; one is prepared once, and again if somebody writes into
    its parameters. `truths` is a folder in which truths that take long to find are kept from one
    run to the next; None keeps none.

    Raises ProblemError for the first mistake that is found, in one sentence with the way out.
    """
    written = [value._version for value in problem.measured.values()]
    before, prepared = _prepared.get(problem, (None, None))
    if before != written:
        try:
            prepared = _prepare(problem, truths)
        except ProblemError:
            raise
        except Exception as failure:  # of a method that somebody brought
            raise as_problem_error(problem, failure) from failure
        _prepared[problem] = written, prepared
    return prepared


def _prepare(problem: Problem, truths: Path | None) -> Prepared:
    problem = completed(problem)
    check(problem)
    cautions = examine(problem)
    with unvalidated():  # samples are checked by now, and a density of x may ask that of −x
        truth = find_truth(problem) or kept_truth(problem, truths)
    if truth is None:
        truth = None if _wrong_sampler(problem) else agreed_truth(problem)
        keep(problem, truth, truths)
    return Prepared(problem, truth, cautions)


def _wrong_sampler(problem: Problem) -> bool:
    """Whether samples have another law than the distribution says: no two runs make a truth."""
    moved = problem.to("cpu", torch.float64)
    cell = Cell(moved, None, create("reinforce"), 1, 0, torch.device("cpu"))
    return wrong_sampler(cell) is not None
