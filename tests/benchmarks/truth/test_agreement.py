"""Two runs held against each other: false alarms, power, and the limit on what is not seen."""

import numpy as np
import pytest

from benchmarks.truth.agreement import compare_rows

ROWS = 256


def rows(parameters, off=0.0, seed=0, steep=False):
    """Row means with standard error 1 of their mean in each parameter (1/j if `steep`)."""
    scale = 1 / np.arange(1, parameters + 1) if steep else np.ones(parameters)
    noise = np.random.default_rng(seed).normal(size=(ROWS, parameters))
    return noise * scale * ROWS**0.5 + off


@pytest.mark.parametrize("steep", [False, True])
@pytest.mark.parametrize("parameters", [1, 3, 50, 600])
def test_the_limit_holds_whatever_the_difference(parameters, steep):
    direction = np.random.default_rng(9).normal(size=parameters)
    direction /= np.linalg.norm(direction)
    for size in (0.0, 1.0, 5.0, 40.0):
        found = [
            compare_rows(rows(parameters, size * direction, seed, steep), np.zeros(parameters))
            for seed in range(20)
        ]
        assert all(one.limit >= size for one in found)  # at 99.9 %: 0.02 of 20 are expected
        assert all(one.limit > 0 for one in found)


def test_the_limit_is_no_looser_than_it_must_be():
    assert compare_rows(rows(1), np.zeros(1)).limit < 6
    assert compare_rows(rows(100), np.zeros(100)).limit < 2 * 100**0.5


@pytest.mark.parametrize("parameters", [1, 3, 50])
def test_equal_expectations_seldom_alarm(parameters):
    p = [compare_rows(rows(parameters, 0.0, s), np.zeros(parameters)).p for s in range(300)]
    assert np.mean(np.array(p) < 0.05) < 0.05 + 3 * (0.05 * 0.95 / 300) ** 0.5


def test_one_parameter_and_many_small_ones_are_seen():
    one = np.zeros(200)
    one[17] = 8.0
    assert compare_rows(rows(200, one), np.zeros(200)).p < 1e-6
    assert compare_rows(rows(200, 1.0), np.zeros(200)).p < 1e-6
    assert compare_rows(rows(1, 1.0), np.zeros(1)).p > 1e-3


def test_without_noise_they_agree_or_not():
    same = np.ones((ROWS, 2))
    assert compare_rows(same, same).p == 1
    assert compare_rows(same, same).limit < 1e-9
    assert compare_rows(same, same + 1e-3).p < 1e-6
