"""What one pass for four estimators costs: `python -m benchmarks.peers.sharing`.

Pathwise, REINFORCE and two of its baselines on normals, float32, one thread: blocks of all four in
one compiled pass, over those of the dearest of them alone and over all four one after the other.
"""

from collections.abc import Callable
from functools import partial

import torch

from benchmarks.machine.allocator import keep_freed_memory
from benchmarks.machine.timing import one_thread
from benchmarks.measuring import shared_draws
from benchmarks.measuring.cell import Cell
from benchmarks.measuring.compiled_blocks import compiled
from benchmarks.objective.definition import Problem, unvalidated
from benchmarks.peers.interleaved_timing import Run, in_turn, ratio, with_ends
from benchmarks.peers.workloads import normals
from benchmarks.statistics.stopping import Plan
from estimators import create

CASES = [(size, samples) for size in (10, 1000) for samples in (1, 4, 16)]


def four(problem: Problem, samples: int) -> list[Cell]:
    """Pathwise, REINFORCE and two of its baselines."""
    last = "reinforce-loo" if samples > 1 else "reinforce:baseline=2.0"
    return [
        Cell(problem, None, create(name), samples, 0, torch.device("cpu"))
        for name in ("pathwise", "reinforce", "reinforce:baseline=1.0", last)
    ]


def runs(size: int, samples: int) -> dict[str, Run]:
    """A block of all at once, of all in turn, and of each, eager and compiled."""
    problem = normals(size)[0].problem
    cells, block = four(problem, samples), Plan.of(100_000, problem.numbers(samples)).block
    fast = [compiled(cell, lambda cell, index: cell.counted(index, block)[0])[0] for cell in cells]
    row = shared_draws.shared(cells, block)

    def run(work: Callable) -> Run:
        return lambda: (work(), block)[1]

    if row is None:
        raise SystemExit("There is no compiler, or sharing does not pay here.")
    found = {
        "together": run(lambda: row(0)),
        "in turn": run(lambda: shared_draws.alone(cells, 0, block)),
    }
    for kind, each in {"eager": cells, "compiled": fast}.items():
        found |= {
            f"{kind} {i}": run(partial(cell.counted, 0, block)) for i, cell in enumerate(each)
        }
    for warm in found.values():
        warm()
    return found


def main() -> None:
    """Print the table as Markdown."""
    keep_freed_memory()
    columns = "dearest alone", "dearest alone, compiled", "four in turn"
    print("| D | K | " + " | ".join(f"over {name}" for name in columns) + " |")
    print("|---|---|" + "---|" * len(columns))
    with one_thread(), unvalidated():
        for size, samples in CASES:
            log_seconds = in_turn(runs(size, samples))
            together = log_seconds["together"]
            rivals = [
                max(
                    (each for name, each in log_seconds.items() if name.startswith(kind)),
                    key=lambda each: each.mean(),
                )
                for kind in ("eager", "compiled", "in turn")
            ]
            cells = (with_ends(ratio(together - rival)) for rival in rivals)
            print(f"| {size:,} | {samples} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
