"""Whether a cost jumps: along lines between samples, does a step stay when the interval shrinks?"""

import torch
from torch import Tensor

from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.objective.definition import Problem
from estimators import capabilities, evaluate

LINES, CELLS = 32, 128  # between pairs of samples, and intervals of each
HALVINGS = 30  # of the interval that looks most like a jump
STAYS = 1e-3  # of the step: what is continuous shrinks to 2⁻³⁰, a square root's slope to 2⁻¹⁵
MATTERS = 1e-6  # of the standard deviation of the cost; less is its own rounding
NUMBERS = 2**24  # held by all lines together, at most


def largest_jump(problem: Problem) -> float:
    """The largest jump of the cost that is met on lines between samples, 0 if none is met.

    In the unit of the cost. Only for distributions of continuous x; 0 for discrete ones.
    """
    dist = problem.dist()
    if capabilities.is_discrete(dist):
        return 0.0
    lines = int(max(2, min(LINES, NUMBERS // (CELLS * problem.numbers(1)))))
    with stream(stream_key("jumps", problem.name)), torch.no_grad():
        start, end = dist.sample((lines,)), dist.sample((lines,))  # [N, *B, *E]
        return _largest(problem, start, end)


def _largest(problem: Problem, start: Tensor, end: Tensor) -> float:
    dist = problem.dist()
    axes = [1] * len(dist.event_shape)

    def cost(t: Tensor) -> Tensor:
        """f at the share t [N, *B] of each line."""
        share = t.reshape(*t.shape, *axes)
        return evaluate(problem.cost, start + share * (end - start), dist)

    batch = start.shape[: start.ndim - len(axes)]
    grid = torch.linspace(0, 1, CELLS + 1, dtype=start.dtype)
    f = torch.stack([cost(t.expand(batch)) for t in grid])  # [CELLS + 1, N, *B]
    steps = f.diff(dim=0)
    slope = (steps[:-2] + steps[2:]) / 2  # of the neighbours of each inner interval
    apart = (steps[1:-1] - slope).abs().nan_to_num(0.0, 0.0, 0.0)
    cell = apart.argmax(0, keepdim=True)  # [1, N, *B]
    slope, step = (part.gather(0, cell)[0] for part in (slope, steps[1:-1]))
    low = grid[cell[0] + 1]
    before, after = (f.gather(0, cell + i)[0] for i in (1, 2))
    width = 1 / CELLS
    for k in range(1, HALVINGS + 1):
        middle = cost(low + width / 2**k)
        rise = slope / 2**k  # what is no jump rises so much in each half
        left = (middle - before - rise).abs() >= (after - middle - rise).abs()
        low = torch.where(left, low, low + width / 2**k)
        before, after = torch.where(left, before, middle), torch.where(left, middle, after)
    jump = (after - before).abs()
    whole = step.abs() + (step - slope).abs()
    real = (jump > STAYS * whole) & (jump > MATTERS * f.std(0)) & jump.isfinite()
    return float(jump.where(real, 0.0).max())
