"""Laws that a user writes for SciPy, with as little as it wants, and what is said of the rest."""

import numpy as np
import pytest
import scipy.stats
import torch

from benchmarks import Problem, ProblemError
from benchmarks.frameworks.scipy_families import ScipyFamily
from benchmarks.frameworks.scipy_inversion import Inverted
from benchmarks.machine.random_streams import stream
from benchmarks.objective.loading import problem_from
from estimators import Unsupported, capabilities


class Power(scipy.stats.rv_continuous):
    """(c + 1) xᶜ on [0, 1]: a density and no more."""

    def _pdf(self, x, c):
        return (c + 1) * x**c


class PowerOfBoth(Power):
    """And the cdf."""

    def _cdf(self, x, c):
        return x ** (c + 1)


class Counts(scipy.stats.rv_discrete):
    """Poisson, by its mass alone."""

    def _pmf(self, k, mu):
        return scipy.stats.poisson.pmf(k, mu)


class Signed(scipy.stats.rv_continuous):
    """N(shift, 1), whose shape may be negative."""

    def _argcheck(self, shift):
        return np.isfinite(shift)

    def _pdf(self, x, shift):
        return scipy.stats.norm.pdf(x - shift)


power = Power(a=0, b=1, name="power")
both = PowerOfBoth(a=0, b=1, name="both")
SMALL = 4_000


def leaf(value, *axes):
    return torch.tensor(value, dtype=torch.float64).expand(axes).clone().requires_grad_()


@pytest.mark.parametrize("generator", [power, both], ids=["density", "density and cdf"])
def test_samples_and_their_derivatives_are_those_of_the_law(generator):
    """x = u^{1/(c+1)}: E x = (c+1)/(c+2), ∂x/∂c = −x ln x / (c+1)."""
    c = leaf(1.5)
    dist = ScipyFamily(generator)(c=c)
    with stream(1):
        x = dist.sample((SMALL,))
    mean, spread = 2.5 / 3.5, (2.5 / 4.5 - (2.5 / 3.5) ** 2) ** 0.5
    assert abs(float(x.mean()) - mean) < 4 * spread / SMALL**0.5
    moved = capabilities.implicit(dist, x)
    (slope,) = torch.autograd.grad(moved.sum(), c)
    expected = float((-x * x.log() / 2.5).sum())
    assert float(slope) == pytest.approx(expected, rel=1e-5)


def test_a_density_alone_has_quantiles():
    u = np.array([0.01, 0.5, 0.999])
    found = Inverted(scipy.stats.norm, "norm").ppf(u)
    assert found == pytest.approx(scipy.stats.norm.ppf(u), abs=1e-9)


def test_a_density_that_cannot_be_inverted_is_a_sentence():
    class Nothing(scipy.stats.rv_continuous):
        def _pdf(self, x):
            return np.full_like(x, np.nan)

    with pytest.raises(Unsupported, match=r"only a density, which cannot be inverted.*`_rvs`"):
        Inverted(Nothing(name="nothing"), "nothing").ppf(np.array([0.5]))


def test_a_mass_alone_is_sampled_from_its_table():
    with stream(2):
        x = ScipyFamily(Counts(name="counts"))(mu=leaf(2.0, 8)).sample((SMALL,))
    count = x.numel()
    assert abs(float(x.mean()) - 2) < 4 * (2 / count) ** 0.5
    share = float((x == 0).double().mean())
    assert abs(share - np.exp(-2)) < 4 * (np.exp(-2) * (1 - np.exp(-2)) / count) ** 0.5


def test_shapes_are_positive_unless_its_own_check_says_otherwise():
    assert ScipyFamily(Signed(name="signed"))(shift=leaf(-0.5)).log_prob(torch.tensor(-0.5)) > -1
    with pytest.raises(ValueError, match=r"power has no law at .*c = -2"):
        ScipyFamily(power)(c=leaf(-2.0))


def test_a_law_of_a_file_is_a_target(tmp_path):
    (tmp_path / "own.py").write_text(
        "from scipy.stats import rv_continuous\n"
        "class Power(rv_continuous):\n"
        "    def _pdf(self, x, c):\n"
        "        return (c + 1) * x**c\n"
        "power = Power(a=0, b=1, name='power')\n"
    )
    problem = problem_from(f"{tmp_path}/own.py:power", ["c=1.5"], "quadratic")
    assert problem.dist().log_prob(torch.tensor(0.5)) == pytest.approx(np.log(2.5 * 0.5**1.5))
    with pytest.raises(ProblemError, match=r"Power is a class.*power = Power\("):
        problem_from(f"{tmp_path}/own.py:Power", ["c=1.5"], "quadratic")


@pytest.mark.parametrize(
    ("law", "way"),
    [
        (scipy.stats.multivariate_normal, r"take torch\.distributions:MultivariateNormal"),
        (scipy.stats.multivariate_normal([0, 1]), r"take torch\.distributions:Mult"),
        (scipy.stats.special_ortho_group, "with `sample` and `log_prob` in torch"),
    ],
)
def test_laws_of_several_numbers_say_where_to_go(law, way):
    with pytest.raises(ProblemError, match=f"a law of several numbers.*{way}"):
        Problem("several", {"mean": torch.zeros(2)}, law, lambda x: x.sum(-1))
