"""A density that lacks a factor in x is named in any dimension; a right one is not."""

import pytest
import torch
from torch.distributions import (
    Dirichlet,
    Distribution,
    Exponential,
    Independent,
    Laplace,
    MultivariateNormal,
    Normal,
    Uniform,
    constraints,
)

from benchmarks import Problem, ProblemError, measure
from benchmarks.machine.random_streams import stream
from benchmarks.objective.definition import unvalidated
from benchmarks.validation.stein_identities import of_density
from estimators.distributions import VonMisesFisher


class Squashed(Distribution):
    """tanh of a normal vector; `times` is how often its Jacobian is in `log_prob`."""

    arg_constraints = {}  # noqa: RUF012
    support = constraints.independent(constraints.real, 1)
    has_rsample = True
    times = 0

    def __init__(self, loc, scale):
        self.loc, self.scale = loc, scale
        super().__init__(loc.shape[:-1], loc.shape[-1:], validate_args=False)

    @property
    def normal(self):
        return Normal(self.loc, self.scale, validate_args=False)

    def rsample(self, sample_shape=()):
        return self.normal.rsample(sample_shape).tanh()

    def log_prob(self, value):
        inside = value.clamp(-1 + 1e-12, 1 - 1e-12)
        log_p = self.normal.log_prob(inside.atanh()) - self.times * (1 - inside.square()).log()
        return log_p.sum(-1)


class Twice(Squashed):
    times = 2


class Once(Squashed):
    times = 1


class Bounded(Once):
    support = constraints.independent(constraints.interval(-1.0, 1.0), 1)


class Silent(Once):
    @property
    def support(self):
        raise NotImplementedError


class NoExponential(Squashed):
    """A log-normal vector without 1/x."""

    support = constraints.independent(constraints.positive, 1)

    def rsample(self, sample_shape=()):
        return self.normal.rsample(sample_shape).exp()

    def log_prob(self, value):
        return self.normal.log_prob(value.log()).sum(-1)


class NoSinh(Squashed):
    """sinh of a normal vector without 1/cosh."""

    def rsample(self, sample_shape=()):
        return self.normal.rsample(sample_shape).sinh()

    def log_prob(self, value):
        return self.normal.log_prob(value.asinh()).sum(-1)


class Uncorrelated(Squashed):
    """Coordinates are correlated, which `log_prob` does not know."""

    def rsample(self, sample_shape=()):
        x = self.normal.rsample(sample_shape)
        return x + 0.3 * (x - self.loc).flip(-1)

    def log_prob(self, value):
        return Normal(self.loc, self.scale * 1.09**0.5).log_prob(value).sum(-1)


def problem_of(family, size=2):
    given = {"loc": torch.linspace(0.2, -0.4, size), "scale": torch.linspace(0.6, 1.0, size)}
    return Problem("mine", given, family, lambda x: (x - 0.5).square().sum(-1))


@pytest.mark.parametrize("size", [2, 5])
@pytest.mark.parametrize("wrong", [Squashed, Twice, NoExponential, NoSinh])
def test_a_factor_in_x_is_named(wrong, size):
    with pytest.raises(
        ProblemError, match="Jacobian of a change of variables is missing"
    ) as caught:
        measure(problem_of(wrong, size), "pathwise", replicates=200)
    assert f"{wrong.__name__} of problem 'mine'" in str(caught.value)
    assert "Stein's identity" in str(caught.value)


def found(dist, seed=1):
    with stream(seed), unvalidated():
        return list(of_density(dist, 2**14))


def test_a_correlation_that_the_density_does_not_know():
    assert found(problem_of(Uncorrelated).to("cpu", torch.float64).dist())


ONES = torch.ones(3, dtype=torch.float64)
ROOT = torch.tensor([[1.0, 0, 0], [0.9, 0.3, 0], [0.5, -0.5, 0.1]], dtype=torch.float64)
RIGHT = {
    "squashed": problem_of(Once).to("cpu", torch.float64).dist(),
    "squashed, bounded": problem_of(Bounded).to("cpu", torch.float64).dist(),
    "squashed, silent": problem_of(Silent).to("cpu", torch.float64).dist(),
    "correlated": MultivariateNormal(ONES, scale_tril=ROOT),
    "Laplace": Independent(Laplace(ONES, ONES), 1),
    "uniform": Independent(Uniform(-ONES, 2 * ONES), 1),
    "exponential": Independent(Exponential(ONES), 1),
    "Dirichlet": Dirichlet(torch.tensor([0.5, 2.0, 5.0], dtype=torch.float64)),
    "on a sphere": VonMisesFisher(ONES / 3**0.5, torch.tensor(4.0, dtype=torch.float64)),
}


class Box(Independent):
    """Uniform, and says nothing of its ends."""

    support = constraints.real_vector


RIGHT["jumps that nobody declared"] = Box(Uniform(-ONES, 2 * ONES), 1)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("right", RIGHT)
def test_a_right_density_is_not_accused(right, seed):
    assert found(RIGHT[right], seed) == []
