import numpy as np
import pytest
import torch

from benchmarks.statistics import intervals
from benchmarks.statistics.moments import Table
from benchmarks.statistics.paired_tests import mean_change, ratio_p, variance_change


def table(x, chunk=None):
    found = Table(chunk or len(x) // 40)
    found.add(torch.as_tensor(x, dtype=torch.float64))
    return found


def normals(seed, count=10_000, parameters=2):
    return np.random.default_rng(seed).normal(size=(count, parameters))


def test_kurtosis_of_known_laws():
    assert intervals.kurtosis(table(normals(0, 100_000, 1)).whole()) == pytest.approx(3, rel=0.05)
    assert intervals.kurtosis(table(normals(0, 20_000, 100)).whole()) == pytest.approx(
        1.02, rel=1e-3
    )
    signs = np.sign(normals(0, 10_000, 1))
    assert intervals.kurtosis(table(signs).whole()) == pytest.approx(1, abs=1e-2)


@pytest.mark.parametrize(
    ("law", "exact"),
    [("normal", 2.0), ("exponential", 2.0), ("spikes", 2 * 0.0475), ("wide", 30.0)],
)
def test_coverage(law, exact):
    def draw(seed):
        rng = np.random.default_rng(seed)
        if law == "exponential":
            return rng.exponential(size=(2000, 2))
        if law == "spikes":
            return (rng.random((2000, 2)) < 0.05).astype(float)
        return rng.normal(size=(2000, 30 if law == "wide" else 2))

    hits = 0
    for seed in range(300):
        _, low, high = intervals.variance_interval(table(draw(seed)).whole())
        hits += low <= exact <= high
    assert 0.91 <= hits / 300 <= 0.985


def test_parameter_variances_cover_and_equal_the_whole_for_one_parameter():
    whole = table(normals(3, 5000, 1)).whole()
    value, low, high = intervals.parameter_variances(whole)
    assert (value[0], low[0], high[0]) == pytest.approx(intervals.variance_interval(whole))


def test_a_variance_whose_square_underflows_has_an_interval():
    whole = table(1e-90 * normals(3, 5000, 1)).whole()
    value, low, high = intervals.parameter_variances(whole)
    assert low[0] < value[0] < high[0]
    assert intervals.kurtosis(whole) == 1.0


def test_no_variance_is_an_interval_of_zero():
    whole = table(np.full((1000, 3), 0.3)).whole()
    assert intervals.variance_interval(whole) == (0, 0, 0)


def test_two_values_with_equal_odds_have_a_positive_interval():
    value, low, high = intervals.variance_interval(
        table(np.tile([[-1.0], [1.0]], (500, 1))).whole()
    )
    assert low < 1 < high
    assert value == pytest.approx(1, rel=2e-3)


def test_jackknife_leaves_one_row_out():
    x = normals(5, 400, 3)
    found = intervals.jackknife_variances(table(x, 10).rows)
    for i in (0, 17, 39):
        rest = np.delete(x, slice(10 * i, 10 * i + 10), 0)
        assert found[i] == pytest.approx(rest.var(0, ddof=1).sum())


def test_ratio_covers_and_pairing_shortens_it():
    hits, paired, unpaired = 0, [], []
    for seed in range(300):
        x, y = normals(seed), normals(10_000 + seed)
        a = intervals.jackknife_variances(table(x).rows)
        b = intervals.jackknife_variances(table(1.5 * x + 0.3 * y).rows)
        c = intervals.jackknife_variances(table(y).rows)
        interval = intervals.ratio_interval(a, b, a.mean() / b.mean())
        hits += interval.low <= 1 / (1.5**2 + 0.3**2) <= interval.high
        paired.append(np.log(interval.high / interval.low))
        other = intervals.ratio_interval(a, c, 1.0)
        unpaired.append(np.log(other.high / other.low))
    assert 0.91 <= hits / 300 <= 0.985
    assert np.mean(unpaired) > 2.5 * np.mean(paired)


def test_ratio_of_equal_runs_is_one():
    a = intervals.jackknife_variances(table(normals(1)).rows)
    assert intervals.ratio_interval(a, a, 1.0) == (1, 1, 1)
    assert ratio_p(a, a) == 1


def test_ratio_needs_the_same_blocks_and_positive_variances():
    with pytest.raises(ValueError, match="same on both sides"):
        intervals.ratio_interval(np.ones(3), np.ones(4), 1.0)
    assert np.isnan(intervals.ratio_interval(np.zeros(3), np.ones(3), 0.0).low)


def test_work_variance_is_as_wide_as_its_noisier_factor():
    quiet = intervals.product_interval(2.0, 3.0, 10_000, 3.0, 1e-6, 9)
    assert quiet.value == 6
    assert np.log(quiet.high / quiet.value) == pytest.approx(1.96 * np.sqrt(2e-4), rel=0.01)
    loud = intervals.product_interval(2.0, 3.0, 10**9, 3.0, 0.1, 9)
    assert np.log(loud.high / loud.value) == pytest.approx(2.306 * 0.1 * 0.4178, rel=0.01)


def test_changes_find_scale_and_ignore_rounding():
    x = 1 + normals(7, 2000, 10)
    before, gradient = table(x).rows, np.ones(10)
    assert mean_change(before, table(1.02 * x).rows, gradient).alarm
    assert variance_change(before, table(1.02 * x).rows).alarm
    assert not mean_change(before, before, gradient).alarm
    rounded = table(x.astype(np.float32)).rows
    assert not mean_change(before, rounded, gradient).alarm
    assert not variance_change(before, rounded).alarm
    one = np.ones(10)
    one[3] = 1.05
    assert mean_change(before, table(one * x).rows, gradient).alarm


def test_a_significant_change_below_the_margin_is_no_alarm():
    x = 1 + normals(7, 2000, 10)
    for change, *others in (mean_change, np.ones(10)), (variance_change,):
        found = change(table(x).rows, table(1.002 * x).rows, *others)
        assert found.p < 1e-6
        assert not found.alarm


def test_changes_of_estimators_without_variance():
    constant, other = table(np.full((2000, 2), 1.0)).rows, table(np.full((2000, 2), 1.02)).rows
    assert not variance_change(constant, constant).alarm
    assert mean_change(constant, other, np.ones(2)).alarm
    assert variance_change(constant, table(normals(0, 2000)).rows).alarm
