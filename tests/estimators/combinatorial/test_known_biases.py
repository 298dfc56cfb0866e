"""Means of the estimators of subsets and rankings, against their known values.

A mean is compared within `Z` of its own standard errors at a fixed seed; what it is compared with
comes from enumeration, from the logistic law of a difference of two perturbed logits, or from an
integral over that difference.
"""

import math

import pytest
import torch

import estimators
from benchmarks import measure, problems, ratio
from benchmarks.truth.exact import find_truth
from estimators.distributions import (
    ConditionalBernoulli,
    OneHotPlackettLuce,
    PerturbedOracle,
    PlackettLuce,
    TopK,
)

Z = 4.5
REPLICATES = 20_000
LOGITS = torch.tensor([0.6, -0.4, 0.1, 1.0], dtype=torch.float64)
WEIGHTS = torch.tensor([1.0, -0.7, 0.4, 1.6], dtype=torch.float64)
PAIR = torch.tensor([0.7, 0.2], dtype=torch.float64)
COSTS = torch.tensor([[0.3, -1.0], [0.5, 0.2]], dtype=torch.float64)


def quadratic(x):
    return (x @ WEIGHTS - 0.3).square()


def slope_of_quadratic(x):
    return 2 * (x @ WEIGHTS - 0.3).unsqueeze(-1) * WEIGHTS


def curved(x):
    """A cost of two coordinates whose slope differs at (1, 0) and (0, 1)."""
    return (1.5 * x[..., 0] - 0.2).square() - 0.4 * x[..., 1]


def matrix_cost(x):
    return ((x * COSTS).sum((-1, -2)) - 0.2).square()


def mean_of(name, family, cost, parameter=LOGITS, samples=1, replicates=REPLICATES, **fields):
    """The mean gradient of an estimator and its standard errors."""
    torch.manual_seed(5)
    estimator = estimators.create(name, **fields)
    found = estimators.replicate_gradients(
        estimator, family, {"logits": parameter}, cost, samples, replicates
    )["logits"]
    return found.mean(0), found.std(0) / replicates**0.5


def agrees(found, exact):
    mean, error = found
    return ((mean - exact).abs() <= Z * error + 1e-12).all()


def enumerated(dist):
    """Every point, its probability and its score: [N, n], [N], [N, n]."""
    logits = dist.logits
    x = dist.enumerate_support()
    log_p = dist.log_prob(x)
    score = torch.stack([torch.autograd.grad(each, logits, retain_graph=True)[0] for each in log_p])
    return x, log_p.detach().exp(), score


@pytest.mark.parametrize("law", [ConditionalBernoulli, TopK])
def test_simple_is_off_by_what_the_sum_over_subsets_says(law):
    logits = LOGITS.clone().requires_grad_()
    x, p, score = enumerated(law(2, logits))
    jacobian = torch.einsum("s,si,sj->ij", p, x, score)  # ∂μ_i / ∂logit_j
    biased = torch.einsum("s,si,ij->j", p, slope_of_quadratic(x), jacobian)
    exact = torch.einsum("s,s,sj->j", p, quadratic(x), score)
    found = mean_of("simple", lambda logits: law(2, logits), quadratic)
    assert agrees(found, biased)
    assert not agrees(found, exact)


def test_simple_is_exact_for_linear_costs():
    for name in ("subset-linear", "permutation-assignment"):
        problem = problems.load(name)
        row = measure(problem, "simple", replicates=200, timed=False)
        assert row.variance < 1e-20
        assert row.bias_verdict == "unbiased"


def by_difference(slope):
    """E[slope(d)] over d = logit_0 − logit_1 + logistic noise: what n = 2 comes down to."""
    noise = torch.linspace(-45, 45, 900_001, dtype=torch.float64)
    density = noise.sigmoid() * (-noise).sigmoid()
    return torch.trapezoid(density * slope(PAIR[0] - PAIR[1] + noise), noise)


@pytest.mark.parametrize("hard", [False, True])
def test_relaxed_top_k_of_two_is_a_binary_concrete(hard):
    temperature = 0.7

    def slope(d):
        soft = (d / temperature).sigmoid()
        x = (d > 0).to(d) if hard else soft
        return (3 * (1.5 * x - 0.2) + 0.4) * soft * (1 - soft) / temperature

    exact = by_difference(slope)
    name = "relaxed-top-k-hard" if hard else "relaxed-top-k"
    found = mean_of(name, lambda logits: TopK(1, logits), curved, PAIR, temperature=temperature)
    assert agrees(found, torch.stack((exact, -exact)))


SHARPNESS = {"neural-sort": 1.0, "soft-sort": 1.0, "gumbel-sinkhorn": 0.5}


@pytest.mark.parametrize("hard", [False, True])
@pytest.mark.parametrize("name", SHARPNESS)
def test_relaxed_sorts_of_two_are_sigmoids(name, hard):
    """x = [[a, 1 − a], [1 − a, a]] with a = σ(d / τ), or for Sinkhorn σ(d / 2τ)."""
    sharpness = SHARPNESS[name] / 0.8
    gap = COSTS[0, 0] + COSTS[1, 1] - COSTS[0, 1] - COSTS[1, 0]
    rest = COSTS[0, 1] + COSTS[1, 0]

    def slope(d):
        soft = (sharpness * d).sigmoid()
        a = (d > 0).to(d) if hard else soft
        return 2 * (gap * a + rest - 0.2) * gap * soft * (1 - soft) * sharpness

    exact = by_difference(slope)
    name = name + "-hard" if hard else name
    found = mean_of(name, OneHotPlackettLuce, matrix_cost, PAIR, temperature=0.8)
    assert agrees(found, torch.stack((exact, -exact)))


def test_sinkhorn_is_doubly_stochastic_and_cold_relaxations_are_hard():
    z = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    sinkhorn = estimators.create("gumbel-sinkhorn", iterations=200).relax(z)
    assert (sinkhorn.sum(-1) - 1).abs().max() < 1e-9
    hard = OneHotPlackettLuce(z).harden(z)
    for name in ("neural-sort", "soft-sort"):
        cold = estimators.create(name, temperature=1e-3).relax(z)
        assert (cold - hard).abs().max() < 1e-6


def logistic_cdf(d):
    return 1 / (1 + math.exp(-d))


def crossing(shift_if_first, shift_if_second, gap):
    """P(first wins after its own shift): d > 0 and d > shift, or d < 0 and d > the other shift."""
    above = 1 - logistic_cdf(max(shift_if_first, 0) - gap)
    between = max(logistic_cdf(-gap) - logistic_cdf(min(shift_if_second, 0) - gap), 0.0)
    return above + between


def slopes_of_curved():
    """∂f/∂x_0 − ∂f/∂x_1 and ‖∇f‖ at (1, 0) and at (0, 1)."""
    at_first, at_second = 3 * (1.5 - 0.2), 3 * (0 - 0.2)
    return [(s + 0.4, math.hypot(s, 0.4)) for s in (at_first, at_second)]


@pytest.mark.parametrize("strength", [0.3, 2.0])
def test_implicit_mle_of_two(strength):
    gap = (PAIR[0] - PAIR[1]).item()
    (first, _), (second, _) = slopes_of_curved()
    exact = logistic_cdf(gap) - crossing(strength * first, strength * second, gap)
    found = mean_of("i-mle", lambda logits: TopK(1, logits), curved, PAIR, strength=strength)
    assert agrees(found, torch.tensor([exact, -exact], dtype=torch.float64))


def test_adaptive_implicit_mle_of_two():
    gap, strength = (PAIR[0] - PAIR[1]).item(), 0.8
    exact = 0.0
    for side, (slope, norm) in zip((1, -1), slopes_of_curved(), strict=True):
        size = strength * PAIR.norm().item() / norm
        low, high = sorted((-size * slope, size * slope))  # of d, within which the two differ
        low, high = (max(low, 0), max(high, 0)) if side > 0 else (min(low, 0), min(high, 0))
        mass = logistic_cdf(high - gap) - logistic_cdf(low - gap)
        exact += math.copysign(mass, slope) / (2 * size)
    found = mean_of("aimle", lambda logits: TopK(1, logits), curved, PAIR, strength=strength)
    assert agrees(found, torch.tensor([exact, -exact], dtype=torch.float64))


def test_the_step_of_aimle_adapts_until_estimates_are_dense_enough():
    torch.manual_seed(0)
    dist = TopK(2, LOGITS.expand(300, -1))
    for strength in (0.05, 6.0):
        fitted = estimators.create("aimle", strength=strength, fit_steps=200).fitted(
            dist, quadratic, 4
        )
        assert 0.2 < fitted.scale.mean() < 3
        assert fitted.scale.std() > 0


def test_blackbox_differentiation_is_a_difference_of_two_solutions():
    x = torch.tensor([1.0, 0, 0, 1.0], dtype=torch.float64)  # the two largest logits
    slope = slope_of_quadratic(x)
    moved = LOGITS - 0.4 * slope
    other = torch.zeros(4, dtype=torch.float64).scatter(0, moved.topk(2).indices, 1.0)
    mean, error = mean_of(
        "blackbox-differentiation", lambda logits: TopK(2, logits), quadratic,
        strength=0.4, replicates=3,
    )  # fmt: skip
    assert torch.allclose(mean, (x - other) / 0.4)
    assert (other != x).any()
    assert (error == 0).all()


@pytest.mark.parametrize("samples", [1, 2, 40])
def test_a_perturbed_optimiser_has_a_truth_of_its_own(samples):
    """E ĝ = 2 (E[(wx)² s] / K + (1 − 1/K) m ∇m − 0.3 ∇m), m = w E[x]; in the limit ∇ f(E[x])."""
    logits = LOGITS.clone().requires_grad_()
    x, p, score = enumerated(TopK(2, logits))
    along = x @ WEIGHTS
    square, slope = ((p * v) @ score for v in (along.square(), along))
    m = p @ along
    exact = 2 * (square / samples + (1 - 1 / samples) * m * slope - 0.3 * slope)
    found = mean_of(
        "perturbed-optimiser", lambda logits: TopK(2, logits), quadratic, samples=samples
    )
    assert agrees(found, exact)
    (own,) = torch.autograd.grad(quadratic(TopK(2, logits).mean), logits)
    limit = 2 * (m - 0.3) * slope
    assert torch.allclose(own, limit, rtol=1e-9)
    assert not agrees(found, (p * quadratic(x)) @ score)  # ∇ E[f(x)] is another


def test_smoothing_is_unbiased_for_what_only_an_oracle_knows():
    def two_largest(z):
        return torch.zeros_like(z).scatter(-1, z.topk(2, -1).indices, 1.0)

    logits = LOGITS.clone().requires_grad_()
    x, p, score = enumerated(TopK(2, logits))
    exact = (p * quadratic(x)) @ score
    found = mean_of(
        "gumbel-smoothing", lambda logits: PerturbedOracle(logits, two_largest), quadratic,
        samples=4,
    )  # fmt: skip
    assert agrees(found, exact)
    for name in ("i-mle", "aimle", "blackbox-differentiation", "perturbed-optimiser"):
        same = [
            mean_of(name, family, quadratic, replicates=50)[0]
            for family in (
                lambda logits: PerturbedOracle(logits, two_largest),
                lambda logits: TopK(2, logits),
            )
        ]
        assert torch.equal(*same)
    oracle = PerturbedOracle(logits, two_largest)
    assert "log_prob" in estimators.create("reinforce").unsupported(oracle)
    with pytest.raises(ValueError, match="one point for each"):
        PerturbedOracle(logits, lambda z: z[..., :2]).sample()


def test_placements_are_quieter_and_the_next_item_in_expectation_more_so():
    rows = [
        measure(problems.load("ranking-dcg"), name, samples=2, replicates=4_000, timed=False)
        for name in ("reinforce", "reinforce-placement", "pl-rank")
    ]
    assert ratio(rows[1], rows[0]).high < 1
    assert ratio(rows[2], rows[1]).high < 0.7


@pytest.mark.parametrize("k", [2, 4])
def test_pl_rank_is_exact_by_enumeration(k):
    """Σ_x p(x) ĝ(x) = ∇ E f to rounding: ĝ of each ordering, from a sampler that returns it."""
    cost = problems.load("ranking-dcg").cost
    logits = LOGITS.clone().requires_grad_()
    dist = PlackettLuce(logits, k)
    orders = dist.enumerate_support()
    p = dist.log_prob(orders).exp()
    (exact,) = torch.autograd.grad((p * cost(orders, dist)).sum(), logits)
    for name in ("pl-rank", "reinforce-placement"):
        total = torch.zeros(4, dtype=torch.float64)
        for order, mass in zip(orders, p.detach(), strict=True):
            fixed = PlackettLuce(logits, k)
            fixed.sample = lambda shape, order=order: order.expand(*shape, -1)
            surrogate = estimators.create(name).surrogate(fixed, cost, 1)
            total += mass * torch.autograd.grad(surrogate, logits)[0]
        assert (total - exact).abs().max() < 1e-12


def test_gradients_of_problems_are_those_of_a_sum_by_hand():
    """Six and more problems: ∇ Σ_x p(x) f(x) by differences of the plain sum over all points."""
    chosen = [
        "subset-linear", "subset-quadratic", "subset-distance", "subset-cover", "top-k-quadratic",
        "top-k-cover", "ranking-dcg", "ranking-dcg-top-2", "ranking-inversions",
        "permutation-assignment", "permutation-tour", "permutation-displacement",
    ]  # fmt: skip
    for name in chosen:
        problem = problems.load(name)
        truth = find_truth(problem)
        assert truth.method == "enumeration"

        def value(logits, problem=problem):
            dist = problem.family(logits=logits)
            x = dist.enumerate_support()
            return (dist.log_prob(x).exp() * problem.cost(x, dist)).sum()

        at, step = problem.parameters["logits"], 1e-5
        by_hand = [
            (value(at + step * unit) - value(at - step * unit)) / (2 * step)
            for unit in torch.eye(len(at), dtype=at.dtype)
        ]
        assert torch.allclose(truth.gradient, torch.stack(by_hand), rtol=1e-7, atol=1e-9), name
        assert truth.gradient.abs().max() > 0.01
