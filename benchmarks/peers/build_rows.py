"""Does the work of `benchmarks.peers.build` with the code of one checkout, once for each line read.

Run by path with that checkout first on the path: it uses only what every build has had since
4cdde95. A line names a row, and perhaps the generator of random numbers; the answer is a number.
"""

import json
import os
import sys
import time
from functools import cache

import torch
from torch.distributions import Distribution, Gamma, Independent, Normal, Poisson

import benchmarks
from benchmarks.peers import torch_forms, workloads

MEASURED = {  # row: family, dimensions, estimator, K, R
    "pathwise, D = 10": ("normal", 10, "pathwise", 1, 2_000_000),
    "pathwise, D = 1000": ("normal", 1000, "pathwise", 1, 20_000),
    "leave-one-out, D = 10, K = 16": ("normal", 10, "reinforce-loo", 16, 200_000),
    "Gamma D = 10, implicit": ("gamma", 10, "implicit", 1, 200_000),
    "Poisson D = 10, leave-one-out, K = 16": ("poisson", 10, "reinforce-loo", 16, 50_000),
}
COMPILED = "compiled loop, float32, over a loop of backward calls"
SECONDS = 0.3  # of the compiled loop, and of the other
TRIES = 5  # of compiling: whether it is quicker is found in a moment, perhaps a busy one


@cache  # so that each is checked once
def problem(family: str, size: int) -> "benchmarks.Problem":
    """The quadratic cost of a normal, gamma or Poisson vector, whose gradient is known."""
    loc, spread = torch.linspace(-1, 1, size), torch.linspace(0.5, 1.5, size)
    shape, rate = torch.linspace(0.5, 5, size), torch.linspace(1, 5, size)
    families = {
        "normal": ({"loc": loc, "scale": spread}, Normal,
                   {"loc": 2 * loc - 1, "scale": 2 * spread}),
        "gamma": ({"concentration": shape}, lambda concentration: Gamma(concentration, 1.0),
                  {"concentration": 2 * shape}),
        "poisson": ({"rate": rate}, Poisson, {"rate": 2 * rate}),
    }  # fmt: skip
    parameters, kind, truth = families[family]
    return benchmarks.Problem(
        f"{family}-{size}",
        parameters,
        lambda **parameters: Independent(kind(**parameters), 1),
        lambda x: (x - 0.5).square().sum(-1),
        truth,
    )


def measured(row: str, replicates: int | None = None, **how: str) -> float:
    """CPU seconds of this thread for `measure()` in float64 without timing."""
    family, size, estimator, samples, most = MEASURED[row]
    given, start = problem(family, size), time.thread_time()
    found = benchmarks.measure(given, estimator, samples, replicates or most, timed=False, **how)
    seconds = time.thread_time() - start
    if found.status != "ok":
        raise SystemExit(f"{row}: {found.reason}")
    return seconds


class CompiledLoop:
    """How many times as many estimates the compiled loop makes as a loop of backward calls."""

    def __init__(self, **how: str):
        Distribution.set_default_validate_args(False)  # as `unvalidated` does, wherever that lies
        w = workloads.normals(10)[0]
        tries = (torch_forms.ours_compiled(w, **how) for _ in range(TRIES))
        self.runs = torch_forms.loop(w), next(filter(None, tries), None)
        if self.runs[1] is None:
            raise SystemExit("torch.compile does not make this loop faster here.")

    def __call__(self) -> float:
        loop, compiled = (self._seconds(run) for run in self.runs)
        return loop / compiled

    def _seconds(self, run) -> float:
        made, start = 0, time.thread_time()
        while (spent := time.thread_time() - start) < SECONDS:
            made += run()
        return spent / made


def main() -> None:
    """Answer lines of JSON, {"row": ..., "how": {...}}, with numbers."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    torch.set_num_threads(1)
    loops = {}
    for line in sys.stdin:
        asked = json.loads(line)
        row, how = asked["row"], asked["how"]
        if row != COMPILED:
            value = measured(row, asked.get("replicates"), **how)
        else:
            key = json.dumps(how)
            loops[key] = loops.get(key) or CompiledLoop(**how)
            value = loops[key]()
        print(json.dumps(value), file=answers, flush=True)


if __name__ == "__main__":
    main()
