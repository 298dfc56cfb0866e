"""Distributions whose shapes are tuples, as some of Pyro's are, and classes that state none."""

import torch
from torch.distributions import Normal

from benchmarks import Problem, measure


class WithTuples(Normal):
    """A normal law that leaves tuples where torch has a torch.Size."""

    def __init__(self, loc):
        super().__init__(loc, 1.0)
        self._batch_shape, self._event_shape = tuple(self._batch_shape), ()


def test_tuples_for_shapes_are_made_sizes():
    at = {"loc": torch.tensor([0.5, 1.0])}
    problem = Problem("tuples", at, WithTuples, lambda x: x.square())
    found = measure(problem, "finite-differences", replicates=500, timed=False)
    assert found.status == "ok", found.reason
    assert found.bias_verdict != "biased"
