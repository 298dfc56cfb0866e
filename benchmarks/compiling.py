"""Cells whose blocks are one compiled graph: `torch.compile`, where it works and pays."""

import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx

from benchmarks.cell import Cell, CountedCost, Counts
from benchmarks.problem import Problem
from estimators import Estimator

OPTIONS = {"fallback_random": True}  # the numbers that are drawn without compiling
LEAST_NUMBERS = 10**9  # random numbers in a cell from which compiling it pays, at about 10⁸ / s
ROUNDS = 3


def pays(numbers: int, replicates: int) -> bool:
    """Whether compiling is worth its seconds for R replicates of `numbers` random numbers each."""
    return numbers * replicates >= LEAST_NUMBERS


def compiled(cell: Cell, block: Callable[[Cell, int], Tensor]) -> tuple[Cell, float]:
    """`cell` with its blocks compiled, and the seconds that it took.

    `block(cell, index)` makes the gradients of a block. The cell comes back as it was where there
    is no compiler, where the compiled gradients of two blocks differ by more than rounding, or
    where they take longer. Blocks of another size are made without compiling.
    """
    torch.compiler.reset()  # what other cells left
    fast = replace(cell, gradients=_Graph())
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the compiler, about code that it leaves as it is
            block(fast, 0)
            seconds = time.perf_counter() - start
            same = all(_agree(block(cell, index), block(fast, index)) for index in (0, 1))
    except Exception:  # whatever a compiler does, it must not stop a measurement
        return cell, time.perf_counter() - start
    return (fast if same and _quicker(fast, cell, block) else cell), seconds


class _Graph:
    """`Problem.gradients` as one graph, forward and backward, of the first call and those like it.

    Whatever does not come from random numbers is as it was in the first call.
    """

    def __init__(self):
        self._like = self._run = None

    def __call__(
        self,
        problem: Problem,
        estimator: Estimator,
        samples: int,
        replicates: int,
        cost: CountedCost | None = None,
    ) -> Tensor:
        like = id(estimator), replicates, cost is None
        if self._run is None:
            self._like = like
            self._run = _compiled(problem, estimator, samples, replicates, cost is not None)
        if like != self._like:
            return problem.gradients(estimator, samples, replicates, cost)
        with torch.no_grad():
            gradients, counts = self._run()
        if cost is not None:
            cost.add(Counts(*counts))
        return gradients


def _compiled(
    problem: Problem, estimator: Estimator, samples: int, replicates: int, counting: bool
) -> Callable[[], tuple[Tensor, tuple]]:
    """The gradients and what the cost counted, without a graph of autograd's."""

    def block():
        cost = CountedCost(problem.cost)
        gradients = problem.gradients(estimator, samples, replicates, cost if counting else None)
        return gradients, tuple(cost.counts)

    with torch.autograd.set_multithreading_enabled(False):  # the trace belongs to this thread
        graph = make_fx(block)()
    return torch.compile(graph, dynamic=False, options=OPTIONS)


def _agree(ours: Tensor, theirs: Tensor) -> bool:
    """Whether gradients are the same up to the order of sums."""
    tolerance = torch.finfo(ours.dtype).eps ** 0.5 * float(ours.abs().max())
    return torch.allclose(ours, theirs, rtol=0.0, atol=tolerance, equal_nan=True)


def _quicker(one: Cell, other: Cell, block: Callable[[Cell, int], Tensor]) -> bool:
    """Whether blocks of `one` take less time than those of `other`, in turn."""
    seconds = {id(one): [], id(other): []}
    for _ in range(ROUNDS):
        for cell in (one, other):
            start = time.perf_counter()
            block(cell, 0)
            if cell.device.type == "cuda":
                torch.cuda.synchronize(cell.device)
            seconds[id(cell)].append(time.perf_counter() - start)
    return min(seconds[id(one)]) < min(seconds[id(other)])
