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
    """

    def __init__(self):
        self.shape: torch.Size | None = None
        self.lesson: Lesson | None = None
        self.learned: list[Tensor] | None = None

    def in_use(self, dist: Distribution) -> list[Tensor] | None:
        """The learned parameters for the batch of `dist`, or None before there are any."""
        if dist.batch_shape != self.shape:
            self.shape, self.lesson, self.learned = dist.batch_shape, None, None
        if self.learned is not None or self.lesson is None:
            return self.learned
        return self.lesson.parameters

    def step(self, dist: Distribution, begin: Callable[[], Lesson], surrogate: Callable) -> None:
        """Learn from one more call; nothing where gradients are off, as in an evaluation."""
        if not torch.is_grad_enabled():
            return
        self.lesson = self.lesson or begin()
        self.lesson.step(dist, surrogate)
        if self.lesson.done:
            self.learned, self.lesson = self.lesson.parameters, None
