"""Costs that are asked for some samples at a time are those of all at once."""

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

from estimators import coordinates, create
from estimators.core import replicate_gradients

R = 5


def gradients(name, family, **parameters):
    torch.manual_seed(0)
    parameters = {key: torch.tensor(value) for key, value in parameters.items()}
    return replicate_gradients(
        create(name), family, parameters, lambda x: (x.sum(-1) - 0.3).square(), 2, R
    )


def normals(loc):
    return Independent(Normal(loc, 1.0), 1)


def coins(probs):
    return Independent(Bernoulli(probs), 1)


@pytest.mark.parametrize(
    ("name", "family", "parameters"),
    [
        ("measure-valued", normals, {"loc": [0.1, 0.2, 0.3, 0.4, 0.5]}),
        ("finite-differences", normals, {"loc": [0.1, 0.2, 0.3, 0.4, 0.5]}),
        ("reinforce-optimal", normals, {"loc": [0.1, 0.2, 0.3, 0.4, 0.5]}),
        ("enumeration", coins, {"probs": [0.2, 0.5, 0.6, 0.7]}),
        ("reinforce-exact-mean", coins, {"probs": [0.2, 0.5, 0.6, 0.7]}),
    ],
)
@pytest.mark.parametrize("most", [1, 120])
def test_the_same_bits_in_pieces(name, family, parameters, most, monkeypatch):
    whole = gradients(name, family, **parameters)
    monkeypatch.setattr(coordinates, "AT_ONCE", most)
    pieces = gradients(name, family, **parameters)
    assert all(torch.equal(g, pieces[key]) for key, g in whole.items())
