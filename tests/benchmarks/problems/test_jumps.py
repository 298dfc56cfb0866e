"""Costs that jump: closed forms against independent numbers, estimators against closed forms."""

import math

import pytest
import torch
from scipy import integrate, stats

from benchmarks import measure, problems
from benchmarks.problems import jumps
from estimators.distributions import LinearDiffusion

PROBLEMS = [
    "digital-option", "diffusion-euler", "diffusion-continuous", "queue-wait", "queue-chance",
    "smooth-with-jump",
]  # fmt: skip
JUMPING = {"digital-option", "queue-chance", "smooth-with-jump"}


def of_digital(spot, volatility):
    mean = math.log(spot) + (jumps.INTEREST - volatility**2 / 2) * jumps.HORIZON
    scale = volatility * math.sqrt(jumps.HORIZON)
    chance = stats.norm.sf(math.log(jumps.STRIKE), mean, scale)
    return math.exp(-jumps.INTEREST * jumps.HORIZON) * chance


def of_euler(rate, volatility):
    h, moment = jumps.HORIZON / jumps.STEPS, jumps.START**2
    for _ in range(jumps.STEPS):  # E[X²] from step to step
        moment *= 1 + 2 * rate * h + rate**2 * h**2 + volatility**2 * h
    return moment


def of_continuous(rate, volatility):
    time = jumps.HORIZON
    law = stats.lognorm(
        2 * volatility * time**0.5, scale=math.exp((2 * rate - volatility**2) * time)
    )
    return jumps.START**2 * law.mean()


def over_services(cost, service, arrivals):
    """E[cost] over service times, with the mean over arrivals given as a function of those."""

    def density(s):
        return cost(s, arrivals) * math.exp(-s / service) / service

    return integrate.quad(density, 0, 60 * service, epsabs=1e-13, epsrel=1e-12)[0]


def of_wait(service, arrivals):
    """E[max(s − A, 0)] = s − (1 − exp(−a s)) / a."""
    return over_services(lambda s, a: s - (1 - math.exp(-a * s)) / a, service, arrivals)


def of_chance(service, arrivals):
    return over_services(lambda s, a: 1 - math.exp(-a * s), service, arrivals)


def of_jump(loc, scale):
    return loc**2 + scale**2 + jumps.JUMP * stats.norm.sf(jumps.AT, loc, scale)


VALUES = dict(
    zip(PROBLEMS, (of_digital, of_euler, of_continuous, of_wait, of_chance, of_jump), strict=True)
)


@pytest.mark.parametrize("name", PROBLEMS)
def test_truths_are_the_differences_of_values_found_otherwise(name):
    problem, value = problems.load(name), VALUES[name]
    at = {key: tensor.item() for key, tensor in problem.parameters.items()}
    for key, exact in problem.truth.items():
        step = 1e-4 * abs(at[key])
        around = [value(**{**at, key: at[key] + sign * step}) for sign in (1, -1)]
        assert (around[0] - around[1]) / (2 * step) == pytest.approx(exact.item(), rel=1e-6), key


def test_the_price_is_black_and_scholes():
    exact = jumps.digital_greeks()["price"]
    assert exact == pytest.approx(of_digital(jumps.SPOT, jumps.VOLATILITY), rel=1e-12)
    row = measure(problems.load("digital-option"), "reinforce", replicates=200, timed=False)
    assert row.status == "ok"


def measured(name, estimator, samples=2, replicates=20_000):
    return measure(
        problems.load(name), estimator, samples=samples, replicates=replicates, timed=False
    )


def within(row, exact):
    """Whether the 99.9 % interval of the squared bias, 1.7 times that of 95 %, holds a number."""
    return abs(row.bias2 - exact) < 1.7 * (row.bias2_high - row.bias2_low) / 2


@pytest.mark.parametrize("name", PROBLEMS)
def test_pathwise_is_wrong_exactly_where_the_cost_jumps(name):
    row = measured(name, "pathwise")
    vanished = name in {"digital-option", "queue-chance"}
    if vanished:  # which replicates alone do not tell from what is rare
        assert row.bias_verdict == "undetermined"
    elif name in JUMPING or name == "diffusion-continuous":
        assert row.bias_verdict == "biased"
    else:
        assert row.bias_verdict in {"unbiased", "undetermined"}
    assert ("vanished" in (row.reason or "")) == vanished
    missed = name in {"smooth-with-jump", "diffusion-continuous"}
    assert ("is unbiased under its conditions, and is not here" in (row.reason or "")) == missed


@pytest.mark.parametrize(
    "name", ["digital-option", "queue-chance", "smooth-with-jump", "queue-wait"]
)
def test_the_likelihood_ratio_is_right_everywhere(name):
    assert measured(name, "reinforce-loo").bias_verdict in {"unbiased", "undetermined"}


def test_pathwise_misses_the_share_of_the_jump():
    problem = problems.load("smooth-with-jump")
    missed = sum(value**2 for value in jumps.jump_share().values())
    row = measured("smooth-with-jump", "pathwise")
    assert within(row, missed)
    assert sum(t.square() for t in problem.truth.values()) > missed


def test_vibrato_and_conditional_monte_carlo_hit_delta_and_vega():
    plain = measured("digital-option", "reinforce-loo")
    vibrato = measured("digital-option", "vibrato")
    conditional = measured("digital-option", "conditional-monte-carlo")
    for row in (vibrato, conditional):
        assert row.bias_verdict in {"unbiased", "undetermined"}
        assert row.variance < plain.variance_low
    assert conditional.variance_high < vibrato.variance_low
    assert measured("diffusion-euler", "vibrato").bias_verdict in {"unbiased", "undetermined"}


def test_what_ten_steps_are_off_is_no_estimators_fault():
    """Against continuous time, the bias is that of the Euler steps, to the last interval."""
    euler, continuous = jumps.of_euler_steps(), jumps.of_continuous_time()
    discretisation = sum((euler[key] - continuous[key]) ** 2 for key in euler)
    row = measured("diffusion-continuous", "pathwise", samples=16)
    assert row.bias_verdict == "biased"
    assert within(row, discretisation)


def test_what_cannot_be_conditioned_on_is_refused_in_words():
    row = measured("diffusion-euler", "conditional-monte-carlo", replicates=200)
    assert row.status == "refused"
    assert "given_path" in row.reason
    assert "LinearDiffusion" in measured("queue-wait", "vibrato", replicates=200).reason


def test_densities_and_moments_of_the_steps():
    dist = LinearDiffusion(
        torch.tensor([1.0, 2.0]).double(), drift=0.1, rate=0.2, noise=0.3, volatility=0.05, steps=3
    )
    torch.manual_seed(0)
    x = dist.rsample((50_000,))
    h = 1 / 3
    mean = torch.tensor([1.0, 2.0]).double()
    for step in range(3):
        mean = mean + (0.1 + 0.2 * mean) * h
        error = x[..., step].std(0) / 50_000**0.5
        assert ((x[..., step].mean(0) - mean).abs() < 4.5 * error).all()
    path = x[0, 0]
    log_p, before = 0.0, 1.0
    for value in path.tolist():
        loc, scale = before + (0.1 + 0.2 * before) * h, (0.3 + 0.05 * before) * math.sqrt(h)
        log_p, before = log_p + stats.norm.logpdf(value, loc, scale), value
    assert dist.log_prob(x[0])[0].item() == pytest.approx(log_p, rel=1e-12)
    with pytest.raises(ValueError, match="at least 1"):
        LinearDiffusion(1.0, steps=0)
