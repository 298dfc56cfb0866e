"""What control variates learn while they are used: lessons of so many calls each."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor
from torch.distributions import Distribution


class Lesson(Protocol):
    """A course of calls from which parameters are learned: `Descent` or `Regression`."""

    parameters: list[Tensor] | None  # as good as they are by now; None: not yet any
    done: bool

    def step(self, dist: Distribution, surrogate: Callable) -> None:
        """Learn from one call of `surrogate` at `dist`, with samples of its own."""


class Learning:
    """What the calls of one training loop have taught; an object belongs to one loop.

    A lesson of `fit_steps` calls begins anew from the start as soon as one has ended, so that what
    is in use is what `fitted` would have given at the λ of late. During the first lesson it is what
    that has given so far. What is in use was learned from other samples than those it is used on,
    so nothing becomes biased. Batches of another shape begin from nothing.

    At a node of a program, samples of the nodes before it stand in front of the batch; they share
    what is learned, which then has only the last `axes` of the batch axes. While it `rests`, what
    is in use stays as it is.
    """

    def __init__(self):
        self.axes: int | None = None  # None: all
        self.rests = False
        self.shape: torch.Size | None = None
        self.lesson: Lesson | None = None
        self.learned: list[Tensor] | None = None

    def in_use(self, dist: Distribution) -> list[Tensor] | None:
        """The learned parameters for the batch of `dist`, or None before there are any."""
        shape = dist.batch_shape[self.extra(dist) :]
        if shape != self.shape:
            self.shape, self.lesson, self.learned = shape, None, None
        if self.learned is not None or self.lesson is None:
            return self.learned
        return self.lesson.parameters

    def step(self, dist: Distribution, begin: Callable[[], Lesson], surrogate: Callable) -> None:
        """Learn from one more call; nothing where gradients are off, as in an evaluation."""
        if self.rests or not torch.is_grad_enabled():
            return
        self.lesson = self.lesson or begin()
        self.lesson.step(dist, surrogate)
        if self.lesson.done:
            self.learned, self.lesson = self.lesson.parameters, None

    def extra(self, dist: Distribution) -> int:
        """How many batch axes of `dist` share what is learned."""
        return 0 if self.axes is None else len(dist.batch_shape) - self.axes

    def shared(self, dist: Distribution, parameters: list[Tensor]) -> list[Tensor]:
        """Of parameters [*batch, ...] those of the first samples of earlier nodes."""
        return [p[(0,) * self.extra(dist)] for p in parameters]

    def spread(self, dist: Distribution, parameters: list[Tensor]) -> list[Tensor]:
        """Parameters for every sample of earlier nodes: [*batch, ...]."""
        extra = dist.batch_shape[: self.extra(dist)]
        return [p.expand(*extra, *p.shape) for p in parameters] if extra else parameters
