"""ReinMax with relaxed samples, against integrals over the noise of one Bernoulli."""

import math

import pytest
import torch
from torch.distributions import Bernoulli

import estimators
from benchmarks import measure, problems, ratio

LOGIT, TEMPERATURE = 0.6, 0.7
NOISE = torch.linspace(-40, 40, 400_001, dtype=torch.float64)  # logistic
DENSITY = NOISE.sigmoid() * (-NOISE).sigmoid()


def cost(x):
    """f'(0) = 1, f'(1) = −1.4."""
    return x - 1.2 * x.square()


def steepness(z):
    """The derivative of σ(z / τ)."""
    soft = (z / TEMPERATURE).sigmoid()
    return soft * (1 - soft) / TEMPERATURE


def mean_given(inside, z):
    """E[steepness(z)] over the noise, given that it lies `inside`."""
    mass = torch.where(inside, DENSITY, 0.0)
    return float(torch.trapezoid(mass * steepness(z), NOISE) / torch.trapezoid(mass, NOISE))


def sides():
    """For x = 0 and 1: its probability, f'(x), the sign of z, and the logit of (x + p) / 2."""
    p = 1 / (1 + math.exp(-LOGIT))
    for x, slope in ((0, 1.0), (1, -1.4)):
        halfway = (x + p) / 2
        yield (p if x else 1 - p), slope, x == 1, math.log(halfway / (1 - halfway)), halfway


def expected(coefficient=None):
    p = 1 / (1 + math.exp(-LOGIT))
    total = 0.0
    for mass, slope, above, near, halfway in sides():
        relaxed = mean_given((NOISE + near > 0) == above, NOISE + near)
        unconditioned = mean_given((NOISE + LOGIT > 0) == above, NOISE + near)
        second = relaxed if coefficient is None else halfway * (1 - halfway)
        control = 0.0 if coefficient is None else coefficient * (relaxed - unconditioned)
        total += mass * slope * (2 * second - p * (1 - p) / 2 + control)
    return total


@pytest.mark.parametrize("name", ["rein-max-rao", "rein-max-cv"])
def test_the_mean_is_the_integral_over_the_noise(name):
    torch.manual_seed(0)
    fields = {"temperature": TEMPERATURE, "relaxations": 3}
    found = estimators.replicate_gradients(
        estimators.create(name, **fields), lambda logits: Bernoulli(logits=logits),
        {"logits": torch.tensor(LOGIT).double()}, cost, 1, 40_000,
    )["logits"]  # fmt: skip
    exact = expected(0.5 if name == "rein-max-cv" else None)
    assert abs(found.mean() - exact) < 4.5 * found.std() / 200
    p = 1 / (1 + math.exp(-LOGIT))
    assert abs(exact - p * (1 - p) * (1 - 1.2)) > 0.001  # of the gradient: it is biased


def test_without_its_control_it_is_rein_max():
    row, plain = (
        measure(problems.load("one-hot-quadratic"), name, 1, 1_000, timed=False)
        for name in ("rein-max-cv:coefficient=0", "rein-max")
    )
    assert row.variance == pytest.approx(plain.variance, rel=1e-9)


def test_more_relaxations_are_quieter():
    few, many = (
        measure(problems.load("one-hot-quadratic"), f"rein-max-rao:relaxations={n}", 1, 2_000,
                timed=False)
        for n in (1, 30)
    )  # fmt: skip
    assert ratio(many, few).high < 1


def test_fields_are_checked():
    with pytest.raises(ValueError, match="relaxations"):
        estimators.create("rein-max-rao", relaxations=0)
    with pytest.raises(ValueError, match="temperature"):
        estimators.create("rein-max-cv", temperature=0.0)
