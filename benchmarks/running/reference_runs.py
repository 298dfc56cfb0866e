"""Reference runs: long measurements by two unbiased estimators, stored as truths if they agree.

`python -m benchmarks.running.reference_runs vae-digits` makes one again, 'beta-vae-*' those of
several.
"""

import argparse
import json

import numpy as np
import torch

from benchmarks.objective.truth import Truth
from benchmarks.truth.stored_references import FOLDER


def make_reference(name: str, first: tuple, second: tuple, seed: int = 1_000_003) -> Truth:
    """Measure `name` with two (estimator, samples, replicates) and combine them by precision.

    RuntimeError if they disagree. The seed is far from those of measurements, so that a truth
    shares no noise with what it judges.
    """
    runs = [_run(name, *plan, seed + i) for i, plan in enumerate((first, second))]
    (mean, error), (other, other_error) = runs
    z2 = np.square(mean - other) / (error**2 + other_error**2)
    z = (z2.sum() - len(z2)) / np.sqrt(2 * len(z2))  # too wide for correlated parameters
    worst = np.sqrt(z2.max())
    if worst > 6:
        raise RuntimeError(f"{first[0]} and {second[0]} disagree on {name}: |z| up to {worst:.1f}.")
    weight = other_error**2 / (error**2 + other_error**2)
    note = {
        "runs": [first, second],
        "seed": seed,
        "largest |z|": round(float(worst), 2),
        "chi-square z": round(float(z), 2),
        "command": f"python -m benchmarks.running.reference_runs {name} --first {_text(first)} "
        f"--second {_text(second)}",
    }
    return Truth(
        torch.from_numpy(weight * mean + (1 - weight) * other),
        torch.from_numpy(1 / np.sqrt(1 / error**2 + 1 / other_error**2)),
        "reference",
        json.dumps(note),
    )


def _text(plan: tuple) -> str:
    return ",".join(map(str, plan))


def _run(name: str, estimator: str, samples: int, replicates: int, seed: int):
    """Mean and its standard error for each parameter, [P]."""
    from benchmarks.machine import timing
    from benchmarks.measuring.cell import Cell, replicate
    from benchmarks.objective.definition import unvalidated
    from benchmarks.problems import load
    from benchmarks.statistics.stopping import Plan
    from estimators import create

    problem = load(name)
    cell = Cell(problem, None, create(estimator), samples, seed, torch.device("cpu"))
    with timing.one_thread(), unvalidated():
        whole = replicate(cell, Plan.of(replicates, problem.numbers(samples))).table.whole()
    n = float(whole.count[0])
    mean, variance = whole.mean[0].numpy(), whole.m2[0].numpy() / (n - 1)
    return mean, np.maximum(
        np.sqrt(variance / n), 1e-150
    )  # a weight behind a pixel that is never lit


def main() -> None:
    """Make the references of the problems that match the patterns on the command line."""
    from benchmarks import problems
    from benchmarks.running import selection

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("patterns", nargs="+")
    parser.add_argument("--first", default="pathwise,16,40000", help="estimator,samples,replicates")
    parser.add_argument("--second", default="reinforce-loo,64,4000")
    given = parser.parse_args()
    plans = [(e, int(k), int(r)) for e, k, r in (p.split(",") for p in (given.first, given.second))]
    FOLDER.mkdir(exist_ok=True)
    for name in selection.choose("problem", tuple(given.patterns), problems.names()):
        made = make_reference(name, *plans)
        np.savez(
            FOLDER / f"{name}.npz",
            gradient=made.gradient.numpy(),
            error=made.error.numpy(),
            note=np.array(made.note),
        )
        print(f"{FOLDER / name}.npz: {made.note}", flush=True)


if __name__ == "__main__":
    main()
