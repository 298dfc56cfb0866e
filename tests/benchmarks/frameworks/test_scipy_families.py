"""SciPy's generators as families: torch's twins, exact gradients, isolation, and sentences."""

import math
import sys

import pytest
import scipy.stats
import torch
from scipy import special
from torch import distributions

from benchmarks import Problem, ProblemError, measure
from benchmarks.frameworks.scipy_families import ScipyFamily
from benchmarks.machine.random_streams import stream
from benchmarks.objective import costs
from benchmarks.objective.loading import problem_from
from estimators import capabilities

TWINS = {
    "gamma": ({"a": 2.0, "scale": 1.5}, lambda a, scale: distributions.Gamma(a, 1 / scale)),
    "beta": ({"a": 2.0, "b": 3.0}, lambda a, b: distributions.Beta(a, b)),
    "t": ({"df": 3.0, "loc": 0.4}, distributions.StudentT),
    "norm": ({"loc": 0.4, "scale": 2.0}, distributions.Normal),
    "poisson": ({"mu": 2.0}, lambda mu: distributions.Poisson(mu)),
    "bernoulli": ({"p": 0.3}, lambda p: distributions.Bernoulli(p)),
}


def leaves(values, *axes):
    return {
        name: torch.tensor(value, dtype=torch.float64).expand(axes).clone().requires_grad_()
        for name, value in values.items()
    }


@pytest.mark.parametrize("name", TWINS)
def test_density_and_derivatives_of_torchs_twin(name):
    values, twin = TWINS[name]
    ours, theirs = leaves(values, 5), leaves(values, 5)
    dist = ScipyFamily(getattr(scipy.stats, name))(**ours)
    x = dist.sample((40,))
    assert x.shape == (40, 5)
    found, expected = dist.log_prob(x), twin(**theirs).log_prob(x)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(
        torch.autograd.grad(found.sum(), list(ours.values())),
        torch.autograd.grad(expected.sum(), list(theirs.values())),
        rtol=1e-8,
        atol=1e-8,
    )


@pytest.mark.parametrize("name", ["gamma", "t", "norm"])
def test_cdf_and_quantile_move_as_torchs_twin_does(name):
    values, twin = TWINS[name]
    ours, theirs = leaves(values, 3), leaves(values, 3)
    dist = ScipyFamily(getattr(scipy.stats, name))(**ours)
    u = torch.rand(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    for ability in (capabilities.cdf, capabilities.quantile):
        at = u if ability is capabilities.quantile else u * 2 + 0.1
        torch.testing.assert_close(
            torch.autograd.grad(ability(dist, at).sum(), list(ours.values())),
            torch.autograd.grad(ability(twin(**theirs), at).sum(), list(theirs.values())),
            rtol=1e-5,  # of the twin's own derivative in the shape
            atol=1e-6,
        )


def von_mises_cosine(kappa, loc):
    """∇ E[cos x] = ∇ A(κ) cos(loc), A = I₁/I₀."""
    ratio = special.i1(kappa) / special.i0(kappa)
    return [(1 - ratio / kappa - ratio**2) * math.cos(loc), -ratio * math.sin(loc)]


def truncated_normal_square(a, b, loc, scale):
    """∇ E[(loc + scale z)²] in loc and scale, z being standard between a and b."""
    mass = special.ndtr(b) - special.ndtr(a)
    density = [math.exp(-z * z / 2) / math.sqrt(2 * math.pi) for z in (a, b)]
    first = (density[0] - density[1]) / mass
    second = 1 + (a * density[0] - b * density[1]) / mass
    return [2 * loc + 2 * scale * first, 2 * loc * first + 2 * scale * second]


EXACT = {  # parameters, constants, cost, gradient in the order of the parameters
    "gamma": ({"a": 2.0, "scale": 1.5}, {}, "quadratic", [5 * 2.25, 2 * 1.5 * 6]),
    "beta": ({"a": 2.0, "b": 3.0}, {}, "linear", [3 / 25, -2 / 25]),
    "vonmises": ({"kappa": 2.0, "loc": 0.3}, {}, "cosine", von_mises_cosine(2.0, 0.3)),
    "truncnorm": (
        {"loc": 0.3, "scale": 1.5},
        {"a": -1.0, "b": 2.0},
        "quadratic",
        truncated_normal_square(-1.0, 2.0, 0.3, 1.5),
    ),
}


@pytest.mark.parametrize("name", EXACT)
def test_measured_gradients_are_exact(name):
    values, constants, cost, exact = EXACT[name]
    problem = problem_from(
        f"scipy.stats:{name}",
        [f"{k}={v}" for k, v in values.items()],
        cost,
        [f"{k}={v}" for k, v in constants.items()],
    )
    for estimator in ("implicit",) if name == "vonmises" else ("implicit", "pathwise"):
        found = measure(problem, estimator, samples=1, replicates=1500, timed=False)
        assert found.status == "ok", found.reason
        assert found.truth_method == "quadrature"
        for mean, variance, truth, g in zip(
            found.parameters["mean"],
            found.parameters["variance"],
            found.parameters["truth"],
            exact,
            strict=True,
        ):
            assert truth == pytest.approx(g, rel=1e-6)
            assert abs(mean - g) < 4.5 * math.sqrt(variance / 1500)
        assert found.bias_verdict != "biased"


@pytest.mark.parametrize("name", ["gamma", "vonmises", "poisson"])
def test_a_row_keeps_its_bits_when_the_others_change(name):
    values = {"gamma": {"a": 2.0}, "vonmises": {"kappa": 2.0}, "poisson": {"mu": 3.0}}[name]
    family = ScipyFamily(getattr(scipy.stats, name))
    (key, value), drawn = *values.items(), []
    for other in (1.0, 1.7):
        at = torch.full((6,), other * value, dtype=torch.float64)
        at[2] = value
        with stream(11):
            drawn.append(family(**{key: at}).sample((4,)))
    assert torch.equal(drawn[0][:, 2], drawn[1][:, 2])
    assert not torch.equal(drawn[0][:, 3], drawn[1][:, 3])
    with stream(12):
        assert not torch.equal(drawn[1], family(**{key: at}).sample((4,)))


def test_frozen_and_new_distributions():
    at = {"a": torch.tensor(2.0, dtype=torch.float64)}
    x = torch.tensor([0.5, 3.0], dtype=torch.float64)
    frozen = Problem("frozen", at, scipy.stats.gamma(5.0, scale=3.0), costs.linear())
    torch.testing.assert_close(
        frozen.dist().log_prob(x), distributions.Gamma(at["a"], 1 / 3).log_prob(x)
    )
    normal = problem_from("scipy.stats:Normal", ["mu=0.3", "sigma=1.5"], "quadratic")
    found = measure(normal, "pathwise", replicates=1500, timed=False)
    for mean, variance, g in zip(
        found.parameters["mean"], found.parameters["variance"], [0.6, 3.0], strict=True
    ):
        assert abs(mean - g) < 4.5 * math.sqrt(variance / 1500)


@pytest.mark.parametrize(
    ("target", "settings", "constants", "says"),
    [
        ("scipy.stats:gamma", ["shape=2"], [], "no parameter of scipy.stats.gamma 'shape'"),
        ("scipy.stats:gamma", ["a=2"], ["rate=2"], "no parameter of scipy.stats.gamma 'rate'"),
        ("scipy.stats:gama", ["a=2"], [], "Did you mean 'gamma'"),
        ("scipy.stats:gamma", ["scale=2"], [], "needs a as well"),
        ("scipy.stats:gamma", ["a=-2"], [], "has no law at .*a = -2"),
        ("scipy.stats:binom", ["n=10", "p=0.3"], [], "n of scipy.stats.binom is a whole number"),
        ("scipy.stats:Normal", ["mu=0", "sigma=-1"], [], "has no law at mu = 0, sigma = -1"),
    ],
)
def test_each_mistake_has_its_sentence(target, settings, constants, says):
    with pytest.raises(ProblemError, match=says):
        problem_from(target, settings, "linear", constants).dist()


def test_a_constant_is_no_parameter():
    problem = problem_from("scipy.stats:binom", ["p=0.3"], "linear", ["n=10"])
    found = measure(problem, "enumeration", replicates=100, timed=False)
    assert found.parameters["mean"] == pytest.approx([10.0], rel=1e-8)
    torchs = problem_from(
        "torch.distributions:Binomial", ["probs=0.3"], "linear", ["total_count=10"]
    )
    assert list(torchs.parameters) == ["probs"]


def test_what_is_not_installed_says_how_to_install_it(monkeypatch):
    for name in ("numpyro", "numpyro.distributions"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ProblemError, match=r"pip install 'gradmeter\[jax\]'"):
        problem_from("numpyro.distributions:Gamma", ["concentration=2", "rate=1"], "linear")
