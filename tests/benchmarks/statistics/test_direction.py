"""Scale and direction against closed forms, with every kind of noise."""

import numpy as np
import pytest

from benchmarks.calibration.directions import HEAVY, measured
from benchmarks.calibration.normal_replicates import NormalGradient
from benchmarks.statistics.direction import assess_direction

G = np.array([3.0, 4.0])


def found(g, truth=G, error=None):
    return assess_direction(measured(g, np.asarray(truth, float), error))


def noisy(mean, noise=1.0, count=10_000, seed=0):
    mean = np.asarray(mean, float)
    return mean + noise * np.random.default_rng(seed).normal(size=(count, len(mean)))


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("c", [0.25, 1.0, 2.0])
def test_a_multiple_of_the_gradient_has_its_direction(c, noise):
    one = found(noisy(c * G, noise))
    assert one.verdict == "parallel"
    assert one.scale.low - 1e-12 <= c <= one.scale.high + 1e-12
    assert one.scale.value == pytest.approx(c, abs=4 * noise / 5 / 100 + 1e-12)
    assert one.bias.low == 0.0
    assert one.bias.high < 0.05
    assert one.variance_scaled.value == pytest.approx(2 * noise**2 / c**2, rel=0.1)


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize(("kept", "sine"), [((0, 1), 0.6), ((1, 0), 0.8)])
def test_one_coordinate_of_two_dropped(kept, sine, noise):
    one = found(noisy(G * kept, noise))
    assert one.verdict == "turned"
    assert one.bias.value == pytest.approx(sine, abs=0.02 * noise + 1e-9)
    assert one.bias.low - 1e-9 <= sine <= one.bias.high + 1e-9
    assert one.scale.value == pytest.approx(1 - sine**2, abs=0.02 * noise + 1e-9)


@pytest.mark.parametrize("noise", [0.0, 1.0])
@pytest.mark.parametrize("parameters", [1, 2, 20])
def test_away_is_one(parameters, noise):
    g = np.arange(1.0, parameters + 1)
    one = found(noisy(-0.5 * g, noise), g)
    assert one.verdict == "turned"
    assert one.bias == (1.0, 1.0, 1.0)
    assert one.scale.high < 0


def test_a_vanished_gradient_points_nowhere():
    one = found(np.zeros((1000, 2)))
    assert one.bias.value == 1.0
    assert one.scale.value == 0.0
    assert np.isnan(one.variance_scaled.value)
    assert one.verdict != "parallel"


def test_one_parameter_has_a_sign_for_a_direction():
    assert found(noisy([0.5]), [2.0]).verdict == "parallel"
    assert found(noisy([0.5]), [2.0]).bias == (0.0, 0.0, 0.0)
    lost = found(noisy([0.001]), [2.0])
    assert lost.verdict == "undetermined"
    assert (lost.bias.low, lost.bias.high) == (0.0, 1.0)
    assert lost.variance_scaled.high == np.inf


def test_noise_says_nothing():
    for seed in range(20):
        one = found(noisy([0.0, 0.0], 100.0, 1000, seed))
        assert one.verdict == "undetermined"
        assert one.bias.high > 0.9


def test_a_gradient_of_zero_has_no_direction():
    assert found(noisy([1.0, 2.0]), [0.0, 0.0]) is None
    assert found(noisy([1.0, 2.0]), G, error=np.full(2, 2.0)) is None
    assert found(noisy([1.0, 2.0], 1e6), G) is not None  # noise makes no gradient zero


def test_the_error_of_the_truth_counts():
    turned = noisy([3.0, 4.3], 0.1)
    assert found(turned).verdict == "turned"
    doubted = found(turned, error=np.full(2, 0.3))
    assert doubted.verdict == "undetermined"
    assert doubted.bias.low == 0.0
    assert doubted.scale.high - doubted.scale.low > 0.1


def test_a_quiet_coordinate_that_is_wrong_is_a_turn():
    g = noisy([3.0, 4.0, 0.5], [1.0, 1.0, 0.01])
    assert found(g, [3.0, 4.0, 0.4]).verdict == "turned"


def test_many_small_turns_add_up():
    law = NormalGradient.of(1000, 1.0, 0.1, 0.5)
    one = assess_direction(law.measured(2_000, np.random.default_rng(0)))
    assert one.verdict == "turned"
    assert one.bias.low < np.sin(0.1) < one.bias.high


@pytest.mark.parametrize("angle", [0.0, 0.049, 0.06, 0.4, 1.5])
@pytest.mark.parametrize("parameters", [2, 30])
def test_verdicts_and_intervals(parameters, angle):
    law = NormalGradient.of(parameters, 1.0, angle, 0.5)
    runs = [assess_direction(law.measured(4_000, np.random.default_rng(s))) for s in range(80)]
    covers = [r.bias.low - 1e-9 <= np.sin(angle) <= r.bias.high + 1e-9 for r in runs]
    scales = [r.scale.low <= 0.5 * np.cos(angle) <= r.scale.high for r in runs]
    exact = 1 / (0.25 * np.cos(angle) ** 2)
    scaled = [r.variance_scaled.low <= exact <= r.variance_scaled.high for r in runs]
    assert np.mean(covers) >= 0.9
    assert 0.9 <= np.mean(scales) <= 0.99
    assert np.mean(scaled) >= 0.9
    verdicts = {r.verdict for r in runs}
    assert "turned" not in verdicts or angle > 0
    assert "parallel" not in verdicts or angle < 0.05


@pytest.mark.parametrize("law", HEAVY)
def test_heavy_tails_show_no_direction(law):
    for seed in range(25):
        rng = np.random.default_rng(seed)
        weight = HEAVY[law](rng, 1_000)
        g = (G + rng.normal(size=(1_000, 2))) * weight[:, None]
        assert found(g).verdict == "undetermined"


def test_a_turn_of_parameters_without_heavy_tails_shows_beside_one_with():
    rng = np.random.default_rng(0)
    g = noisy([3.0, 4.0, 1.0], 0.1)
    g[:, 2] = HEAVY["Pareto 1.2"](rng, len(g))
    assert found(g, [3.0, 4.0, 1.0]).verdict == "undetermined"
    assert found(g, [4.0, 3.0, 1.0]).verdict == "turned"


@pytest.mark.parametrize("truth", [[1.0, 0.1], [0.0, 1.0], [1.0, 1.0]])
def test_a_heavy_tail_hidden_under_a_noisy_parameter_turns_nothing(truth):
    for seed in range(40):
        rng = np.random.default_rng(seed)
        g = truth + 3 * rng.normal(size=(1_000, 2))
        g[:, 1] = truth[1] * HEAVY["Pareto 1.2"](rng, 1_000)
        assert found(g, truth).verdict != "turned"
