"""Trainings whose weights are stored at several stages, and problems measured at each stage.

An application writes its training as an iterator over the weights after 0, 1, 2, … steps, names
the steps to keep, and builds its problem from such weights::

    TRAINING = Training("vae-digits", training, {"start": 0, "middle": 30, "end": 300})

    @at_stages(TRAINING, "vae-digits", "VAE on digits")
    def problem(weights: Weights) -> Problem: ...  # its name, summary and truth are filled in

    if __name__ == "__main__":
        store(TRAINING)

`python -m benchmarks.problems.vae` trains and writes `data/vae-digits.npz`. Registered are
`vae-digits@start`, `vae-digits@middle` and, for the last stage, plain `vae-digits`; if the problem
has a network, these are its gradients at λ, and those at the weights are `vae-digits-weights@start`
and so on. Any number of stages may be kept; `trajectory("vae-digits")` lists them by step.
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine.timing import one_thread

DATA = Path(__file__).parent / "data"
REPORT_SECONDS = 3.0

Weights = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class Training:
    """A training from a fixed seed: `weights_by_step()` yields them after 0, 1, 2, … steps.

    `steps` says at which of these steps the weights are kept, by the name of the stage, in order.
    The weights lie in `data/NAME.npz`, one array [stages, *shape] each, beside `stages` and
    `steps`.
    """

    name: str
    weights_by_step: Callable[[], Iterator[Weights]]
    steps: dict[str, int]
    seed: int = 0

    @property
    def path(self) -> Path:
        """Where the weights are stored."""
        return DATA / f"{self.name}.npz"

    @property
    def last(self) -> str:
        """The stage whose problems have the plain name."""
        return list(self.steps)[-1]

    def run(self, report: Callable[[int], None] = lambda step: None) -> dict[str, Weights]:
        """The weights at each stage, trained again: the same bits every time on one machine."""
        kept, wanted = {}, {step: stage for stage, step in self.steps.items()}
        with torch.random.fork_rng(devices=[]), one_thread():
            torch.manual_seed(self.seed)
            for step, weights in enumerate(self.weights_by_step()):
                report(step)
                if step in wanted:
                    kept[wanted[step]] = {k: w.detach().clone() for k, w in weights.items()}
                if len(kept) == len(wanted):
                    return kept
        raise ValueError(f"The training {self.name} ended before step {max(wanted)}.")

    def weights(self, stage: str) -> Weights:
        """The stored weights at a stage, in float64; ValueError if the file has other stages."""
        stored = _stored(self.path)
        steps = dict(zip(stored["stages"].tolist(), stored["steps"].tolist(), strict=True))
        if steps != self.steps:
            raise ValueError(
                f"{self.path} holds the stages {steps} instead of {self.steps}; train again with "
                "python -m and the module of the problem."
            )
        index = list(steps).index(stage)
        kept = [name for name in stored if name not in ("stages", "steps")]
        return {name: torch.from_numpy(stored[name][index]).double() for name in kept}


@cache
def _stored(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def adam(
    weights: Weights, loss: Callable[[Weights], Tensor], learning_rate: float
) -> Iterator[Weights]:
    """`weights` after 0, 1, 2, … steps of Adam on `loss(weights)`, which draws its own batch."""
    leaves = {name: w.clone().requires_grad_() for name, w in weights.items()}
    optimiser = torch.optim.Adam(list(leaves.values()), lr=learning_rate)
    while True:
        yield leaves
        optimiser.zero_grad()
        loss(leaves).backward()
        optimiser.step()


def store(*trainings: Training) -> None:
    """Train, and write the weights of each training in float32; progress goes to stderr."""
    DATA.mkdir(exist_ok=True)
    for training in trainings:
        by_stage = training.run(_Report(training))
        arrays = {
            name: np.stack([weights[name].float().numpy() for weights in by_stage.values()])
            for name in next(iter(by_stage.values()))
        }
        steps = np.array(list(training.steps.values()))
        np.savez(training.path, stages=np.array(list(training.steps)), steps=steps, **arrays)
        print(training.path)


class _Report:
    """A line every few seconds: which step of how many."""

    def __init__(self, training: Training):
        self.name, self.total = training.name, max(training.steps.values())
        self.due = time.monotonic() + REPORT_SECONDS

    def __call__(self, step: int) -> None:
        if time.monotonic() >= self.due:
            print(f"{self.name}: step {step} of {self.total}", file=sys.stderr, flush=True)
            self.due = time.monotonic() + REPORT_SECONDS
