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
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.measuring.timing import one_thread
from benchmarks.problem import Problem
from benchmarks.problems import names, register
from benchmarks.references import stored_reference
from estimators import unknown

DATA = Path(__file__).parent / "data"
REPORT_SECONDS = 3.0
ALSO = (  # beside the quick suite's estimators: the quietest of several kinds, where they apply
    "antithetic-pathwise", "sticking-the-landing", "disarm", "rein-max", "straight-through-copied",
)  # fmt: skip
WHERE = {  # by whether there is a network, and by the suffix of the problem's name
    (True, ""): "gradient at the network's output",
    (True, "-weights"): "gradient of the network's weights",
    (False, ""): "gradient of the parameters",
}

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


_trajectories: dict[str, list[tuple[int, str]]] = {}


def trajectory(name: str) -> list[tuple[int, str]]:
    """(step, problem) of each stage of the problem with the plain `name`, in order of step.

    ValueError for a problem that has no stages.
    """
    if name not in trajectories():
        raise ValueError(unknown("problem with stages", name, trajectories()))
    return sorted(_trajectories[name])


def trajectories() -> list[str]:
    """The plain names of all problems that have stages."""
    names()  # every module with problems has been read
    return list(_trajectories)


def at_stages(
    training: Training,
    name: str,
    summary: str,
    weights: bool = True,
    quick: bool = False,
    replicates: int = 1_000,
    reference: str | None = None,
    also: tuple[str, ...] = ALSO,
) -> Callable[[Callable[[Weights], Problem]], Callable[[Weights], Problem]]:
    """Decorator that registers `build(weights) -> Problem` at every stage of `training`.

    The problem is registered at λ as `name` and, with `weights`, at the weights of its network as
    `name-weights`, with `@stage` behind it for all stages but the last; `quick` is for the last,
    at the weights if there are any.
    Its truth is the stored reference of its name, where there is one, else what `build` gave it;
    problems with the same gradient share one by naming the other problem as `reference`.
    """

    def add(build: Callable[[Weights], Problem]) -> Callable[[Weights], Problem]:
        at_end = "-weights" if weights else ""
        for suffix in ("", "-weights") if weights else ("",):
            _trajectories[name + suffix] = []
            for stage, step in training.steps.items():
                at_last = stage == training.last
                tail = suffix + ("" if at_last else f"@{stage}")
                _trajectories[name + suffix].append((step, name + tail))

                @register(
                    name + tail,
                    quick and tail == at_end,
                    replicates,
                    also,
                    narrow=True,
                    full=at_last,
                )
                def made(stage=stage, step=step, suffix=suffix, tail=tail) -> Problem:
                    built = build(training.weights(stage))
                    if weights and not suffix:
                        built = replace(built, weights=None, network=None, minibatch=None)
                    return replace(
                        built,
                        name=name + tail,
                        summary=f"{summary}: {WHERE[weights, suffix]}, step {step}",
                        truth=stored_reference((reference or name) + tail) or built.truth,
                    )

        return build

    return add
