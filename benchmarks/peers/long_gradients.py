"""What moments cost where gradients are long: `python -m benchmarks.peers.long_gradients`.

A network of a million weights, built by hand, in float64 on one thread: blocks of pathwise, taken
into the moments, and a plain loop of backward passes, in turn. The rate of the former over that of
the latter, by the size of the minibatch that the network sees in each estimate.
"""

import itertools

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from benchmarks.machine.allocator import keep_freed_memory
from benchmarks.machine.timing import one_thread
from benchmarks.measuring.cell import Cell, Replicates
from benchmarks.measuring.task import plan_of
from benchmarks.objective.definition import Problem, unvalidated
from benchmarks.peers.interleaved_timing import Run, in_turn, ratio, with_ends
from estimators import create

INPUTS, WIDTH, LATENTS = 784, 1_020, 100  # 1 004 900 weights
BATCHES = (64, 128, 256)


def encoder(batch: int) -> Problem:
    """Normal latents of `batch` inputs, and a quadratic cost of them."""
    torch.manual_seed(0)
    data = torch.rand(batch, INPUTS, dtype=torch.float64)
    weights = {
        "hidden": torch.randn(INPUTS, WIDTH, dtype=torch.float64) / INPUTS**0.5,
        "hidden_bias": torch.zeros(WIDTH, dtype=torch.float64),
        "out": torch.randn(WIDTH, 2 * LATENTS, dtype=torch.float64) / WIDTH**0.5,
        "out_bias": torch.zeros(2 * LATENTS, dtype=torch.float64),
    }

    def family(hidden, hidden_bias, out, out_bias):
        h = (data.to(hidden) @ hidden + hidden_bias.unsqueeze(-2)).tanh()
        loc, raw = (h @ out + out_bias.unsqueeze(-2)).chunk(2, -1)
        return Independent(Normal(loc, (raw / 2).exp()), 2)

    def cost(x: Tensor) -> Tensor:
        return (x - 1).square().mean((-1, -2))

    return Problem(f"encoder-{batch}", weights, family, cost, truth=None)


def runs(batch: int) -> dict[str, Run]:
    """Blocks with their moments, and backward passes one after the other."""
    problem = encoder(batch)
    plan, cpu = plan_of(problem, 1, 1_000, None), torch.device("cpu")
    cell = Cell(problem, None, create("pathwise"), 1, 0, cpu)
    found, index = Replicates.of(cell, plan, None), itertools.count()
    leaves = {name: value.clone().requires_grad_() for name, value in problem.parameters.items()}

    def measured() -> int:
        found.add(*cell.in_pieces(next(index), plan.block))
        return plan.block

    def plain() -> int:
        for leaf in leaves.values():
            leaf.grad = None
        problem.cost(problem.family(**leaves).rsample()).backward()
        return 1

    for warm in (measured, plain):
        warm()
    return {"measured": measured, "plain": plain}


def main() -> None:
    """Print the table as Markdown."""
    keep_freed_memory()
    print("| minibatch | rate, measured over plain |")
    print("|---|---|")
    with one_thread(), unvalidated():
        for batch in BATCHES:
            log_seconds = in_turn(runs(batch))
            rate = ratio(log_seconds["plain"] - log_seconds["measured"])
            print(f"| {batch} | {with_ends(rate)} |", flush=True)


if __name__ == "__main__":
    main()
