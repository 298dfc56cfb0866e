"""A cost is given the distribution if it asks for it; NumPy's costs, which take any, are not."""

import functools

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Normal

from estimators import evaluate
from estimators.arity import positional, takes_dist


def fee(v):
    return v * v if v > 0 else -v


def with_charge(charge, v):
    return charge + fee(v)


class Module(nn.Module):
    def forward(self, x, dist):
        return x


class ModuleWithDefault(nn.Module):
    def forward(self, x, power=2):
        return x**power


class ModuleWithStatic(nn.Module):
    @staticmethod
    def forward(x, dist):
        return x


def with_forward_of_its_own():
    module = nn.ReLU()
    module.forward = lambda x, dist: x
    return module


class Method:
    def of_one(self, x):
        return x

    def of_two(self, x, dist):
        return x

    def __call__(self, *given):
        return given[0]


ONE = {
    "plain": lambda x: x,
    "default": lambda x, power=2: x**power,
    "bound": Method().of_one,
    "vectorize": np.vectorize(fee),
    "vectorize with a signature": np.vectorize(fee, otypes=[float], signature="()->()"),
    "vectorize of any": np.vectorize(lambda *given: fee(given[0])),
    "vectorize of a builtin": np.vectorize(abs),
    "partial of vectorize": functools.partial(np.vectorize(with_charge), 1.0),
    "frompyfunc": np.frompyfunc(fee, 1, 1),
    "partial of frompyfunc": functools.partial(np.frompyfunc(with_charge, 2, 1), 1.0),
    "ufunc": np.square,
    "polynomial": np.polynomial.Polynomial([0.0, 0.0, 1.0]),
    "module": nn.ReLU(),
    "module with a default": ModuleWithDefault(),
}
TWO = {
    "plain": lambda x, dist: x,
    "any": lambda *given: given[0],
    "bound": Method().of_two,
    "object": Method(),
    "module": Module(),
    "module with a static forward": ModuleWithStatic(),
    "module with a forward of its own": with_forward_of_its_own(),
    "partial": functools.partial(lambda c, x, dist: x * c, 2.0),
    "vectorize of two": np.vectorize(lambda v, dist: fee(v)),
}


@pytest.mark.parametrize("kind", ONE)
def test_it_takes_x_alone(kind):
    assert not takes_dist(ONE[kind])
    assert positional(ONE[kind]) == 1


@pytest.mark.parametrize("kind", TWO)
def test_it_takes_the_distribution(kind):
    assert takes_dist(TWO[kind])
    assert positional(TWO[kind]) == 2


@pytest.mark.parametrize("kind", ["plain", "default", "bound", "module"])
def test_it_is_called_with_x_alone(kind):
    x = torch.rand(4, 3)
    assert evaluate(ONE[kind], x, Normal(torch.zeros(3), 1.0)).shape == x.shape
