"""How the cost of a measurement grows: `python -m benchmarks.peers.scaling`.

Prints the tables of docs/speed.md: processor time and peak memory of measurements without timing,
in float64 on one thread, while one of R, D, K and the number of cells grows. The problem is a
normal in D dimensions with the quadratic cost. Each figure comes from processes of its own, in turn
with the others of its table, and is their median.
"""

import math
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median
from tempfile import TemporaryDirectory

ESTIMATORS = ("pathwise", "reinforce-loo")
ROUNDS = 3


def measured(estimator: str, size: int, samples: int, replicates: int) -> tuple[float, float]:
    """CPU seconds of a measurement, and the peak MB of a process that makes no other."""
    import torch
    from torch.distributions import Independent, Normal

    from benchmarks import Problem, measure
    from benchmarks.objective import costs

    at = {"loc": torch.linspace(-1, 1, size), "scale": torch.linspace(0.5, 1.5, size)}
    problem = Problem(
        f"normal-{size}",
        at,
        lambda loc, scale: Independent(Normal(loc, scale), 1),
        costs.quadratic(0.5),
        {"loc": 2 * (at["loc"] - 0.5), "scale": 2 * at["scale"]},
    )
    measure(problem, estimator, samples, 100, timed=False)  # imports, and checks of the problem
    start = time.process_time()
    found = measure(problem, estimator, samples, replicates, timed=False)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    return seconds if found.status == "ok" else math.nan, peak


def stored(estimator: str, cells: int) -> tuple[float, float]:
    """The same of a run that appends so many cells of 1000 replicates to a store."""
    from benchmarks.running.suite import Suite, run
    from benchmarks.store.store import Store

    with TemporaryDirectory() as folder:
        for count in (1, cells):  # the first for imports, and checks of the problem
            start = time.process_time()
            suite = Suite(("normal-10-quadratic",), (estimator,), (4,) * count, 1000, timed=False)
            for _ in run(suite, Store(folder)):
                pass
    return time.process_time() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def table(growing: str, unit: str, once: Callable, grid: dict[int, tuple], per: Callable) -> None:
    """Print `once(estimator, *arguments)` for each number of `grid` in Markdown.

    `per(number)` is how many of the `unit`, in millionths of a second, there are in it.
    """
    print(f"\n| {growing} |" + "".join(f" {e}: {unit} | MB |" for e in ESTIMATORS))
    print("|---|" + "---|---|" * len(ESTIMATORS))
    found = {(number, e): [] for number in grid for e in ESTIMATORS}
    for number, estimator in [*found] * ROUNDS:
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            one = fresh.submit(once, estimator, *grid[number])
            found[number, estimator].append(one.result())
    for number in grid:
        rows = (map(median, zip(*found[number, e], strict=True)) for e in ESTIMATORS)
        cells = (f"{seconds / per(number) * 1e6:.3g} | {peak:.0f}" for seconds, peak in rows)
        print(f"| {number:,} | " + " | ".join(cells).replace("nan", "–") + " |", flush=True)


def main() -> None:
    """Print the four tables."""
    table("R", "µs per replicate", measured, {10**n: (10, 4, 10**n) for n in range(3, 8)},
          lambda r: r)  # fmt: skip
    table("D", "µs per replicate and dimension", measured,
          {10**n: (10**n, 4, 10**4) for n in range(1, 5)}, lambda d: d * 1e4)  # fmt: skip
    table("K", "µs per replicate and sample", measured,
          {4**n: (10, 4**n, 10**5) for n in range(5)}, lambda k: k * 1e5)  # fmt: skip
    table("cells", "ms per cell", stored, {10**n: (10**n,) for n in range(1, 4)}, lambda n: n * 1e3)


if __name__ == "__main__":
    main()
