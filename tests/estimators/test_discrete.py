"""Exact numbers of the discrete estimators, from closed forms and enumeration.

Values from the papers were recomputed for this project; where a mean or variance is written out
here, it is derived on the line above it.
"""

import itertools
import math

import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Gamma,
    Independent,
    Normal,
    OneHotCategorical,
    Poisson,
)

import estimators
from benchmarks import Problem, problems
from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.measuring.cell import Cell, replicate
from benchmarks.objective import costs
from benchmarks.objective.definition import unvalidated
from benchmarks.statistics.intervals import variance_interval
from benchmarks.statistics.stopping import Plan
from benchmarks.truth.exact import find_truth
from estimators import capabilities
from estimators.exact.unordered_set import next_draws

REPLICATES = 100_000


def moments(problem, name, samples=1, replicates=REPLICATES, **fields):
    estimator = estimators.create(name, **fields)
    cell = Cell(problem, None, estimator, samples, 7, torch.device("cpu"))
    with unvalidated():
        return replicate(cell, Plan.of(replicates, problem.numbers(samples))).table.whole()


def holds(whole, variance, mean=None):
    """Whether the 99.9 % intervals, 1.7 times the 95 % ones, hold these exact values."""
    value, low, high = variance_interval(whole)
    if variance < 1e-20:
        return value < 1e-20
    error = math.sqrt(value / float(whole.count[0]))
    near = abs(math.log(value / variance)) <= 1.7 * math.log(high / low) / 2
    return near and (mean is None or abs(float(whole.mean.sum()) - mean) <= 3.3 * error)


def means(whole, exact):
    """Whether the mean of one parameter's gradient is `exact`, within 99.9 %."""
    error = math.sqrt(float(whole.m2.sum())) / float(whole.count[0])
    return abs(float(whole.mean.sum()) - exact) <= 3.3 * error


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def bernoulli(t, logits, cost=None):
    return Problem(
        "one bernoulli",
        {"logits": torch.tensor(logits, dtype=torch.float64)},
        lambda logits: Bernoulli(logits=logits),
        cost or costs.quadratic(t),
    )


def three():
    """Liu et al. 2019 and Kool et al. 2020: p₀ = (.6, .51, .48), η = 0; the gradient is −.045."""
    return Problem(
        "three bernoullis",
        {"eta": torch.tensor(0.0, dtype=torch.float64)},
        lambda eta: Independent(Bernoulli(logits=eta.unsqueeze(-1).expand(*eta.shape, 3)), 1),
        costs.quadratic(torch.tensor([0.6, 0.51, 0.48], dtype=torch.float64)),
    )


def two_hundred():
    """Titsias & Shi 2022: p = ½, mean over the dimensions of (b − .499)²."""
    return Problem(
        "two hundred bernoullis",
        {"logits": torch.zeros(200).double()},
        lambda logits: Independent(Bernoulli(logits=logits), 1),
        lambda x: (x - 0.499).square().mean(-1),
    )


PAIRS = [  # t, logit, gradient, variance of ARM and DisARM with one pair
    (0.45, 0.0, 0.025, 2.08333e-4, 0.0),
    (0.45, -2.0, 0.010499359, 3.549767e-4, 3.521537e-4),
    (0.499, 0.0, 0.0005, 8.33333e-8, 0.0),
    (0.499, -2.0, 2.0998717e-4, 1.419907e-7, 1.408615e-7),
]


@pytest.mark.parametrize(("t", "logits", "gradient", "arm", "disarm"), PAIRS)
def test_antithetic_pairs(t, logits, gradient, arm, disarm):
    problem = bernoulli(t, logits)
    assert holds(moments(problem, "arm", 2), arm, gradient)
    assert holds(moments(problem, "disarm", 2), disarm, gradient)
    assert holds(moments(problem, "arms", 2), disarm, gradient)  # the same at K = 2
    assert holds(moments(problem, "disarm", 6), disarm / 3, gradient)


@pytest.mark.parametrize("samples", [3, 4, 6])
@pytest.mark.parametrize("logits", [-2.0, 0.7])
def test_antithetic_sets_repel_as_much_as_their_correction_says(samples, logits):
    """corr(b_j, b_k) = (P(both rare) − m²) / pq: a wrong copula gives another bias."""
    problem = bernoulli(0.45, logits)
    p = sigmoid(logits)
    whole = moments(problem, "arms", samples)
    assert means(whole, 0.1 * p * (1 - p))
    assert (
        variance_interval(whole).high
        < variance_interval(moments(problem, "reinforce-loo", samples)).low
    )


VALUES = [("arm", 2), ("disarm", 4), ("arms", 3), ("arms", 5), ("stratified", 4)]
VALUES += [("sum-and-sample", 3), ("unordered-set", 1), ("unordered-set", 3), ("rebar", 2)]


@pytest.mark.parametrize(("name", "samples"), VALUES)
def test_values_are_the_mean_cost(name, samples):
    """Samples that are coupled, chosen or in strata still have the law p, one by one."""
    logits = torch.tensor([-1.2, 0.4, 2.0], dtype=torch.float64).expand(20_000, 3)
    dist = Independent(Bernoulli(logits=logits), 1)
    weight = torch.tensor([1.0, -2.0, 0.7], dtype=torch.float64)
    with stream(stream_key("value", name, samples)):
        estimator = estimators.create(name)
        value = estimator.surrogate(dist, lambda x: ((x * weight).sum(-1) - 0.3) ** 2, samples)
    p = logits[0].sigmoid()
    exact = (p @ weight - 0.3) ** 2 + (p * (1 - p)) @ weight.square()
    assert abs(float(value.mean() - exact)) < 3.5 * float(value.std()) / 20_000**0.5


REBAR = [  # temperature, variance with independent and with coupled noise; η = 1
    (0.1, 0.08725, 0.09041),
    (0.5, 0.02265, 0.02407),
    (1.0, 0.01849, 0.01792),
]


@pytest.mark.parametrize(("temperature", "independent", "coupled"), REBAR)
def test_rebar_before_it_learns(temperature, independent, coupled):
    problem, fields = bernoulli(0.45, 0.0), {"temperature": temperature, "fit_steps": 0}
    assert holds(moments(problem, "rebar-independent", **fields), independent, 0.025)
    assert holds(moments(problem, "rebar", **fields), coupled, 0.025)


@pytest.mark.parametrize(("coefficient", "temperature"), [(0.3, 0.1), (2.0, 3.0)])
def test_rebar_is_right_for_every_coefficient(coefficient, temperature):
    for name in ("rebar", "rebar-independent"):
        fields = {"coefficient": coefficient, "temperature": temperature, "fit_steps": 0}
        assert means(moments(bernoulli(0.45, -1.0), name, **fields), 0.1 * 0.196611933241482)


def test_what_is_learned_makes_it_quieter_and_stays_right():
    problem = problems.load("bernoulli-10-quadratic")
    truth = find_truth(problem).gradient
    plain = variance_interval(moments(problem, "reinforce", replicates=10_000)).low
    for name, at_most in (("rebar", 0.1), ("rebar-independent", 0.1), ("relax", 0.3)):
        whole = moments(problem, name, replicates=2_000)
        assert variance_interval(whole).high < at_most * plain, name
        error = (whole.m2[0] / 2_000**2).sqrt()
        assert ((whole.mean[0] - truth).abs() < 4 * error).all(), name


@pytest.mark.parametrize(("t", "logits"), [(0.45, 0.0), (0.3, -1.5)])
def test_a_fitted_tangent_is_exact_for_one_bernoulli(t, logits):
    """Every function of one bit is linear, so some η leaves no noise."""
    whole = moments(bernoulli(t, logits), "mu-prop-fitted", replicates=2_000)
    assert holds(whole, 0.0)
    p = sigmoid(logits)
    assert float(whole.mean) == pytest.approx((1 - 2 * t) * p * (1 - p), rel=1e-9)


@pytest.mark.parametrize(("t", "logits"), [(0.45, 0.5), (0.2, -1.5)])
def test_baselines_of_one_bernoulli(t, logits):
    """Var = Σ_x p(x) (f(x) − b)² s(x)² − g², and E s² · Var b of a baseline that is noisy."""
    problem = bernoulli(t, logits)
    p = sigmoid(logits)
    f, mass, score = (t**2, (1 - t) ** 2), (1 - p, p), (-p, 1 - p)
    mean = sum(m * c for m, c in zip(mass, f, strict=True))
    spread = sum(m * (c - mean) ** 2 for m, c in zip(mass, f, strict=True))
    gradient = (1 - 2 * t) * p * (1 - p)

    def variance(b):
        rows = zip(mass, f, score, strict=True)
        return sum(m * ((c - b) * s) ** 2 for m, c, s in rows) - gradient**2

    learned = variance(mean) + p * (1 - p) * spread / 5
    assert holds(moments(problem, "reinforce-exact-mean"), variance(mean), gradient)
    assert holds(moments(problem, "self-critical"), variance(f[logits > 0]), gradient)
    assert holds(moments(problem, "reinforce-nvil", fit_steps=5), learned, gradient)


@pytest.mark.parametrize("coefficient", [-1.0, 0.6])
@pytest.mark.parametrize("logits", [0.5, -1.5])
def test_tangents_of_one_bernoulli(logits, coefficient):
    """Mean and variance over the values of x, and over the four pairs of K = 2; f = (x − .2)²."""
    problem, p, eta = bernoulli(0.2, logits), sigmoid(logits), coefficient
    f, slope, pq = {0: 0.04, 1: 0.64}, {0: -0.4, 1: 1.6}, p * (1 - p)
    mass = {0: 1 - p, 1: p}

    def single(x):
        tangent = (p - 0.2) ** 2 + 2 * (p - 0.2) * (x - p)
        return (f[x] - eta * tangent) * (x - p) + eta * 2 * (p - 0.2) * pq

    def pair(x, y):
        gap = f[x] + eta * slope[y] * (x - p) - f[y] - eta * slope[x] * (y - p)
        return gap * (x - y) / 2 - eta * (slope[x] + slope[y]) / 2 * pq

    ones = [(mass[x], single(x)) for x in (0, 1)]
    pairs = [(mass[x] * mass[y], pair(x, y)) for x in (0, 1) for y in (0, 1)]
    for outcomes, name, samples in ((ones, "mu-prop", 1), (pairs, "double-control-variates", 2)):
        mean = sum(m * g for m, g in outcomes)
        assert mean == pytest.approx(0.6 * pq, rel=1e-12)
        variance = sum(m * (g - mean) ** 2 for m, g in outcomes)
        fields = {"coefficient": coefficient, "fit_steps": 0}
        assert holds(moments(problem, name, samples, **fields), variance, mean)


def test_double_control_variates_learn_to_beat_leave_one_out():
    learned = moments(three(), "double-control-variates", 2, 20_000)
    assert means(learned, -0.045)
    plain = variance_interval(moments(three(), "reinforce-loo", 2))
    assert variance_interval(learned).high < plain.low


def test_without_replacement_three_bernoullis():
    problem = three()
    for name in ("unordered-set", "sum-and-sample"):
        whole = moments(problem, name, 8, 2_000)
        assert holds(whole, 0.0)
        assert float(whole.mean) == pytest.approx(-0.045, abs=1e-15)
        assert holds(moments(problem, name, 1), 0.43842, -0.045)  # plain REINFORCE
        for samples in (2, 3, 5):
            assert means(moments(problem, name, samples, 20_000), -0.045)
    exact = moments(problem, "enumeration", replicates=1_000)
    assert holds(exact, 0.0)
    assert float(exact.mean) == pytest.approx(-0.045, abs=1e-15)


def test_the_probability_of_a_set_is_the_sum_over_its_orders():
    p, rest = (
        torch.tensor([0.4, 0.05, 0.2], dtype=torch.float64),
        torch.tensor(0.35, dtype=torch.float64),
    )

    def in_order(order, total):
        return math.prod(float(p[i]) / (total - sum(float(p[j]) for j in order[:n]))
                         for n, i in enumerate(order))  # fmt: skip

    found = next_draws(p, rest)
    for subset in range(1, 8):
        members = [i for i in range(3) if subset >> i & 1]
        gone = sum(float(p[i]) for i in range(3) if i not in members)
        exact = sum(in_order(order, 1 - gone) for order in itertools.permutations(members))
        assert float(found[subset]) == pytest.approx(exact, rel=1e-13)


def test_two_hundred_bernoullis():
    """K = 2, mean over the dimensions: DisARM 1.24375e-9, exact mean 6.21875e-10."""
    problem = two_hundred()

    def mean_cost(dist):
        p = dist.base_dist.probs
        return (p * 0.501**2 + (1 - p) * 0.499**2).mean(-1)

    assert holds(moments(problem, "disarm", 2, 20_000), 200 * 1.24375e-9)
    exact_mean = moments(problem, "reinforce-exact-mean", 2, 20_000, mean=mean_cost)
    assert holds(exact_mean, 200 * 6.21875e-10)


def test_strata_split_the_variance():
    """A Bernoulli with p = ½ in K = 2 strata: one sample in each, so the mean is always exact."""
    assert holds(moments(bernoulli(0.45, 0.0), "stratified", 2, 2_000), 0.0)
    whole = moments(three(), "stratified", 4)
    assert means(whole, -0.045)
    assert variance_interval(whole).high < 0.43842 / 4


def test_factors_with_terms_of_their_own():
    """Var = Σ_d p q (f_d(1)² q + f_d(0)² p) − g_d²: no factor hears the others' costs."""
    problem = problems.load("bernoulli-10-quadratic")
    p = problem.parameters["logits"].sigmoid()
    q, one, zero = 1 - p, 0.55**2, 0.45**2
    variance = (p * q * (q * one**2 + p * zero**2) - (p * q * (one - zero)).square()).sum()
    whole = moments(problem, "reinforce-rao-blackwell", terms=lambda x, dist: (x - 0.45).square())
    assert holds(whole, float(variance))
    assert (
        (whole.mean[0] - p * q * (one - zero)).abs() < 4 * (whole.m2[0] / REPLICATES**2).sqrt()
    ).all()
    told = moments(problem, "reinforce-rao-blackwell")  # by the cost itself
    assert holds(told, float(variance))
    with pytest.raises(estimators.Unsupported, match="terms"):
        estimators.create("reinforce-rao-blackwell").surrogate(problem.dist(), lambda x: x.sum(-1))


# Straight-through: the mean is a sum over the points, each sampled with its own probability.


def expected_gradient(monkeypatch, name, dist, logits, cost, **fields):
    """E ĝ, exactly, of an estimator that is a function of x: every point once, weighted by p."""
    points = capabilities.support_points(dist)
    weight = len(points) * dist.log_prob(points).exp().detach()
    monkeypatch.setattr(capabilities, "perturbed_logits", lambda *_: (points - 0.5) * 1e3)
    estimator = estimators.create(name, **fields)
    surrogate = estimator.surrogate(dist, lambda x: weight * cost(x), len(points))
    return torch.autograd.grad(surrogate, logits, retain_graph=True)[0]


def exact_gradient(dist, logits, cost):
    points = capabilities.support_points(dist)
    mean = (dist.log_prob(points).exp() * cost(points)).sum()
    return torch.autograd.grad(mean, logits, retain_graph=True)[0]


SHAPES = {
    "Bernoulli": ((), lambda logits: Bernoulli(logits=logits)),
    "4 Bernoullis": ((4,), lambda logits: Independent(Bernoulli(logits=logits), 1)),
    "OneHotCategorical": ((5,), lambda logits: OneHotCategorical(logits=logits)),
    "2 × 3 classes": ((2, 3), lambda logits: Independent(OneHotCategorical(logits=logits), 1)),
}


def random_case(label, seed):
    generator = torch.Generator().manual_seed(seed)
    shape, family = SHAPES[label]

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    logits = normal(*shape).requires_grad_()
    dist = family(logits)
    size = dist.event_shape.numel()
    matrix, vector = normal(size, size), normal(size)

    def linear(x):
        return x.reshape(*x.shape[: x.ndim - len(dist.event_shape)], size) @ vector

    def quadratic(x):
        flat = x.reshape(*x.shape[: x.ndim - len(dist.event_shape)], size)
        return (flat @ matrix * flat).sum(-1) + flat @ vector

    return dist, logits, linear, quadratic


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("label", SHAPES)
def test_rein_max_is_unbiased_for_quadratic_costs(monkeypatch, label, seed):
    dist, logits, _, quadratic = random_case(label, seed)
    exact = exact_gradient(dist, logits, quadratic)
    found = expected_gradient(monkeypatch, "rein-max", dist, logits, quadratic)
    torch.testing.assert_close(found, exact, rtol=0, atol=2e-14)
    euler = expected_gradient(monkeypatch, "straight-through", dist, logits, quadratic)
    assert (euler - exact).abs().max() > 1e-3


@pytest.mark.parametrize("label", SHAPES)
def test_straight_through_is_unbiased_for_linear_costs(monkeypatch, label):
    dist, logits, linear, _ = random_case(label, 0)
    exact = exact_gradient(dist, logits, linear)
    for name, fields in (
        ("straight-through", {}),
        ("rein-max", {}),
        ("decoupled-straight-through", {"temperature": 1.0}),
    ):
        found = expected_gradient(monkeypatch, name, dist, logits, linear, **fields)
        torch.testing.assert_close(found, exact, rtol=0, atol=2e-14)


@pytest.mark.parametrize(("power", "bias"), [(1.5, -0.4992), (2.0, 0.0), (3.0, 0.9934)])
@pytest.mark.parametrize("name", ["straight-through", "rein-max"])
def test_the_polynomial_toy(monkeypatch, name, power, bias):
    logits = torch.zeros((), dtype=torch.float64, requires_grad=True)
    dist = Bernoulli(logits=logits)

    def cost(x):
        return (x - 0.45).abs() ** power

    exact = exact_gradient(dist, logits, cost)
    found = expected_gradient(monkeypatch, name, dist, logits, cost)
    assert float(found / exact - 1) == pytest.approx(bias, abs=5e-5)


@pytest.mark.parametrize("logits", [-0.4, 1.3])
def test_known_bias_of_the_relaxed(monkeypatch, logits):
    """f' is −.9 at 0 and 1.1 at 1, and ∂x is written out for each sample of a Bernoulli."""
    p, slope = sigmoid(logits), {0: -0.9, 1: 1.1}

    def bump(z, temperature):  # ∂σ(z/τ)/∂z
        s = sigmoid(z / temperature)
        return s * (1 - s) / temperature

    gapped = p * 1.1 * bump(max(logits, 0.7), 0.6) - (1 - p) * 0.9 * bump(max(-logits, 0.7), 0.6)
    decoupled = (p * 1.1 - (1 - p) * 0.9) * bump(logits, 0.6)
    leaf = torch.tensor(logits, dtype=torch.float64).requires_grad_()
    for name, fields, exact in (
        ("gapped-straight-through", {"temperature": 0.6, "gap": 0.7}, gapped),
        ("decoupled-straight-through", {"temperature": 0.6}, decoupled),
    ):
        dist = Bernoulli(logits=leaf)
        found = expected_gradient(
            monkeypatch, name, dist, leaf, lambda x: (x - 0.45).square(), **fields
        )
        assert float(found) == pytest.approx(exact, rel=1e-12)
    monkeypatch.undo()
    inside = {1: sigmoid(logits) - sigmoid(logits - 0.8), 0: sigmoid(logits + 0.8) - p}
    sparse = sum(inside[x] * slope[x] / 1.6 for x in (0, 1))  # (z/τ + 1)/2 where |z| < τ
    problem = bernoulli(0.45, logits)
    assert means(moments(problem, "sparsemax-straight-through", temperature=0.8), sparse)


def quantiles(logits):
    u = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    return logits + u.log() - torch.log1p(-u)


@pytest.mark.parametrize("logits", [-0.4, 1.3])
def test_known_bias_by_the_noise(logits):
    """Means over the quantiles of the logistic noise."""
    problem, z = bernoulli(0.45, logits), quantiles(logits)
    s = z.sigmoid()  # temperature 1
    stretched = 1.2 * s - 0.1
    hard = (2 * (stretched - 0.45) * 1.2 * s * (1 - s) * ((stretched > 0) & (stretched < 1))).mean()
    assert means(moments(problem, "hard-concrete", temperature=1.0), float(hard))
    at_sample = torch.where(z > 0, 1.1, -0.9) * s * (1 - s)
    plain = moments(problem, "gumbel-rao", temperature=1.0)
    assert means(plain, float(at_sample.mean()))  # the mean of straight-through Gumbel-softmax
    move = (1 - (-z.abs()).exp()) * (z.sign() * logits).sigmoid()
    total = moments(problem, "gumbel-rao-total", temperature=1.0)
    assert means(total, float((at_sample * move).mean()))


def test_one_relaxation_is_straight_through_gumbel_softmax_and_many_are_quieter():
    problem = problems.load("one-hot-quadratic")
    hard = moments(problem, "gumbel-softmax-hard")
    one = moments(problem, "gumbel-rao", relaxations=1)
    many = moments(problem, "gumbel-rao", relaxations=20, replicates=20_000)
    error = ((hard.m2 + one.m2) / REPLICATES**2).sqrt()
    assert ((hard.mean - one.mean).abs() < 4 * error).all()
    assert holds(one, variance_interval(hard).value)
    assert variance_interval(many).high < 0.9 * variance_interval(hard).low
    off = (many.mean - hard.mean).abs()
    assert (off < 4 * (many.m2 / 20_000**2 + hard.m2 / REPLICATES**2).sqrt()).all()


# What the families can do.


@pytest.mark.parametrize("label", SHAPES)
def test_conditional_logits_have_the_law_of_logits_with_that_sample(label):
    dist = random_case(label, 4)[0]
    with stream(stream_key("conditional", label)), torch.no_grad():
        z = capabilities.perturbed_logits(dist, (100_000,))
        x = capabilities.harden(dist, z)
        again = capabilities.conditional_logits(dist, x)
    assert torch.equal(capabilities.harden(dist, again), x)
    for moment in (lambda t: t, torch.square, lambda t: t * x, lambda t: t.square() * x):
        a, b = moment(z), moment(again)
        error = ((a.var(0) + b.var(0)) / 100_000).sqrt()
        assert ((a.mean(0) - b.mean(0)).abs() < 4.5 * error).all()


@pytest.mark.parametrize("label", SHAPES)
def test_given_sample_is_the_derivative_at_fixed_conditional_noise(label):
    shape, family = SHAPES[label]
    _, logits, _, _ = random_case(label, 5)
    points = capabilities.support_points(family(logits))
    z = conditional(family, logits, points)
    weight = torch.randn(z.shape, generator=torch.Generator().manual_seed(6), dtype=z.dtype)
    moved = capabilities.given_sample(family(logits), z)
    assert torch.equal(moved, z)
    found = torch.autograd.grad((weight * moved).sum(), logits)[0]
    for place in itertools.product(*[range(n) for n in shape]):
        step = torch.zeros_like(logits)
        step[place] = 1e-5
        up, down = (conditional(family, logits.detach() + s * step, points) for s in (1, -1))
        numeric = (weight * (up - down)).sum() / 2e-5
        assert float(found[place]) == pytest.approx(float(numeric), abs=1e-7)


def conditional(family, logits, points):
    with stream(stream_key("given")):
        return capabilities.conditional_logits(family(logits), points)


def test_sparsify_projects_onto_the_simplex():
    z = torch.randn(500, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2
    dist = OneHotCategorical(logits=torch.zeros(6).double())
    low, high = z.min(-1).values - 1, z.max(-1).values
    for _ in range(60):  # bisection for the threshold
        middle = (low + high) / 2
        above = (z - middle.unsqueeze(-1)).clamp_min(0).sum(-1) > 1
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    expected = (z - low.unsqueeze(-1)).clamp_min(0)
    torch.testing.assert_close(capabilities.sparsify(dist, z), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("label", SHAPES)
def test_the_support_and_its_probabilities_agree(label):
    shape, family = SHAPES[label]
    dist = family(torch.randn(3, 2, *shape, dtype=torch.float64))
    points, log_p = capabilities.support_points(dist), capabilities.support_log_prob(dist)
    assert points.shape == (len(points), 3, 2, *dist.event_shape)
    assert len(points[:, 0, 0].unique(dim=0)) == len(points)
    torch.testing.assert_close(log_p, dist.log_prob(points), rtol=0, atol=1e-12)
    torch.testing.assert_close(log_p.exp().sum(0), torch.ones(3, 2).double(), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("name", "dist", "samples", "says"),
    [
        ("arm", Bernoulli(logits=torch.zeros(2)), 3, "even number"),
        ("disarm", OneHotCategorical(logits=torch.zeros(3)), 2, "Bernoulli"),
        ("arms", Bernoulli(logits=torch.zeros(2)), 1, "samples=2"),
        ("arms", Normal(torch.zeros(2), 1.0), 2, "Bernoulli"),
        ("enumeration", Poisson(torch.ones(2)), 1, "finite support"),
        ("enumeration", Independent(Bernoulli(logits=torch.zeros(17)), 1), 1, "65536"),
        ("sum-and-sample", Normal(torch.zeros(2), 1.0), 2, "finite support"),
        ("unordered-set", Bernoulli(logits=torch.zeros(2)), 11, "samples=10"),
        ("reinforce-exact-mean", Poisson(torch.ones(2)), 1, "finite support"),
        ("double-control-variates", Bernoulli(logits=torch.zeros(2)), 1, "mu-prop"),
        ("mu-prop", Normal(torch.zeros(2), 1.0), 1, "relaxation"),
        ("rebar", Gamma(torch.ones(2), 1.0), 1, "relaxation"),
        ("relax", Poisson(torch.ones(2)), 1, "relaxation"),
        ("hard-concrete", OneHotCategorical(logits=torch.zeros(3)), 1, "Bernoulli"),
        ("rein-max", Normal(torch.zeros(2), 1.0), 1, "relaxation"),
    ],
)
def test_refusals_name_the_way_out(name, dist, samples, says):
    reason = estimators.create(name).unsupported(dist, samples)
    assert reason is not None
    assert says in reason
    assert "use" in reason


@pytest.mark.parametrize("name", ["mu-prop", "double-control-variates", "rebar"])
def test_costs_without_a_derivative_are_refused(name):
    logits = torch.zeros(3, requires_grad=True)
    estimator = estimators.create(name)
    with pytest.raises(estimators.Unsupported, match="no derivative"):
        estimator.surrogate(Bernoulli(logits=logits), lambda x: x.detach() * 2.0, 2)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("gapped-straight-through", {"gap": -1.0}),
        ("gumbel-rao", {"relaxations": 0}),
        ("hard-concrete", {"low": 0.1}),
        ("rebar", {"temperature": 0.0}),
        ("reinforce-nvil", {"fit_steps": 0}),
        ("relax", {"hidden": 0}),
    ],
)
def test_nonsense_is_refused_at_once(name, fields):
    with pytest.raises(ValueError, match="must"):
        estimators.create(name, **fields)
