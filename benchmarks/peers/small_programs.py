"""Three programs that other libraries can express, and which strategies stand at their nodes."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal

from benchmarks.objective.program import Program
from benchmarks.truth.exact import find_truth

REPLICATES = 4096
AT = {"a": 0.2, "m": 0.7, "w": -0.4}
PATH, SCORE, SUM = "pathwise", "reinforce", "enumeration"


class Example(NamedTuple):
    """A program, written so that other libraries can execute it: `draw(name, kind, parameter)`."""

    name: str
    strategies: dict[str, str]
    body: Callable[..., Tensor]  # (draw, a, m, w), with draw(name, "bernoulli" | "normal", λ)

    def model(self, draw, **parameters: Tensor) -> Tensor:
        """The same as a program of ours."""
        laws = {"bernoulli": lambda p: Bernoulli(logits=p), "normal": lambda p: Normal(p, 1.0)}
        return self.body(lambda name, kind, p: draw(name, laws[kind](p)), **parameters)

    @property
    def gradient(self) -> Tensor:
        """The exact one: [3]."""
        at = {name: torch.tensor(value, dtype=torch.float64) for name, value in AT.items()}
        return find_truth(Program(self.name, at, self.model)).gradient


def graph(draw, a, m, w):
    """A choice, then a number."""
    b = draw("b", "bernoulli", a)
    z = draw("z", "normal", m * b + w)
    return (z - 1) ** 2 * (1 + b)


def chain(draw, a, m, w):
    """Three choices."""
    x = draw("x", "bernoulli", a)
    y = draw("y", "bernoulli", m * x + w)
    z = draw("z", "bernoulli", w * x + y)
    return (x + 2 * y - z - 0.3) ** 2


def normals(draw, a, m, w):
    """Two numbers, as in a hierarchical autoencoder."""
    x = draw("x", "normal", a)
    z = draw("z", "normal", m * x + w)
    return (z - 1) ** 2 + x**2


EXAMPLES = (
    Example("graph, score and path", {"b": SCORE, "z": PATH}, graph),
    Example("graph, sum and path", {"b": SUM, "z": PATH}, graph),
    Example("chain of scores", dict.fromkeys("xyz", SCORE), chain),
    Example("normals, paths", dict.fromkeys("xz", PATH), normals),
)
