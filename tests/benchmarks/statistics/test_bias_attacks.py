"""Laws of gradients that could fool a verdict on bias: none is certified, none accused."""

import numpy as np
import pytest

from benchmarks.calibration.directions import HEAVY, measured
from benchmarks.calibration.normal_replicates import EPS, NormalGradient
from benchmarks.statistics.bias_test import assess
from benchmarks.statistics.measured_gradient import MeasuredGradient


def verdicts(draw, truth, seeds=60, error=None):
    """Of draw(rng) [R, P] with as many seeds."""
    truth = np.asarray(truth, float)
    runs = [assess(measured(draw(np.random.default_rng(s)), truth, error)) for s in range(seeds)]
    return [run.verdict for run in runs]


def spread(parameters, share):
    """g = (1, 0, …) and a bias of `share` ‖g‖ over all other parameters."""
    g = np.zeros(parameters)
    g[0] = 1.0
    bias = np.full(parameters, share / (parameters - 1) ** 0.5)
    bias[0] = 0.0
    return g, bias


@pytest.mark.parametrize("replicates", [500, 4_000])
@pytest.mark.parametrize("parameters", [10, 200, 2000])
@pytest.mark.parametrize("share", [0.08, 0.04, 0.0])
def test_a_bias_spread_over_many_small_parameters(parameters, share, replicates):
    g, bias = spread(parameters, share)
    law = NormalGradient(g, g + bias, np.full(parameters, 0.001))
    found = assess(law.measured(replicates, np.random.default_rng(0)))
    assert found.verdict == ("biased" if share else "unbiased")
    assert found.squared.low <= share**2 <= found.squared.high
    assert found.limit >= share


def test_the_squared_bias_is_unbiased_for_many_parameters():
    g, _ = spread(2000, 0.0)
    law = NormalGradient(g, g, np.full(2000, 0.001))
    runs = [assess(law.measured(500, np.random.default_rng(s))) for s in range(49)]
    values = np.array([run.squared.value for run in runs])
    assert abs(values.mean()) < 4 * values.std() / 7
    assert min(run.limit for run in runs) > 0


@pytest.mark.parametrize("c", [1.0, 2.0])
@pytest.mark.parametrize(
    ("norm", "noise", "parameters"), [(1e-3, 1e3, 1), (1e-3, 1.0, 1), (1.0, 1e4, 1), (1e-6, 0.1, 5)]
)
def test_noise_does_not_decide_what_a_limit_is_relative_to(norm, noise, parameters, c):
    """A gradient that is tiny in its noise: twice g looks like g, and neither is below anything."""
    g = np.zeros(parameters)
    g[0] = norm
    law = NormalGradient(g, c * g, np.full(parameters, noise))
    found = assess(law.measured(10_000, np.random.default_rng(0)))
    assert found.verdict == "undetermined"
    assert found.limit > 1e-3 * noise / norm
    assert found.replicates_to_decide > 1e-6 * (noise / norm) ** 2


@pytest.mark.parametrize("law", HEAVY)
@pytest.mark.parametrize("parameters", [1, 3])
def test_heavy_tails_are_not_judged(law, parameters):
    def draw(rng):
        weight = HEAVY[law](rng, 1_000)
        return (1 + rng.normal(size=(1_000, parameters))) * weight[:, None]

    assert set(verdicts(draw, np.ones(parameters), 60)) == {"undetermined"}


def test_a_bias_of_parameters_that_the_heavy_tail_does_not_touch_is_shown():
    def draw(rng):
        g = rng.normal(1.0, 1.0, size=(1_000, 3))
        g[:, 0] = HEAVY["Pareto 1.2"](rng, 1_000)
        return g

    assert set(verdicts(draw, [1.0, 1.0, 2.0], 30)) == {"biased"}
    assert set(verdicts(draw, [1.0, 1.0, 1.0], 30)) == {"undetermined"}


@pytest.mark.parametrize("rounding", [0.0, 1e-16])
def test_a_deterministic_estimator_is_judged(rounding):
    g = np.full((1_000, 4), 0.7)
    g[3] += rounding  # one replicate that differs by rounding is no tail
    assert assess(measured(g, np.full(4, 0.7))).verdict == "unbiased"
    assert assess(measured(g, np.array([0.7, 0.7, 0.7, 0.707]))).verdict == "biased"


@pytest.mark.parametrize("weight", [0.01, 0.1, 0.3])
@pytest.mark.parametrize("direction", [[0.0, 1.0], [1.0, 1.0]])
def test_a_heavy_parameter_hidden_under_a_noisy_one_alarms_nobody(weight, direction):
    g = np.array(direction) * weight

    def draw(rng):
        x = g + 5 * rng.normal(size=(1_000, 2))
        x[:, 1] = g[1] * HEAVY["Pareto 1.2"](rng, 1_000)
        return x

    assert "biased" not in verdicts(draw, g, 60)


def test_a_heavy_weight_shared_by_many_small_parameters_alarms_nobody():
    g = np.r_[0.0, np.full(300, 0.001)]

    def draw(rng):
        x = np.outer(HEAVY["Pareto 1.2"](rng, 1_000), g)
        x[:, 0] = rng.normal(size=1_000)
        return x

    assert "biased" not in verdicts(draw, g, 60)


@pytest.mark.parametrize("events", [3, 5, 10, 30])
def test_two_values_one_of_them_rare(events):
    chance = events / 1_000
    found = verdicts(lambda rng: 1.0 + (rng.random((1_000, 2)) < chance) / chance, [2.0, 2.0])
    assert "unbiased" not in found
    seen_none = 2 * np.exp(-events)  # what never happened cannot be known
    assert np.mean([v == "biased" for v in found]) <= seen_none + 0.02


def test_a_parameter_of_mostly_zeros_with_a_normal_tail():
    def draw(rng):
        return 0.3 + 10 * (rng.random((2_000, 20)) < 0.01) * rng.normal(size=(2_000, 20))

    assert "biased" not in verdicts(draw, np.full(20, 0.3), 60)


@pytest.mark.parametrize("tail", [1.5, 2.5])
def test_symmetric_heavy_tails(tail):
    found = verdicts(lambda rng: 1 + rng.standard_t(tail, size=(1_000, 2)), [1.0, 1.0])
    assert "biased" not in found
    assert found.count("unbiased") == 0


@pytest.mark.parametrize("parameters", [1, 30, 1000])
def test_skewed_parameters_are_not_accused(parameters):
    def draw(rng):
        return rng.exponential(size=(500, parameters))

    assert "biased" not in verdicts(draw, np.ones(parameters), 40)


def test_one_direction_noisier_than_a_thousand_others():
    """bias² along the one direction that a hundred quiet parameters hide."""
    rng = np.random.default_rng(5)
    deviation = np.r_[1.0, np.full(400, 0.1)]
    g = np.zeros(401)
    g[1] = 1.0
    for size in (0.0, 0.05, 0.2):
        law = NormalGradient(g, g + np.r_[size, np.zeros(400)], deviation)
        covers = [
            (found := assess(law.measured(1_000, rng)).squared).low <= size**2 <= found.high
            for _ in range(100)
        ]
        assert 0.9 <= np.mean(covers) <= 0.995, size


def test_the_error_of_a_truth_may_be_one_noise_in_all_parameters():
    """A truth from replicates that share a factor is off in all parameters at once."""
    g, error = np.full(1000, 1.0), np.full(1000, 0.02)
    law = NormalGradient(g, g, np.full(1000, 0.5))
    found = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        one = law.measured(2_000, rng)
        shifted = g + 0.02 * rng.normal()
        found.append(assess(MeasuredGradient(one.whole, one.rows, shifted, error, EPS)))
    assert "biased" not in {one.verdict for one in found}
    assert np.mean([one.squared.low <= 0.0 <= one.squared.high for one in found]) >= 0.9


def test_float32_rounding_is_no_bias_and_hides_none():
    rng = np.random.default_rng(0)
    g = np.linspace(0.5, 2.0, 50)
    x = (g + 1e-3 * rng.normal(size=(10_000, 50))).astype(np.float32).astype(float)
    eps = float(np.finfo(np.float32).eps)

    def judged(truth):
        one = measured(x, truth)
        return assess(MeasuredGradient(one.whole, one.rows, truth, np.zeros(50), eps))

    assert judged(g).verdict == "unbiased"
    assert judged(g * 1.02).verdict == "biased"
    assert judged(g).squared.value == pytest.approx(0.0, abs=1e-9)


def test_gradient_of_zero_without_noise():
    still = assess(measured(np.zeros((1000, 2)), np.zeros(2)))
    assert (still.verdict, still.limit) == ("unbiased", 0.0)
    off = assess(measured(np.full((1000, 2), 0.1), np.zeros(2)))
    assert off.verdict == "biased"
    assert off.limit != 0


def test_bounded_gradients_are_judged_though_few_values_are_large():
    """cos(x) x / w of a power law: κ is 2.4, and the flag of the variance is up in two thirds."""
    w = 2.0
    u = (np.arange(10**5) + 0.5) / 10**5

    def pathwise(u):
        x = w * (1 - (1 - u) ** (1 / 3))
        return np.cos(x) * x / w

    draws = [pathwise(np.random.default_rng(s).random((10_000, 1))) for s in range(20)]
    runs = [measured(g, np.array([pathwise(u).mean()])) for g in draws]
    assert sum(run.flagged for run in runs) > 5
    assert {assess(run).verdict for run in runs} == {"unbiased"}
    too_long = [measured(1.1 * g, np.array([pathwise(u).mean()])) for g in draws]
    assert {assess(run).verdict for run in too_long} == {"biased"}


@pytest.mark.parametrize("power", [1.2, 1.6, 1.9])
def test_short_runs_of_a_flagged_law_are_not_called_biased(power):
    def draw(rng):
        weight = (rng.pareto(power, (244, 1)) + 1) * (power - 1) / power
        return (1 + rng.normal(size=(244, 2))) * weight

    assert {*verdicts(draw, [1.0, 1.0], seeds=200)} == {"undetermined"}
