"""NumPyro's and TFP's distributions as families, where JAX is installed."""

import math
import warnings

import numpy as np
import pytest
import torch
from scipy import special

pytest.importorskip("jax")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of the frameworks, when they are imported
    distributions = pytest.importorskip("numpyro.distributions")
    pytest.importorskip("tensorflow_probability.substrates.jax")

import jax
import jax.numpy as jnp

from benchmarks import Problem, ProblemError, jax_cost, jax_family, measure
from benchmarks.machine.random_streams import stream
from benchmarks.objective import costs
from benchmarks.objective.loading import problem_from

PLACES = {
    "numpyro": "numpyro.distributions",
    "tfp": "tensorflow_probability.substrates.jax.distributions",
}
AT = {  # parameters, constants, cost
    "Gamma": ({"concentration": 2.0, "rate": 1.5}, {}, "quadratic"),
    "Beta": ({"concentration1": 2.0, "concentration0": 3.0}, {}, "linear"),
    "VonMises": ({"loc": 0.3, "concentration": 2.0}, {}, "cosine"),
    "Kumaraswamy": ({"concentration1": 2.0, "concentration0": 3.0}, {}, "linear"),
    "TruncatedNormal": ({"loc": 0.3, "scale": 1.5}, {"low": -1.2, "high": 3.3}, "quadratic"),
}


def exact(name):
    """The gradient in the order of the parameters, in closed form."""
    if name == "Gamma":
        return [5 / 2.25, -12 / 1.5**3]
    if name == "Beta":
        return [3 / 25, -2 / 25]
    if name == "VonMises":
        ratio = special.i1(2.0) / special.i0(2.0)
        return [-ratio * math.sin(0.3), (1 - ratio / 2 - ratio**2) * math.cos(0.3)]
    if name == "Kumaraswamy":  # E x = b B(1 + 1/a, b)
        a, b = 2.0, 3.0
        mean = b * special.beta(1 + 1 / a, b)
        psi = special.digamma
        return [
            -mean * (psi(1 + 1 / a) - psi(1 + 1 / a + b)) / a**2,
            mean * (1 / b + psi(b) - psi(1 + 1 / a + b)),
        ]
    at = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (0.3, 1.5)]
    return [float(g) for g in torch.autograd.grad(second_moment(*at, -1.2, 3.3), at)]


def second_moment(loc, scale, low, high):
    """E x² of a normal between low and high, differentiable."""
    alpha, beta = (low - loc) / scale, (high - loc) / scale
    phi = [(-z.square() / 2).exp() / math.sqrt(2 * math.pi) for z in (alpha, beta)]
    mass = torch.special.ndtr(beta) - torch.special.ndtr(alpha)
    first = (phi[0] - phi[1]) / mass
    return (
        loc**2 + 2 * loc * scale * first + scale**2 * (1 + (alpha * phi[0] - beta * phi[1]) / mass)
    )


def problem_of(framework, name):
    values, constants, cost = AT[name]
    given = ([f"{k}={v}" for k, v in each.items()] for each in (values, constants))
    settings, fixed = given
    return problem_from(f"{PLACES[framework]}:{name}", settings, cost, fixed)


def check(problem, name, estimators, replicates):
    for estimator in estimators:
        found = measure(problem, estimator, replicates=replicates, timed=False)
        assert found.status == "ok", found.reason
        assert found.truth_method == "quadrature"
        each = (found.parameters[k] for k in ("mean", "variance", "truth"))
        for mean, variance, truth, g in zip(*each, exact(name), strict=True):
            assert truth == pytest.approx(g, rel=1e-6)
            assert abs(mean - g) < 4.5 * math.sqrt(variance / replicates)
        assert found.bias_verdict != "biased"


def test_numpyros_kumaraswamy_has_the_exact_gradient():
    check(problem_of("numpyro", "Kumaraswamy"), "Kumaraswamy", ("pathwise", "reinforce"), 2000)


@pytest.mark.study
@pytest.mark.parametrize("framework", PLACES)
@pytest.mark.parametrize("name", AT)
def test_every_law_has_the_exact_gradient(framework, name):
    problem = problem_of(framework, name)
    able = {"pathwise", "implicit", "reinforce"}
    if framework == "numpyro":  # what it has no cdf or path for
        able -= {"VonMises": {"pathwise", "implicit"}, "Kumaraswamy": {"implicit"}}.get(name, set())
    check(problem, name, sorted(able), 10_000)


def test_a_mixture_has_a_vector_for_its_weights():
    def mixture(logits, loc):
        normal = distributions.Normal(loc, jnp.ones_like(loc))
        return distributions.MixtureSameFamily(distributions.Categorical(logits=logits), normal)

    family = jax_family(mixture, own_axes={"logits": 1, "loc": 1})
    at = {"logits": torch.tensor([0.2, -0.3]), "loc": torch.tensor([-1.0, 1.0])}
    problem = Problem("mixture", at, family, lambda x: (x - 0.5).square())
    found = measure(problem, "implicit", replicates=1_000, timed=False)
    assert (found.status, found.truth_method) == ("ok", "quadrature")
    assert found.bias_verdict != "biased"


def test_a_rounding_of_jaxs_special_functions_is_no_bias():
    """Its betaln is off by 1e-7 in float64 where an argument is above 8."""
    family = jax_family(distributions.BetaBinomial, constants={"total_count": 6})
    at = {"concentration1": torch.tensor(2.0), "concentration0": torch.tensor(3.0)}
    exact = {"concentration1": torch.tensor(2.8), "concentration0": torch.tensor(-2.2)}
    for size, verdict in ((1.0, "unbiased"), (1.0001, "biased")):
        truth = {name: size * value.double() for name, value in exact.items()}
        problem = Problem("counts", at, family, lambda x: (x - 0.5).square(), truth=truth)
        found = measure(problem, "enumeration", replicates=200, timed=False)
        assert found.bias_verdict == verdict


def test_numbers_above_the_diagonal_of_a_factor_do_not_move_samples():
    at = {"loc": torch.zeros(2), "scale_tril": torch.tensor([[1.0, 0.0], [0.4, 0.8]])}
    family = distributions.MultivariateNormal
    problem = Problem("factor", at, family, lambda x: x.square().sum(-1))
    found = measure(problem, "pathwise", replicates=500, timed=False)
    assert found.status == "ok", found.reason
    assert found.parameters["variance"][3] == found.parameters["mean"][3] == 0


def test_a_row_keeps_its_bits_when_the_others_change():
    family = jax_family(distributions.Poisson)  # whose rejection loop ends when all have
    drawn = []
    for other in (3.0, 40.0):
        rate = torch.full((5,), other, dtype=torch.float64)
        rate[2] = 7.0
        with stream(3):
            drawn.append(family(rate=rate).sample((6,)))
    assert torch.equal(drawn[0][:, 2], drawn[1][:, 2])
    assert not torch.equal(drawn[0][:, 3], drawn[1][:, 3])
    with stream(4):
        assert not torch.equal(drawn[1], family(rate=rate).sample((6,)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_precision_is_the_tensors_and_the_callers_settings_stay(dtype):
    before = jax.config.jax_enable_x64
    loc = torch.tensor([0.3, -1.0], dtype=dtype, requires_grad=True)
    dist = jax_family(distributions.Normal)(loc=loc, scale=torch.ones((), dtype=dtype))
    x = dist.sample((3,))
    assert x.dtype == dist.log_prob(x).dtype == dtype
    eps = torch.finfo(dtype).eps
    expected = torch.distributions.Normal(loc, 1.0).log_prob(x)
    torch.testing.assert_close(dist.log_prob(x), expected, rtol=16 * eps, atol=16 * eps)
    assert jax.config.jax_enable_x64 == before
    assert jnp.ones(2).dtype == jnp.float32


def test_second_derivatives_go_through():
    value = torch.tensor([0.5, 2.0], dtype=torch.float64, requires_grad=True)
    dist = jax_family(distributions.Normal)(
        loc=torch.zeros((), dtype=torch.float64), scale=torch.ones((), dtype=torch.float64)
    )
    first = torch.autograd.grad(dist.log_prob(value).sum(), value, create_graph=True)[0]
    (second,) = torch.autograd.grad(first.sum(), value)
    torch.testing.assert_close(second, -torch.ones_like(second))


def test_events_have_their_axes():
    concentration = torch.tensor([[1.0, 2.0, 3.0], [0.5, 1.0, 4.0]], dtype=torch.float64)
    dist = jax_family(distributions.Dirichlet)(concentration=concentration)
    assert (dist.batch_shape, dist.event_shape) == ((2,), (3,))
    x = dist.sample((4,))
    assert x.shape == (4, 2, 3)
    expected = torch.distributions.Dirichlet(concentration).log_prob(x)
    torch.testing.assert_close(dist.log_prob(x), expected)


def test_a_moving_support_is_known_to_move():
    ends = {k: torch.tensor(v, requires_grad=True) for k, v in (("low", 0.0), ("high", 1.0))}
    moving = jax_family(distributions.Uniform)(**ends).support
    assert moving.lower_bound.requires_grad
    assert moving.upper_bound.requires_grad
    fixed = jax_family(distributions.TruncatedNormal, constants={"low": -1.0, "high": 2.0})
    loc = torch.tensor(0.3, requires_grad=True)
    assert fixed(loc=loc, scale=torch.tensor(1.0)).support.lower_bound == -1.0


def test_jax_functions_as_family_and_cost():
    @jax_family
    def law(a):
        return distributions.Exponential(jnp.exp(a))

    at = {"a": torch.tensor(0.3)}
    found = measure(
        Problem("exp", at, law, jax_cost(jnp.square)), "pathwise", replicates=2000, timed=False
    )
    assert found.status == "ok", found.reason
    exact_gradient = -4 * math.exp(-0.6)  # of 2 e^{−2a}
    assert found.parameters["truth"] == pytest.approx([exact_gradient], rel=1e-6)
    error = math.sqrt(found.parameters["variance"][0] / 2000)
    assert abs(found.parameters["mean"][0] - exact_gradient) < 4.5 * error


def test_python_branches_are_named():
    @jax_family
    def law(a):
        return distributions.Gamma(a if a > 0 else -a, 1.0)

    with pytest.raises(ProblemError, match=r"law branches in Python .* use jax.numpy.where"):
        Problem("branch", {"a": torch.tensor(0.3)}, law, costs.linear()).dist()

    @jax_cost
    def cost(x):
        return np.sqrt(x)

    with pytest.raises(ProblemError, match=r"the cost 'cost' takes a traced number out of JAX"):
        measure(
            Problem(
                "numpy", {"a": torch.tensor(2.0)}, lambda a: torch.distributions.Gamma(a, a), cost
            ),
            "reinforce",
        )


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (["rate=1", "shape=2"], "no parameter of Gamma 'shape'"),
        (["rate=1", "concentration=-2"], "concentration"),
        (["rate=1"], "concentration"),
    ],
)
def test_each_mistake_has_its_sentence(settings, says):
    with pytest.raises(ProblemError, match=says):
        problem_from("numpyro.distributions:Gamma", settings, "linear").dist()
