"""Intervals of timings: those of a median, which is less certain than a mean."""

import numpy as np
import pytest
import torch

from benchmarks.machine import timing
from benchmarks.statistics.intervals import product_interval, t_quantile

TRUE, SD, RUNS = 0.01, 0.2, 2_000  # of one block, its log, and of how often it is timed
# π/2 is the variance of a median of many; that of nine is 5 % smaller, the interval a bit long
LEAST, MOST = 0.95 - 3 * (0.95 * 0.05 / RUNS) ** 0.5, 0.98


def timings(sd, seed=0):
    """Of a block whose seconds are log-normal, with the clock planted."""
    rng = np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timing, "elapsed", lambda *_: TRUE * np.exp(sd * rng.normal()))
        return [timing.time_block(lambda: None, 1, torch.device("cpu")) for _ in range(RUNS)]


@pytest.fixture(scope="module")
def timed():
    return timings(SD)


def covered(intervals):
    return np.mean([low <= TRUE <= high for low, high in intervals])


def test_the_interval_of_the_seconds_covers_their_median(timed):
    assert np.mean([each.rounds for each in timed]) > timing.ROUNDS - 0.5
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


@pytest.mark.parametrize("sd", [0.01, 0.03, 0.1])
def test_fewer_rounds_of_a_quiet_machine_cover_as_well(sd):
    found = timings(sd, seed=1)
    assert LEAST < covered((each.low, each.high) for each in found) < MOST
    rounds = np.array([each.rounds for each in found])
    wide = np.array([np.log(each.high / each.seconds) for each in found])
    assert rounds.min() >= timing.FIRST
    assert rounds.max() <= timing.ROUNDS
    if sd == 0.01:
        assert rounds.mean() < timing.FIRST + 0.2
        assert np.median(wide) < timing.WIDTH


@pytest.mark.study
@pytest.mark.parametrize("law", ["normal", "exponential"])
def test_a_against_a_by_the_new_rule_and_by_the_old_one(law, monkeypatch):
    """Two timings of one thing: their intervals are apart as rarely as with nine rounds always."""
    rng = np.random.default_rng(2)
    draw = {"normal": rng.normal, "exponential": lambda: rng.exponential() - np.log(2)}[law]
    monkeypatch.setattr(timing, "elapsed", lambda *_: TRUE * np.exp(0.03 * draw()))
    apart = {}
    for width in (timing.WIDTH, 0.0):  # 0: never enough
        monkeypatch.setattr(timing, "WIDTH", max(width, 1e-9))
        pairs = [
            [timing.time_block(lambda: None, 1, torch.device("cpu")) for _ in range(2)]
            for _ in range(5_000)
        ]
        apart[width] = np.mean([a.low > b.high or b.low > a.high for a, b in pairs])
    new, old = apart.values()
    assert new < old + 3 * (2 * old * (1 - old) / 5_000) ** 0.5 + 1e-3
