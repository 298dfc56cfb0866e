"""Cells whose blocks are one compiled graph: `torch.compile`, where it works and pays."""

import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.fx.experimental.proxy_tensor import make_fx
from torch.utils._pytree import tree_flatten, tree_unflatten

from benchmarks.machine.generators import paused
from benchmarks.measuring.cell import Cell, CountedCost, Counts
from benchmarks.measuring.kept_state import as_before
from benchmarks.objective.definition import Problem
from estimators import Estimator

OPTIONS = {"fallback_random": True}  # the numbers that are drawn without compiling
LEAST_NUMBERS = 10**9  # random numbers in a cell from which compiling it pays, at about 10⁸ / s
ROUNDS = 3
TESTED = (0, 1)  # blocks whose gradients have to agree


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
    fast = replace(cell, gradients=_Compiled())
    start = time.perf_counter()
    try:
        # Before it is traced: what is kept from a first call, as tables are, must hold numbers.
        plain = [block(cell, index) for index in TESTED]
        start = time.perf_counter()
        block(fast, 0)
        seconds = time.perf_counter() - start
        same = all(agree(plain[index], block(fast, index)) for index in TESTED)
    except Exception:  # whatever a compiler does, it must not stop a measurement
        return cell, time.perf_counter() - start
    paid = same and quicker(lambda: block(fast, 0), lambda: block(cell, 0), cell.device)
    return (fast if paid else cell), seconds


class _Compiled:
    """`Problem.gradients` as a graph of the first call, for one problem and K.

    Calls with another estimator or number of replicates are not compiled. Whatever does not come
    from random numbers is as it was in the first call.
    """

    def __init__(self):
        self._graph = self._estimator = self._form = None

    def __call__(
        self,
        problem: Problem,
        estimator: Estimator,
        samples: int,
        replicates: int,
        cost: CountedCost | None = None,
    ) -> Tensor:
        def first() -> tuple[Tensor, Counts]:
            counted = cost and CountedCost(problem.cost)
            gradients = problem.gradients(estimator, samples, replicates, counted)
            return gradients, counted.counts if counted else Counts()

        form = replicates, cost is None
        if self._graph is None:
            self._graph = as_graph(first, *parts_of(problem), estimator)
            self._estimator, self._form = estimator, form
        if estimator is not self._estimator or form != self._form:
            return problem.gradients(estimator, samples, replicates, cost)
        gradients, counts = self._graph()
        if cost is not None:
            cost.add(counts)
        return gradients


def parts_of(problem: Problem) -> tuple:
    """What of a problem may keep something from call to call."""
    return problem.family, problem.cost, problem.network, problem.reduction


def as_graph(work: Callable, *parts: object) -> Callable:
    """`work`, a function of random numbers alone, compiled forward and backward into one graph.

    What `parts` keep is afterwards as it was: tracing would leave tensors without numbers there.

    It is traced without numbers: what branches on a draw, or looks at it outside of torch, raises.
    The graph goes to the compiler of `torch.compile` itself, which would look at each call first
    whether everything is as it was: a tenth of the time of a small block.
    """
    form = []

    def numbers() -> list[Tensor]:
        leaves, structure = tree_flatten(work())
        form[:] = structure, [None if isinstance(leaf, Tensor) else (leaf,) for leaf in leaves]
        return [leaf for leaf in leaves if isinstance(leaf, Tensor)]

    trace = make_fx(numbers, tracing_mode="fake", _allow_non_fake_inputs=True)
    # The trace belongs to this thread.
    with as_before(*parts), torch.autograd.set_multithreading_enabled(False):
        traced = trace()
    with warnings.catch_warnings(), torch.no_grad(), paused():
        warnings.simplefilter("ignore")  # of the compiler, about code that it leaves as it is
        graph = torch._inductor.compile(traced, [], options=OPTIONS)
    structure, fixed = form

    def run():
        with torch.no_grad(), paused():
            found = iter(graph())
        leaves = [next(found) if known is None else known[0] for known in fixed]
        return tree_unflatten(leaves, structure)

    return run


def agree(ours: Tensor, theirs: Tensor) -> bool:
    """Whether gradients [R, P] are the same up to the order of sums, in each parameter.

    What is exactly 0, or the same in all replicates, has to be so in both.
    """
    if not all(torch.equal(which(ours), which(theirs)) for which in (_zero, _still)):
        return False
    eps = torch.finfo(ours.dtype).eps
    scale = ours.abs().nan_to_num(0.0, 0.0, 0.0).amax(0)
    close = (ours - theirs).abs() <= eps**0.5 * scale + 10 * eps * scale.max()
    same = (ours == theirs) | (ours.isnan() & theirs.isnan())
    return bool((close | same).all())


def _zero(g: Tensor) -> Tensor:
    return (g == 0).all(1)


def _still(g: Tensor) -> Tensor:
    return (g == g[:1]).all(0)


def quicker(one: Callable[[], object], other: Callable[[], object], device: torch.device) -> bool:
    """Whether `one` takes less time than `other`, in turn."""
    seconds = {one: [], other: []}
    for _ in range(ROUNDS):
        for work in (one, other):
            start = time.perf_counter()
            work()
            if device.type == "cuda":
                torch.cuda.synchronize(device)
            seconds[work].append(time.perf_counter() - start)
    return min(seconds[one]) < min(seconds[other])
