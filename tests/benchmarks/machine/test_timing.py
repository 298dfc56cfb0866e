"""Intervals of timings: those of a median, which is less certain than a mean."""

import numpy as np
import pytest
import torch

from benchmarks.machine import timing
from benchmarks.statistics.intervals import product_interval, t_quantile

TRUE, SD, RUNS = 0.01, 0.1, 2_000  # of one block, its log, and of how often it is timed
# π/2 is the variance of a median of many; that of nine is 5 % smaller, the interval a bit long
LEAST, MOST = 0.95 - 3 * (0.95 * 0.05 / RUNS) ** 0.5, 0.98


@pytest.fixture(scope="module")
def timed():
    """Timings of a block whose seconds are log-normal, with the clock planted."""
    rng = np.random.default_rng(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "elapsed", lambda *_: TRUE * np.exp(SD * rng.normal()))
        return [timing.time_block(lambda: None, 1, torch.device("cpu")) for _ in range(RUNS)]


def covered(intervals):
    return np.mean([low <= TRUE <= high for low, high in intervals])


def test_the_interval_of_the_seconds_covers_their_median(timed):
    assert {each.rounds for each in timed} == {timing.ROUNDS}
    assert LEAST < covered((each.low, each.high) for each in timed) < MOST
    by_mean = [np.log(each.high / each.seconds) / (np.pi / 2) ** 0.5 for each in timed]
    ends = zip(timed, by_mean, strict=True)
    narrow = covered((t.seconds * np.exp(-half), t.seconds * np.exp(half)) for t, half in ends)
    assert narrow < LEAST  # or this test could not fail


def test_the_interval_of_variance_times_seconds_covers_them_too(timed):
    """With a variance that is all but known, the noise is that of the median."""
    found = (
        product_interval(1.0, 1.0, 10**9, each.seconds, each.log_sd, each.rounds) for each in timed
    )
    assert LEAST < covered((each.low, each.high) for each in found) < MOST


def test_both_by_their_formula(timed):
    one = timed[0]
    half = t_quantile(one.rounds - 1) * one.log_sd * (np.pi / 2 / one.rounds) ** 0.5
    assert one.high == pytest.approx(one.seconds * np.exp(half))
    both = product_interval(3.0, 1.0, 10**9, one.seconds, one.log_sd, one.rounds)
    assert both.high / both.value == pytest.approx(one.high / one.seconds, rel=1e-4)
    assert both.value == pytest.approx(3 * one.seconds)
