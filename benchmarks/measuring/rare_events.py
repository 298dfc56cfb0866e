"""Outcomes of a discrete law that hardly came up: what they leave of a verdict about bias."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.measuring.cell import Cell
from benchmarks.statistics.mean_tests import ALARM, two_sided
from estimators import capabilities

FEWEST = 10  # times that every coordinate must have left its usual value
NO_VERDICT = {
    "bias_verdict": "undetermined",
    "bias_p": math.nan,
    "direction_verdict": "undetermined",
}
MOST = 2**20  # numbers drawn to see how often
PART = 32  # times as many as may say it already
LARGEST = 5 * 10**6  # of samples that are large each


def of_rare_events(cell: Cell, found: dict, replicates: int) -> dict:
    """Changes to the facts `found` of a cell in whose R estimates an outcome hardly came up.

    Neither "biased" nor "unbiased" is said then, for the mean of what was seen is not the mean;
    but what draws no random numbers is what it is, and a bias that shows in parameters which the
    outcome does not touch is no matter of chance.
    """
    times = times_away(cell, replicates)
    if times is None or float(times.min()) >= FEWEST:
        return {}
    changes = {"heavy_tailed": True, "reason": _sentence(float(times.min()), replicates)}
    if draws_nothing(cell) or _shown_elsewhere(cell, found, times < FEWEST):
        return changes
    return changes | ({} if found["bias_verdict"] == "no truth" else NO_VERDICT)


def times_away(cell: Cell, replicates: int) -> Tensor | None:
    """How often, in R estimates, each coordinate of x leaves its usual value: [N].

    None for continuous distributions. A gradient that never met an event has no noise to show it.
    A part of the draws says it where each coordinate takes and leaves a value so often in them that
    all draws could not say less than `FEWEST`.
    """
    dist = cell.problem.dist()
    if not capabilities.is_discrete(dist):
        return None
    draws = replicates * cell.samples
    count = min(draws, affordable(dist))
    part = count // PART
    if part > 0:
        away = _away(cell, dist, part)
        if float(torch.minimum(away, part - away).min()) * draws / count >= FEWEST:
            return away * draws / part
    return _away(cell, dist, count) * draws / count


def _away(cell: Cell, dist: Distribution, count: int) -> Tensor:
    """In how many of `count` samples each coordinate has not its usual value: [N]."""
    with stream(stream_key("rare", cell.problem.name), cell.device):
        x = dist.sample((count,)).reshape(count, -1)
    return (x != x.median(0).values).sum(0).double()


def affordable(dist: Distribution) -> int:
    """How many samples hold about `MOST` numbers; 1000, if these are no more than `LARGEST`."""
    numbers = (dist.batch_shape + dist.event_shape).numel()
    return max(MOST // numbers, min(1000, LARGEST // numbers), 4)


def draws_nothing(cell: Cell) -> bool:
    """Whether the estimator asks for no random numbers: then no outcome can be missed.

    A variance of zero does not say so: it is also what is seen where nothing happened.
    """
    if cell.device.type != "cpu" or cell.learns:
        return False
    with cell.stream(0):
        before = torch.random.get_rng_state()
        cell.gradients(cell.problem, cell.estimator, cell.samples, 2, None)
        return torch.equal(before, torch.random.get_rng_state())


def _shown_elsewhere(cell: Cell, found: dict, rare: Tensor) -> bool:
    """Whether "biased" holds for the parameters alone that no rare coordinate depends on."""
    known = found.get("parameters") or {}
    if found["bias_verdict"] != "biased" or "truth" not in known:
        return False
    apart = ~_touched(cell, rare)
    if not apart.any():
        return False
    n = found["replicates"]
    off = (known["mean"] - known["truth"])[apart]
    se = np.sqrt(known["variance"] / n + np.square(known["truth_error"]))[apart]
    t = np.divide(off, se, out=np.zeros_like(off), where=se > 0)
    return bool(len(t) * two_sided(t, n - 1).min() < ALARM)


def _touched(cell: Cell, rare: Tensor) -> NDArray:
    """Which of the measured parameters move the means of rare coordinates: [P]; all if unknown."""
    problem = cell.problem
    everything = np.ones(sum(value.numel() for value in problem.measured.values()), dtype=bool)
    leaves = {k: v.detach().clone().requires_grad_() for k, v in problem.parameters.items()}
    if problem.weights is not None:
        return everything
    try:
        with torch.enable_grad():
            mean = problem.family(**leaves).mean.reshape(-1)[rare]
            weight = torch.linspace(1.0, 2.0, len(mean)).to(mean)  # so that nothing cancels
            moved = torch.autograd.grad(
                (weight * mean).sum(), list(leaves.values()),
                allow_unused=True, materialize_grads=True,
            )  # fmt: skip
    except (NotImplementedError, RuntimeError, IndexError):
        return everything
    return torch.cat([(grad != 0).flatten() for grad in moved]).cpu().numpy()


def _sentence(times: float, replicates: int) -> str:
    return (
        f"An outcome of x is so rare that it came up about {times:.0f} times in {replicates} "
        "estimates; the numbers speak of the others only. Use more replicates, or less extreme "
        "parameters."
    )
