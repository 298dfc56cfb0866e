"""Cells whose loop is compiled: `torch.compile`, where it works and pays."""

import time
import warnings
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from benchmarks.cell import Cell
from estimators import surrogates

OPTIONS = {"fallback_random": True}  # the numbers that are drawn without compiling
LEAST_NUMBERS = 10**9  # random numbers in a cell from which compiling it pays, at about 10⁸ / s
ROUNDS = 3


def pays(numbers: int, replicates: int) -> bool:
    """Whether compiling is worth its seconds for R replicates of `numbers` random numbers each."""
    return numbers * replicates >= LEAST_NUMBERS


def compiled(cell: Cell, block: Callable[[Cell], Tensor]) -> tuple[Cell, float]:
    """`cell` with its forward and backward pass compiled, and the seconds that compiling took.

    `block(cell)` makes the gradients of one block, from the same random numbers each time. The cell
    comes back as it was where there is no compiler, where the compiled gradients differ by more
    than rounding, or where they take longer. Blocks of another size are made without compiling.
    """
    torch.compiler.reset()  # what other cells left
    fast, ours = replace(cell, forward=_forward()), block(cell)
    start = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the compiler, about code that it leaves as it is
            theirs = block(fast)
    except Exception:  # whatever a compiler does, it must not stop a measurement
        return cell, time.perf_counter() - start
    seconds = time.perf_counter() - start
    return (fast if _agree(ours, theirs) and _quicker(fast, cell, block) else cell), seconds


def _forward() -> Callable[..., Tensor]:
    made = torch.compile(surrogates, dynamic=False, options=OPTIONS)
    calls = 0

    def forward(*arguments) -> Tensor:
        nonlocal calls
        calls += 1
        with torch.compiler.set_stance("default" if calls == 1 else "eager_on_recompile"):
            return made(*arguments)

    return forward


def _agree(ours: Tensor, theirs: Tensor) -> bool:
    """Whether gradients are the same up to the order of sums."""
    tolerance = torch.finfo(ours.dtype).eps ** 0.5 * float(ours.abs().max())
    return torch.allclose(ours, theirs, rtol=0.0, atol=tolerance, equal_nan=True)


def _quicker(one: Cell, other: Cell, block: Callable[[Cell], Tensor]) -> bool:
    """Whether blocks of `one` take less time than those of `other`, in turn."""
    seconds = {id(one): [], id(other): []}
    for _ in range(ROUNDS):
        for cell in (one, other):
            start = time.perf_counter()
            block(cell)
            if cell.device.type == "cuda":
                torch.cuda.synchronize(cell.device)
            seconds[id(cell)].append(time.perf_counter() - start)
    return min(seconds[id(one)]) < min(seconds[id(other)])
