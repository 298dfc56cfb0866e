"""A perturbed parameter outside its constraint is refused, in a sentence with the step."""

import pytest
import torch
from torch.distributions import Bernoulli, Gamma, Independent, LogNormal, Normal

import estimators

NAMES = ("finite-differences", "spsa")


def leaf(*values):
    return torch.tensor(values, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("dist", "parameter"),
    [
        (lambda: Gamma(leaf(0.005), leaf(1.0)), "concentration"),
        (lambda: Independent(Normal(leaf(0.0), leaf(0.004)), 1), "scale"),
        (lambda: LogNormal(leaf(0.0), leaf(0.004)), "scale"),
        (lambda: Bernoulli(probs=leaf(0.995)), "probs"),
    ],
)
def test_a_step_out_of_the_constraint_is_refused(name, dist, parameter):
    reason = estimators.create(name, step=0.01).unsupported(dist(), 4)
    assert f"{parameter!r}" in reason
    assert "smaller step" in reason
    assert estimators.create(name, step=0.001).unsupported(dist(), 4) is None


def test_what_has_no_ends_is_moved_anywhere():
    dist = Normal(leaf(0.005), leaf(1.0))
    assert estimators.create("finite-differences", step=0.5).unsupported(dist, 4) is None
