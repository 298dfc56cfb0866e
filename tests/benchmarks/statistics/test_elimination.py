"""Successive elimination on variances that are known: who stops, and how often wrongly."""

import numpy as np
import pytest

from benchmarks.statistics import elimination
from benchmarks.statistics.elimination import Elimination, Look, Stop, timed_together, work_ratio
from benchmarks.statistics.intervals import t_quantile

RUNGS = (156, 625, 2500)
ROWS = 39


def look(x, seconds=1.0, error=0.2):
    """What is seen of estimates x [R]: rows of equal size, without the last few."""
    rows = x[: len(x) // ROWS * ROWS].reshape(ROWS, -1)
    kept = rows.size
    n = kept - rows.shape[1]
    first, second = (power.sum() - power.sum(1) for power in (rows, np.square(rows)))
    without = (second - np.square(first) / n) / (n - 1)
    square = np.square(rows - rows.mean())
    kurtosis = kept * np.square(square).sum() / square.sum() ** 2
    return Look(rows.var(ddof=1), kurtosis, kept, without, seconds, error)


def raced(rng, scales, seconds=None, error=1e-3, exact=()):
    """The stops after all looks, of arms whose estimates are normal with these scales."""
    seconds = seconds or [1.0] * len(scales)
    seen = {
        arm: {
            r: look(scale * rng.standard_normal(r), seconds[arm] * np.exp(error * rng.normal()),
                    error)
            for r in RUNGS
        }
        for arm, scale in enumerate(scales)
    }  # fmt: skip
    rivals = {arm: arm in exact for arm in seen}
    return Elimination(len(scales), len(RUNGS)).worse(seen, seen, rivals)


def test_the_level_is_shared_by_all_pairs_and_looks():
    assert Elimination(5, 3).level == pytest.approx(0.05 / (10 * 3))
    assert Elimination(1, 3).level == 0.05


def test_no_arm_is_stopped_by_one_that_is_not_better():
    """Of 400 races of six equal arms at most 5 % may stop any of them: 20, and 4.4 is one sd."""
    rng = np.random.default_rng(0)
    wrong = sum(bool(raced(rng, [1.0] * 6)) for _ in range(400))
    assert wrong <= 20 + 2 * 4.4


def test_the_rule_uses_up_its_level():
    """At the level of one pair and one look, 5 % of equal arms are told apart: 40 ± 6.2 of 800."""
    rng = np.random.default_rng(1)
    pairs = [[look(rng.standard_normal(156), error=1e-6) for _ in range(2)] for _ in range(800)]
    found = [work_ratio(a, b, 0.05) for a, b in pairs]
    apart = sum(ratio.low > 1 or ratio.high < 1 for ratio in found)
    assert abs(apart - 40) < 4 * 6.2


def test_the_best_of_known_variances_is_left_and_the_rest_stop():
    rng = np.random.default_rng(2)
    scales = [1.0, 1.5, 3.0, 10.0]
    for _ in range(40):
        stops = raced(rng, scales)
        assert set(stops) == {1, 2, 3}
        assert stops[3].replicates == 156  # a hundred times the variance shows at once
        ratio = stops[3].ratio
        assert ratio.low <= 100 / scales[stops[3].by] ** 2 <= ratio.high


def test_what_an_estimate_costs_counts_as_much_as_its_variance():
    stops = raced(np.random.default_rng(3), [1.0, 1.0], seconds=[1.0, 5.0])
    assert set(stops) == {1}
    assert stops[1].ratio.value == pytest.approx(5, rel=0.5)


def test_a_noisy_timing_tells_nothing_apart_that_is_within_it():
    rng = np.random.default_rng(4)
    wrong = sum(bool(raced(rng, [1.0] * 4, error=0.2)) for _ in range(100))
    assert wrong <= 5 + 2 * 2.2
    assert set(raced(rng, [1.0, 100.0], error=0.2)) == {1}


def test_timings_of_several_looks_are_averaged():
    each = look(np.random.default_rng(5).standard_normal(156))
    looks = {156: each._replace(seconds=2.0), 625: each._replace(seconds=8.0)}
    assert timed_together(looks, 625).seconds == pytest.approx(4)
    assert timed_together(looks, 625).error == pytest.approx(0.2 / 2**0.5)
    assert timed_together(looks, 156).seconds == 2


def test_nobody_is_stopped_for_a_variance_that_few_estimates_carry():
    """The rare event that makes the rival's variance has hardly come up."""
    rng = np.random.default_rng(6)
    rare = 1e-3 * rng.standard_normal(156) + 100 * (np.arange(156) == 7)
    seen = {"wide": {156: look(rng.standard_normal(156) * 1e3)}, "rare": {156: look(rare)}}
    rule = Elimination(2, 1)
    assert not rule.worse(["wide"], seen, {"rare": False})
    calm = seen | {"rare": {156: look(rng.standard_normal(156))}}
    assert set(rule.worse(["wide"], calm, {"rare": False})) == {"wide"}


def test_fewer_than_a_hundred_estimates_show_nothing():
    rng = np.random.default_rng(7)
    seen = {arm: {78: look(scale * rng.standard_normal(78))} for arm, scale in ((0, 1), (1, 1e3))}
    assert not Elimination(2, 1).worse(seen, seen, {0: False, 1: False})


def test_what_is_exact_stops_all_that_has_noise():
    rng = np.random.default_rng(8)
    exact = look(rng.standard_normal(156))._replace(variance=0.0)
    seen = {"exact": {156: exact}, "noisy": {156: look(rng.standard_normal(156))}}
    stops = Elimination(2, 1).worse(seen, seen, {"exact": True, "noisy": False})
    assert stops == {"noisy": Stop("exact", 156, (np.inf, np.inf, np.inf))}
    slow = {"slow": {156: exact._replace(seconds=20.0)}}
    assert set(Elimination(2, 1).worse(slow, seen | slow, {"exact": True})) == {"slow"}
    near = {"near": {156: exact._replace(seconds=1.2)}}
    assert not Elimination(2, 1).worse(near, seen | near, {"exact": True})


def test_unpaired_looks_are_compared_by_their_own_noise():
    rng = np.random.default_rng(9)
    a, b = look(2 * rng.standard_normal(2500), error=1e-6), look(rng.standard_normal(2500), 1, 1e-6)
    other = b._replace(without=b.without[:-1])
    level = 0.05
    found = work_ratio(a, other, level)
    spread = sum((one.kurtosis - 1) / one.replicates for one in (a, b))
    df = 2 / max((one.kurtosis - 1) / one.replicates for one in (a, b))
    half = t_quantile(df, 1 - level) * spread**0.5
    assert found.high / found.value == pytest.approx(np.exp(half), rel=1e-3)
    assert found.low < 4 < found.high


def test_alpha_is_five_per_cent():
    assert elimination.ALPHA == 0.05
