"""Samples that jump are told from samples that move with λ, and no cost is blamed for them."""

import pytest
import torch
from torch.distributions import Dirichlet, Exponential, Independent, Normal, constraints

from benchmarks import Problem, ProblemError, measure
from benchmarks.measuring.prepare import prepare
from benchmarks.validation.sampler_checks import of_sampler
from estimators.capabilities import complete, is_point_mass

STEPS = r"`icdf` jumps.*`support = constraints\.boolean` or constraints\.integer_interval.*log_prob"


class Coin:
    def __init__(self, p):
        self.p = p

    def icdf(self, u):
        return (u > 1 - self.p).to(u.dtype)


class OtherCoin(Coin):
    def icdf(self, u):
        return (u < self.p).to(u.dtype)


class Waiting(Coin):
    """Whole numbers, of which few are alike where p is small."""

    def icdf(self, u):
        return (u.log1p() / torch.log1p(-self.p) * -1).floor()


class WithDensity(Coin):
    def log_prob(self, x):
        return torch.where(x > 0.5, self.p.log(), (-self.p).log1p())


class Declared(Coin):
    support = constraints.boolean


class Whole(WithDensity):
    support = constraints.boolean


class Atom:
    """Zero with probability p, else exponential: continuous in λ."""

    def __init__(self, p):
        self.p = p

    def icdf(self, u):
        return -torch.log1p(-((u - self.p) / (1 - self.p)).clamp(min=0))


class Rounded(Normal):
    def rsample(self, sample_shape=()):
        return (super().rsample(sample_shape) * 1000).floor() / 1000


def problem(cls, p=0.3, name="p"):
    return Problem("mine", {name: torch.tensor(p)}, cls, lambda x: (x - 0.4) ** 2)


@pytest.mark.parametrize(("cls", "p"), [
    (Coin, 0.3), (Coin, 0.7), (OtherCoin, 0.3), (Waiting, 0.3), (Waiting, 0.001),
    (WithDensity, 0.3),
])  # fmt: skip
def test_a_discrete_icdf_is_named(cls, p):
    with pytest.raises(ProblemError, match=STEPS) as caught:
        prepare(problem(cls, p))
    assert "cost" not in str(caught.value)


@pytest.mark.parametrize(("cls", "estimator"), [
    (Declared, "finite-differences"), (Whole, "reinforce"), (Whole, "enumeration"),
    (Atom, "pathwise"),
])  # fmt: skip
def test_the_ways_out_are_measured(cls, estimator):
    row = measure(problem(cls), estimator, 2, 200, timed=False)
    assert row.status == "ok", row.reason


def test_a_sampler_of_steps_is_named():
    with pytest.raises(ProblemError, match="`rsample` has derivative 0 in every parameter"):
        prepare(problem(lambda loc: Rounded(loc, 1.0), name="loc"))


def test_what_moves_gets_no_word():
    """On a simplex the sum of a sample stays where it is."""
    smooth = [
        Dirichlet(torch.ones(3).double()),
        Independent(Normal(torch.zeros(3).double(), 1.0), 1),
        Exponential(torch.tensor(2.0).double()),
        complete(Atom(torch.tensor(0.3).double())),
    ]
    for dist in smooth:
        assert list(of_sampler(dist)) == []


def test_a_coin_is_no_point_mass():
    """Four samples of it are alike in a quarter of all streams."""
    coin = complete(Coin(torch.tensor(0.3).double()))
    for seed in range(30):
        torch.manual_seed(seed)
        assert not is_point_mass(coin)
