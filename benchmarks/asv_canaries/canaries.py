"""Canaries for asv: the quality and the cost of a dozen fixed cells, commit by commit.

The same gradient function as `gradmeter run`, and its statistics. What is tracked goes up where it
gets worse, as times do. It is one number, not samples, of which asv would take the median: that is
16 % low where tails are heavy. `version` is set by hand: an edit of this file must not start a new
series.
"""

import numpy as np
import torch

from benchmarks.machine import timing
from benchmarks.measuring.cell import Cell, replicate
from benchmarks.measuring.metrics import statistics
from benchmarks.objective.definition import unvalidated
from benchmarks.problems import load
from benchmarks.statistics.stopping import Plan
from benchmarks.truth.exact import find_truth
from estimators import create

REPLICATES = 16_384
TIMED = 256  # replicates a call: a call should last milliseconds
CANARIES = {
    "normal-quadratic/pathwise/1": ("normal-quadratic", "pathwise", 1),
    "normal-quadratic/reinforce/1": ("normal-quadratic", "reinforce", 1),
    "normal-quadratic/reinforce-ema/1": ("normal-quadratic", "reinforce-ema", 1),
    "normal-quadratic/reinforce-optimal/1": ("normal-quadratic", "reinforce-optimal", 1),
    "normal-10-quadratic/pathwise/4": ("normal-10-quadratic", "pathwise", 4),
    "normal-10-quadratic/reinforce-loo/4": ("normal-10-quadratic", "reinforce-loo", 4),
    "gamma-quadratic/implicit/1": ("gamma-quadratic", "implicit", 1),
    "mixture-quadratic/implicit/1": ("mixture-quadratic", "implicit", 1),
    "bernoulli-quadratic/gumbel-softmax/1": ("bernoulli-quadratic", "gumbel-softmax", 1),
    "bernoulli-quadratic/straight-through/1": ("bernoulli-quadratic", "straight-through", 1),
    "one-hot-quadratic/gumbel-softmax-hard/1": ("one-hot-quadratic", "gumbel-softmax-hard", 1),
    "one-hot-quadratic/reinforce-loo/4": ("one-hot-quadratic", "reinforce-loo", 4),
}


class Canaries:
    """Each canary's variance, bias, time and memory."""

    params = tuple(CANARIES)
    param_names = ("canary",)
    version = "1"
    timeout = 120

    def setup(self, canary: str) -> None:
        """Build the cell; asv calls this before each benchmark."""
        problem, estimator, samples = CANARIES[canary]
        problem = load(problem)
        cpu = torch.device("cpu")
        self.cell = Cell(problem, find_truth(problem), create(estimator), samples, 0, cpu)
        self.fitted = self.cell.fitted(0, TIMED)

    def time_gradient(self, canary: str) -> None:
        """One block of gradients."""
        self.cell.block(0, TIMED, fitted=self.fitted)

    def peakmem_gradient(self, canary: str) -> None:
        """The process's peak memory over one block of gradients."""
        self.cell.block(0, TIMED, fitted=self.fitted)

    def track_variance(self, canary: str) -> float:
        """tr Cov of one estimate, over all replicates: what the suite calls its variance."""
        return self._measured()["variance"]

    def track_bias(self, canary: str) -> float:
        """‖ḡ − g‖ / ‖g‖: worse is more. Noise is in it, the same for the same code."""
        parameters = self._measured()["parameters"]
        off = parameters["mean"] - parameters["truth"]
        return float(np.linalg.norm(off) / np.linalg.norm(parameters["truth"]))

    def track_scale(self, canary: str) -> float:
        """1 + |scale − 1|, of ⟨ḡ, g⟩ / ‖g‖²: 1 is right, 1.5 is half as long or 1.5 times."""
        return 1 + abs(self._measured()["scale"] - 1)

    def _measured(self) -> dict:
        plan = Plan.of(REPLICATES, self.cell.problem.numbers(self.cell.samples))
        with timing.one_thread(), unvalidated():
            return statistics(self.cell, replicate(self.cell, plan))


Canaries.track_variance.version = Canaries.track_bias.version = "2"
Canaries.track_scale.version = "1"
Canaries.time_gradient.version = Canaries.peakmem_gradient.version = "1"
Canaries.track_variance.unit = "gradient²"
Canaries.track_bias.unit = "‖g‖"
Canaries.track_scale.unit = "1"
