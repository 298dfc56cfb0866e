"""Estimators for continuous distributions and by perturbation, against exact numbers.

Means and variances of R replicates are compared with closed forms, within `Z` standard errors of
each; the standard error of a variance is √((m₄ − v²)/R). Where a variance is exactly zero, only
roundoff is allowed.
"""

import math

import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Beta,
    Binomial,
    Dirichlet,
    Exponential,
    Gamma,
    Geometric,
    Independent,
    Laplace,
    LowRankMultivariateNormal,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Poisson,
)

from benchmarks import Problem, measure
from benchmarks.problems import load
from estimators import Unsupported, create, replicate_gradients
from estimators.continuous.rqmc_pathwise import shifted_points

Z = 4.5
ROUNDOFF = 1e-20  # of a variance that is zero, relative to gradients of order one
REPLICATES = 100_000

LAMBDA = {"loc": 1.0, "scale": 1.0}


def quadratic(k):
    return lambda x: (x - k).square()


def bump(k):
    return lambda x: (-k * x.square()).exp()


def cosine(k):
    return lambda x: (k * x).cos()


# Mohamed et al. 2020, section 3: cost, Var ∂loc, Var ∂scale.
COUPLED = {
    **{
        f"quadratic {k}": (quadratic(k), (16 / math.pi - 4) * (1 - k) ** 2, 4 * (1 - k) ** 2 + 4)
        for k in (-3, 0, 3)
    },
    "exp 0.1": (bump(0.1), 0.002509, 0.021971),
    "exp 1": (bump(1.0), 0.012568, 0.070665),
    "exp 10": (bump(10.0), 0.020656, 0.116732),
    "cos 0.5": (cosine(0.5), 0.008275, 0.065266),
    "cos 1": (cosine(1.0), 0.028004, 0.202628),
    "cos 2": (cosine(2.0), 0.224083, 0.727427),
    "cos 5": (cosine(5.0), 0.295717, 0.999993),
}

# estimator, K, family, λ, cost, exact gradient, exact variance of one estimate.
EXACT = {
    "antithetic normal": (
        "antithetic-pathwise", 2, Normal, LAMBDA, quadratic(0.0), (2.0, 2.0), (0.0, 8.0),
    ),
    "sticking the landing, no log_prob": (
        "sticking-the-landing", 1, Normal, LAMBDA, quadratic(0.0), (2.0, 2.0), (4.0, 12.0),
    ),
    "measure-valued exponential": (  # (f(E) − f(E + E′))/λ, f = x: variance 1/λ⁴
        "measure-valued", 1, Exponential, {"rate": 1.5}, lambda x: x, (-1 / 1.5**2,), (1.5**-4,),
    ),
    "measure-valued gamma": (  # √(π/y) (y/β) has mean 1/β and variance (π/2 − 1)/β²
        "measure-valued", 1, Gamma, {"concentration": 2.0, "rate": 1.5}, lambda x: x,
        (1 / 1.5, -2 / 1.5**2), ((math.pi / 2 - 1) / 1.5**2, 2.0**2 / 1.5**4),
    ),
    "measure-valued laplace": (  # loc: E; scale: ±E′/b
        "measure-valued", 1, Laplace, LAMBDA, lambda x: x, (1.0, 0.0), (1.0, 2.0),
    ),
    "measure-valued poisson": (  # 2X + 1: mean 2λ + 1, variance 4λ
        "measure-valued", 1, Poisson, {"rate": 2.0}, quadratic(0.0), (5.0,), (8.0,),
    ),
    "measure-valued bernoulli": (
        "measure-valued", 1, Bernoulli, {"probs": 0.3}, quadratic(0.2), (0.6,), (0.0,),
    ),
    "measure-valued geometric": (  # −(1 + X)/p
        "measure-valued", 1, Geometric, {"probs": 0.4}, lambda x: x, (-(0.4**-2),), (0.6 / 0.4**4,),
    ),
    "measure-valued binomial": (  # n (2Y + 1), Y ~ Bin(n − 1, p)
        "measure-valued", 1, lambda probs: Binomial(4, probs), {"probs": 0.3}, quadratic(0.0),
        (11.2,), (64 * 3 * 0.3 * 0.7,),
    ),
    "smoothed bernoulli": (  # (f₁ − f₀) 1[x = 0]/(1 − p)
        "smoothed-perturbation", 1, Bernoulli, {"probs": 0.3}, quadratic(0.2), (0.6,),
        (0.36 * 0.3 / 0.7,),
    ),
    "smoothed poisson": (
        "smoothed-perturbation", 1, Poisson, {"rate": 2.0}, quadratic(0.0), (5.0,), (8.0,),
    ),
    "smoothed geometric": (  # −x/(pq)
        "smoothed-perturbation", 1, Geometric, {"probs": 0.4}, lambda x: x, (-(0.4**-2),),
        (1 / (0.4**4 * 0.6),),
    ),
    "smoothed binomial": (  # (n − x)/q
        "smoothed-perturbation", 1, lambda probs: Binomial(4, probs), {"probs": 0.3}, lambda x: x,
        (4.0,), (4 * 0.3 / 0.7,),
    ),
    "smoothed negative binomial": (  # (r + x)/q
        "smoothed-perturbation", 1, lambda probs: NegativeBinomial(3.0, probs), {"probs": 0.3},
        lambda x: x, (3 / 0.49,), (3 * 0.3 / 0.7**4,),
    ),
}  # fmt: skip

# Biased, in a way that is known: E x⁴ = loc⁴ + 6 loc² s² + 3 s⁴ at loc = s = 1, step h = ½.
STEP = 0.5
WIDTH = 0.15  # of normal steps, all of which must leave the scale positive
BIASED = {
    "finite-differences": (4 + 4 * STEP**2 + 12, 12 + 12 + 12 * STEP**2),
    "spsa": (  # E over signs adds ½ h² ∂loc ∂s² F = 12 loc h² and ½ h² ∂s ∂loc² F = 12 s h²
        4 + 4 * STEP**2 + 12 + 12 * STEP**2,
        12 + 12 + 12 * STEP**2 + 12 * STEP**2,
    ),
    "evolution-strategies": (  # ∇F at λ + hΔ, Δ normal
        4 * (1 + 3 * WIDTH**2) + 12 * (1 + WIDTH**2),
        12 * (1 + WIDTH**2) + 12 * (1 + 3 * WIDTH**2),
    ),
}


def gradients(estimator, samples, family, values, cost, replicates=REPLICATES):
    """R gradients of one estimate: [R, P]."""
    torch.manual_seed(0)
    parameters = {k: torch.as_tensor(v, dtype=torch.float64) for k, v in values.items()}
    found = replicate_gradients(estimator, family, parameters, cost, samples, replicates)
    return torch.cat([g.reshape(replicates, -1) for g in found.values()], 1)


def z_of_mean(g, exact):
    """Standard errors between the mean and the exact gradient; a zero error allows roundoff."""
    error = g.std(0) / len(g) ** 0.5
    return (g.mean(0) - torch.tensor(exact, dtype=torch.float64)).abs() / error.clamp_min(1e-13)


def z_of_variance(g, exact):
    """Standard errors between the variance and the exact one."""
    centred = (g - g.mean(0)).square()
    error = (centred.square().mean(0) - centred.mean(0).square()).sqrt() / len(g) ** 0.5
    return (centred.mean(0) - torch.tensor(exact, dtype=torch.float64)).abs() / error.clamp_min(
        ROUNDOFF
    )


@pytest.mark.parametrize(("cost", "loc", "scale"), COUPLED.values(), ids=COUPLED)
def test_coupled_measure_valued_variances(cost, loc, scale):
    g = gradients(create("measure-valued"), 1, Normal, LAMBDA, cost, 400_000)
    half_a_digit = torch.tensor([5e-7, 5e-7])  # of the reference
    centred = (g - g.mean(0)).square()
    error = centred.var(0).sqrt() / len(g) ** 0.5
    assert (
        (centred.mean(0) - torch.tensor([loc, scale], dtype=torch.float64)).abs()
        < Z * error + half_a_digit
    ).all()


@pytest.mark.parametrize("row", EXACT.values(), ids=EXACT)
def test_means_and_variances_are_exact(row):
    name, samples, family, values, cost, mean, variance = row
    g = gradients(create(name), samples, family, values, cost)
    assert (z_of_mean(g, mean) < Z).all()
    assert (z_of_variance(g, variance) < Z).all()


@pytest.mark.parametrize("name", BIASED)
def test_perturbations_have_their_known_bias(name):
    step = WIDTH if name == "evolution-strategies" else STEP
    g = gradients(create(name, step=step), 1, Normal, LAMBDA, lambda x: x**4, 1_000_000)
    assert (z_of_mean(g, BIASED[name]) < Z).all()
    assert (z_of_mean(g, (16.0, 24.0)) > Z).all()  # the exact gradient is excluded
    assert not create(name).unbiased


UNBIASED = [
    "antithetic-pathwise", "generalised-reparameterisation", "measure-valued",
    "rejection-reparameterisation", "rqmc-pathwise", "smoothed-perturbation",
    "sticking-the-landing", "stochastic-triples",
]  # fmt: skip
TOYS = [
    "normal-quadratic", "normal-step", "gamma-quadratic", "exponential-exp-quadratic",
    "poisson-quadratic", "bernoulli-10-quadratic", "student-t-cosine", "truncated-normal-cosine",
    "beta-quadratic", "von-mises-cosine", "mixture-exp-quadratic",
]  # fmt: skip


@pytest.mark.parametrize("problem", TOYS)
@pytest.mark.parametrize("name", UNBIASED)
def test_no_bias_is_found_on_the_toy_problems(name, problem):
    m = measure(load(problem), name, samples=2, replicates=10_000, timed=False)
    assert (m.status, m.bias_verdict) in {
        ("ok", "unbiased"), ("ok", "undetermined"), ("refused", None),
    }  # fmt: skip


GAMMAS = {
    "Gamma": (Gamma, {"concentration": 0.3, "rate": 1.5}),
    "Beta": (Beta, {"concentration1": 0.7, "concentration0": 1.6}),
    "Dirichlet": (Dirichlet, {"concentration": [0.6, 1.0, 2.5]}),
}


@pytest.mark.parametrize("name", ["rejection-reparameterisation", "generalised-reparameterisation"])
@pytest.mark.parametrize(("family", "values"), GAMMAS.values(), ids=GAMMAS)
def test_gamma_reparameterisations_give_the_exact_second_moments(name, family, values):
    leaves = {k: torch.tensor(v, dtype=torch.float64).requires_grad_() for k, v in values.items()}
    dist = family(**leaves)
    second = (dist.mean.square() + dist.variance)[..., :1].sum() if dist.event_shape else (
        dist.mean.square() + dist.variance
    )  # fmt: skip
    exact = torch.cat([g.reshape(-1) for g in torch.autograd.grad(second, leaves.values())])

    def cost(x, dist):
        return x[..., 0].square() if dist.event_shape else x.square()

    g = gradients(create(name), 1, family, values, cost)
    assert (z_of_mean(g, exact.tolist()) < Z).all()


def test_the_augmentation_quietens_the_correction():
    """Of a constant cost only the score of the noise is left, whose variance falls as 1/a²."""
    values = {"concentration": 2.0, "rate": 1.0}
    small, large = (
        gradients(
            create("rejection-reparameterisation", augmentation=b), 1, Gamma, values, bump(0.0)
        ).var(0)[0]
        for b in (1, 10)
    )
    assert 0 < large < small / 10


def test_sticking_the_landing_is_noiseless_at_the_optimum():
    def cost(x, dist):
        return dist.log_prob(x) - Normal(1.0, 1.0).log_prob(x)

    quiet = gradients(create("sticking-the-landing"), 1, Normal, LAMBDA, cost, 1_000)
    noisy = gradients(create("pathwise"), 1, Normal, LAMBDA, cost, 1_000)
    assert quiet.abs().max() < 1e-14
    assert noisy.var(0).min() > 0.1


def test_sticking_the_landing_keeps_the_gradient_of_an_analytic_kl():
    def cost(x, dist):
        return torch.distributions.kl_divergence(dist, Normal(0.0, 1.0)) + 0 * x

    g = gradients(create("sticking-the-landing"), 1, Normal, {"loc": 0.5, "scale": 2.0}, cost, 10)
    assert (z_of_mean(g, (0.5, 1.5)) < Z).all()


COVARIANCES = {
    "MultivariateNormal": (
        lambda loc, factor: MultivariateNormal(loc, scale_tril=factor.tril()),
        lambda factor: factor.tril() @ factor.tril().mT,
    ),
    "LowRankMultivariateNormal": (
        lambda loc, factor: LowRankMultivariateNormal(
            loc, factor, torch.ones(3, dtype=torch.float64).expand_as(loc)
        ),
        lambda factor: factor @ factor.mT + torch.eye(3),
    ),
}


@pytest.mark.parametrize(("family", "covariance"), COVARIANCES.values(), ids=COVARIANCES)
def test_optimal_transport_gives_the_gradient_of_a_quadratic_form(family, covariance):
    torch.manual_seed(1)
    factor = torch.randn(3, 3, dtype=torch.float64) + 2 * torch.eye(3)
    weight = torch.randn(3, 3, dtype=torch.float64)
    values = {"loc": torch.tensor([0.3, -0.2, 0.5], dtype=torch.float64), "factor": factor}

    def cost(x):
        return (x @ weight * x).sum(-1)

    leaves = {k: v.clone().requires_grad_() for k, v in values.items()}
    exact = (leaves["loc"] @ weight * leaves["loc"]).sum() + (
        weight * covariance(leaves["factor"])
    ).sum()
    exact = torch.cat([g.reshape(-1) for g in torch.autograd.grad(exact, leaves.values())])
    for name in ("optimal-mass-transport", "antithetic-pathwise", "rqmc-pathwise"):
        g = gradients(create(name), 2, family, values, cost, 50_000)
        assert (z_of_mean(g, exact.tolist()) < Z).all(), name


def test_optimal_transport_is_the_formula_of_its_paper():
    """Jankowiak & Obermeyer 2018, with Y and the two traces written out, as in Pyro."""
    torch.manual_seed(2)
    factor = torch.randn(4, 4, dtype=torch.float64).tril() + 3 * torch.eye(4)
    factor.requires_grad_()
    slope = torch.randn(4, dtype=torch.float64)
    seen = []

    def cost(x):
        seen.append(x.detach())
        return x @ slope

    dist = MultivariateNormal(torch.zeros(4, dtype=torch.float64), scale_tril=factor.tril())
    create("optimal-mass-transport").surrogate(dist, cost).backward()

    with torch.no_grad():
        z = seen[0][0]
        inverse = torch.linalg.inv(factor.tril().mT)
        precision = inverse @ inverse.mT
        values, vectors = torch.linalg.eigh(precision)
        pairs = 1 / (values[:, None] + values[None])
        y = vectors @ (torch.diag(z @ vectors) @ pairs @ torch.diag(slope @ vectors)) @ vectors.mT
        y = y + y.mT
        expected = torch.outer(slope, z @ inverse) + torch.outer(z, slope @ inverse)
        expected = (expected + precision @ y @ inverse - y @ precision @ inverse) / 2
    torch.testing.assert_close(factor.grad, expected.tril(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("samples", [1, 2, 8, 64])
def test_shifted_sobol_points_stay_a_net(samples):
    dist = Independent(Normal(torch.zeros(500, 3).double(), 1.0), 1)
    torch.manual_seed(0)
    u = shifted_points(dist, samples)  # [K, R, 3]
    strata = (u * samples).floor().sort(0).values
    assert torch.equal(strata, torch.arange(samples).double().reshape(-1, 1, 1).expand_as(strata))
    assert len(u[0].unique()) == u[0].numel()  # every replicate has a shift of its own


def test_quasi_monte_carlo_is_quieter_than_chance():
    values = {"loc": [0.5, -0.5, 1.0], "scale": [1.0, 2.0, 0.5]}

    def family(loc, scale):
        return Independent(Normal(loc, scale), 1)

    def cost(x):
        return x.cos().sum(-1)

    g = gradients(create("rqmc-pathwise"), 64, family, values, cost, 4_000)
    reference = gradients(create("pathwise"), 64, family, values, cost, 4_000)
    assert (g.var(0) < reference.var(0) / 4).all()


def test_stochastic_triples_follow_one_jump_and_charge_for_it():
    problem = load("bernoulli-10-quadratic")
    pruned = measure(problem, "stochastic-triples", replicates=2_000)
    smoothed = measure(problem, "smoothed-perturbation", replicates=2_000)
    assert (pruned.evaluations, smoothed.evaluations) == (2, 11)
    assert pruned.variance > smoothed.variance


def test_measure_valued_charges_two_evaluations_for_each_parameter_and_coordinate():
    m = measure(load("normal-10-quadratic"), "measure-valued", samples=3, replicates=500)
    assert m.evaluations == 3 * (1 + 2 * 2 * 10)


def test_perturbing_sees_the_same_parameters_however_often_probs_was_read():
    def family(logits):
        dist = Bernoulli(logits=logits)
        assert dist.probs.shape == logits.shape  # read, and so cached
        return dist

    step = create("finite-differences")
    fresh, read = (
        gradients(step, 4, f, {"logits": 0.3}, quadratic(0.2), 1_000)
        for f in (lambda logits: Bernoulli(logits=logits), family)
    )
    assert torch.equal(fresh, read)


REFUSALS = {
    "an odd K": ("antithetic-pathwise", Normal(0.0, 1.0), 3, "even number"),
    "discrete noise": ("rqmc-pathwise", Poisson(2.0), 2, "discrete"),
    "a family without pairs": ("measure-valued", Beta(2.0, 3.0), 1, "measure-valued"),
    "a continuous family": ("stochastic-triples", Normal(0.0, 1.0), 1, "jumps"),
    "a univariate normal": ("optimal-mass-transport", Normal(0.0, 1.0), 1, "implicit"),
    "no inverse cdf": ("spsa", Dirichlet(torch.ones(3)).expand((2,)), 1, None),
    "no gammas": ("rejection-reparameterisation", Normal(0.0, 1.0), 1, "gamma variables"),
}


@pytest.mark.parametrize(("name", "dist", "samples", "words"), REFUSALS.values(), ids=REFUSALS)
def test_refusals_are_sentences(name, dist, samples, words):
    reason = create(name).unsupported(dist, samples)
    assert reason is None if words is None else words in reason
    if words is not None:
        with pytest.raises(Unsupported, match=words):
            create(name).surrogate(dist, lambda x: x * 1.0, samples)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("finite-differences", {"step": 0.0}),
        ("spsa", {"step": -1.0}),
        ("evolution-strategies", {"step": 0.0}),
        ("rejection-reparameterisation", {"augmentation": 0}),
    ],
)
def test_nonsensical_fields_are_refused(name, fields):
    with pytest.raises(ValueError, match="must be"):
        create(name, **fields)


def test_a_planted_wrong_pair_is_found():
    """The measure-valued pair of a wrong scale: the suite must see it."""

    def family(loc, scale):
        return Normal(loc, scale)

    problem = Problem(
        "planted",
        {k: torch.tensor(v, dtype=torch.float64) for k, v in LAMBDA.items()},
        family,
        quadratic(0.0),
        {"loc": torch.tensor(2.0), "scale": torch.tensor(2.05)},
    )
    m = measure(problem, "measure-valued", samples=1, replicates=200_000, timed=False)
    assert m.bias_verdict == "biased"
