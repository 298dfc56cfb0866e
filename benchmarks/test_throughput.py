"""Throughput by pytest-benchmark: `pytest benchmarks --benchmark-only`.

Every registered estimator on a problem of each kind, on the CPU and on a GPU if there is one, by
the same gradient function as `gradmeter run`; the identity stands in `extra_info`.
"""

import pytest
import torch

import estimators
from benchmarks.machine import timing
from benchmarks.measuring.cell import Cell
from benchmarks.objective.definition import unvalidated
from benchmarks.problems import load

PROBLEMS = ("normal-10-quadratic", "gamma-quadratic", "bernoulli-10-quadratic", "one-hot-quadratic")
DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
SAMPLES = 2
REPLICATES = 1024


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("estimator", estimators.names())
def test_gradients(benchmark, estimator, problem, device):
    """One block of replicate gradients, float32, synchronised on a GPU."""
    on_device = load(problem).to(device, torch.float32)
    cell = Cell(on_device, None, estimators.create(estimator), SAMPLES, 0, torch.device(device))
    reason = cell.estimator.unsupported(on_device.differentiable_dist(), SAMPLES)
    if reason:
        pytest.skip(reason)
    benchmark.group = f"{problem} {device}"
    benchmark.extra_info |= {
        "problem": problem, "estimator": estimator, "config": cell.estimator.config_json,
        "samples": SAMPLES, "replicates": REPLICATES, "device": device, "dtype": "float32",
    }  # fmt: skip
    with timing.one_thread(), unvalidated():
        fitted = cell.fitted(0, REPLICATES)

        def block():
            cell.block(0, REPLICATES, fitted=fitted)
            if device == "cuda":
                torch.cuda.synchronize()

        benchmark(block)
