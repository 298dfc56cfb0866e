"""Measure-valued, antithetic and smoothed estimators: exact means and variances."""

import math

import pytest
import torch
from replicate_moments import (
    LAMBDA,
    Z,
    bump,
    cosine,
    gradients,
    quadratic,
    z_of_mean,
    z_of_variance,
)
from torch.distributions import (
    Bernoulli,
    Binomial,
    Exponential,
    Gamma,
    Geometric,
    Laplace,
    NegativeBinomial,
    Normal,
    Poisson,
)

from benchmarks import Problem, measure
from benchmarks.problems import load
from estimators import create

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


def test_measure_valued_charges_two_evaluations_for_each_parameter_and_coordinate():
    m = measure(load("normal-10-quadratic"), "measure-valued", samples=3, replicates=500)
    assert m.evaluations == 3 * (1 + 2 * 2 * 10)


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
