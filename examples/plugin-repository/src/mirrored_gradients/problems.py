"""The problem of this repository."""

import torch
from torch.distributions import Normal

from benchmarks import Problem, problems


def soft_step(x):
    """A step from 0 to 1 that is not quite sharp: [K, R] → [K, R]."""
    return torch.sigmoid(3 * x)


@problems.register("soft-step")
def build():
    """A Normal on both sides of a step. Its gradient is found by quadrature."""
    parameters = {"loc": torch.tensor(0.2), "scale": torch.tensor(0.7)}
    return Problem("soft-step", parameters, Normal, soft_step)
