"""Direction and scale from noisy rows: coverage on Gaussian means whose angle is known."""

import math

import numpy as np
import pytest

from benchmarks.sequences.moments import measured_gradient
from benchmarks.statistics.direction import assess_turn
from benchmarks.statistics.exact_direction import exact_turn

ROWS, EACH = 64, 150


def turn(rows, truth, seen, square):
    """What is found of rows of means, each of which has this mean square."""
    squares = np.full(len(rows), square)
    return assess_turn(measured_gradient(rows, squares, EACH, truth, np.array(seen)))


def found(angle, parameters, noise, draws, scale=0.7):
    """Audits of Gaussian rows whose mean stands at `angle` to g, `scale` times as long along it."""
    stream = np.random.default_rng(7)
    truth = stream.normal(size=parameters)
    truth /= np.linalg.norm(truth)
    across = stream.normal(size=parameters)
    across -= across @ truth * truth
    mean = scale * (truth + math.tan(angle) * across / np.linalg.norm(across))
    spread = noise / math.sqrt(EACH * parameters)  # each replicate is `noise` ‖g‖ off
    seen = np.ones(parameters, bool)
    for _ in range(draws):
        rows = mean + spread * stream.normal(size=(ROWS, parameters))
        yield turn(rows, truth, seen, float(mean @ mean) + noise**2)


@pytest.mark.parametrize(("angle", "parameters"), [(0.3, 2), (0.3, 21), (1.0, 21), (0.3, 300)])
def test_intervals_cover(angle, parameters):
    every = list(found(angle, parameters, noise=5.0, draws=400))
    inside = np.mean([d.bias.low <= math.sin(angle) <= d.bias.high for d in every])
    along = np.mean([d.scale.low <= 0.7 <= d.scale.high for d in every])
    assert 0.92 <= inside <= 0.98  # 95 % ± 3 standard errors of 400 draws
    assert 0.92 <= along <= 0.98
    assert np.mean([d.verdict == "turned" for d in every]) > 0.9


def test_noise_is_taken_out():
    """Of parallel means the estimate is zero in about half of the draws, never called turned."""
    every = list(found(0.0, 21, noise=20.0, draws=200))
    assert 0.35 < np.mean([d.bias.value == 0 for d in every]) < 0.7
    assert np.mean([d.bias.low == 0 for d in every]) > 0.95
    assert not any(d.verdict == "turned" for d in every)
    assert {d.verdict for d in found(0.0, 21, noise=1.0, draws=20)} == {"parallel"}


def test_what_points_away():
    (one,) = found(0.2, 5, noise=0.1, draws=1, scale=-0.5)
    assert one.scale.high < 0
    assert one.bias == (1.0, 1.0, 1.0)
    assert one.verdict == "turned"


def test_parameters_never_seen_do_not_alarm():
    """A mean that is −s g where nothing was seen is not a turned gradient."""
    truth = np.array([1.0, 1.0, 1e-3])
    noise = 0.01 * np.random.default_rng(0).normal(size=(ROWS, 3))
    rows = np.array([1.0, 1.0, 0.0]) * (1 + noise)
    verdicts = [
        turn(rows, truth, seen, 2 + 0.03 * EACH).verdict
        for seen in ([True, True, False], [True, True, True])
    ]
    assert verdicts == ["parallel", "turned"]


def test_exact_means():
    truth = np.array([3.0, 4.0])
    one = exact_turn(np.array([4.0, -3.0]) * 0.2 + truth * 0.5, truth, 1.0)
    assert one.scale.value == pytest.approx(0.5)
    assert one.bias.value == pytest.approx(0.4 / math.hypot(1, 0.4))
    assert exact_turn(truth, 0 * truth, 1.0) is None
    assert exact_turn(-truth, truth, 1.0).bias.value == 1
