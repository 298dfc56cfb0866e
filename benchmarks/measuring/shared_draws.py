"""One pass for several estimators: the noise, the cost and its gradient are made once.

Blocks of one problem and K draw from the same streams, so that estimators which ask for the same
random numbers see the same samples anyway. One compiled graph makes the gradients of all of them.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from benchmarks.measuring.cell import Cell, CountedCost, Counts, Replicates
from benchmarks.measuring.compiled_blocks import TESTED, agree, as_graph, parts_of, quicker
from benchmarks.measuring.task import Task

Row = list[tuple[Tensor, Counts]]  # one block of each cell


def alike(tasks: Iterable[Task]) -> list[list[Task]]:
    """Tasks of one problem and K in groups that ask for the same random numbers, in one order.

    What learns anew for each block is alone, as it cannot be in a graph. What fails or is refused
    is left out.
    """
    groups = {}
    for task in tasks:
        with suppress(Exception):  # which shows when it is measured
            if not task.refusal:
                groups.setdefault(_draws(task), []).append(task)
    return list(groups.values())


def replicate_together(tasks: Sequence[Task]) -> dict[Task, Replicates]:
    """The replicates of each task, the same as alone to rounding, from shared passes.

    Nothing where `shared` finds no such pass.
    """
    cells, plan = [task.cell for task in tasks], tasks[0].plan
    row = shared(cells, plan.block)
    if row is None:
        return {}
    found = {task: Replicates.of(task.cell, plan, task.rule) for task in tasks}
    for index, size in enumerate(plan.sizes()):
        blocks = row(index) if size == plan.block else alone(cells, index, size)
        for replicates, block in zip(found.values(), blocks, strict=True):
            if not replicates.satisfied:
                replicates.add(*block)
        if all(replicates.satisfied for replicates in found.values()):
            break
    return found


def shared(cells: Sequence[Cell], size: int) -> Callable[[int], Row] | None:
    """Makes block `index` of every cell, of `size` replicates, in one pass.

    None where there is no compiler, where gradients of two blocks differ by more than rounding from
    those that a cell makes alone, or where one after the other is quicker.
    """

    def together() -> Row:
        draws = _SameDraws()
        return [draws.again(cell, size) for cell in cells]

    try:
        plain = [alone(cells, index, size) for index in TESTED]  # first, as `compiled` does
        estimators = (cell.estimator for cell in cells)
        with cells[0].stream(0):
            graph = as_graph(together, *parts_of(cells[0].problem), *estimators)

        def row(index: int) -> Row:
            with cells[0].stream(index):
                return graph()

        same = all(
            agree(ours, theirs)
            for index in TESTED
            for (ours, _), (theirs, _) in zip(plain[index], row(index), strict=True)
        )
    except Exception:  # whatever a compiler does, it must not stop a measurement
        return None
    paid = same and quicker(lambda: row(0), lambda: alone(cells, 0, size), cells[0].device)
    return row if paid else None


def alone(cells: Iterable[Cell], index: int, size: int) -> Row:
    """Block `index` of each cell, of `size` replicates, one after the other."""
    return [cell.counted(index, size) for cell in cells]


def _draws(task: Task) -> tuple:
    """What random numbers a block of a cell asks for."""
    draws = _SameDraws()
    if task.cell.learns:
        return (draws,)
    with task.cell.stream(0):
        draws.again(task.cell, task.plan.block)
    numbers = zip(draws.asked, draws.drawn, strict=True)
    return tuple((func, drawn.dtype, drawn.shape) for func, drawn in numbers)


class _SameDraws(TorchDispatchMode):
    """Gives every pass the random numbers that the first one drew, in the same order."""

    def __init__(self):
        super().__init__()
        self.asked: list[Callable] = []
        self.drawn: list[Tensor] = []
        self.place = 0

    def again(self, cell: Cell, size: int) -> tuple[Tensor, Counts]:
        """A block of `cell` with the numbers from the first on."""
        self.place = 0
        cost = CountedCost(cell.problem.cost)
        with self:
            gradients = cell.problem.gradients(cell.estimator, cell.samples, size, cost)
        return gradients, cost.counts

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **(kwargs or {}))
        if self.place == len(self.drawn):
            self.asked.append(func)
            self.drawn.append(func(*args, **(kwargs or {})).clone())
        if func is not self.asked[self.place]:
            raise ValueError(f"{func} is not {self.asked[self.place]}.")
        known = self.drawn[self.place]
        self.place += 1
        return args[0].copy_(known) if func._schema.is_mutable else known.clone()
