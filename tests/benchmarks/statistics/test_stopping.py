"""When a sequential run may stop: not before the first interim look, nor before κ has settled."""

import pytest

from benchmarks.statistics.stopping import StoppingRule, first_look


@pytest.mark.parametrize(
    ("cap", "look"),
    [(10**6, 10_000), (10_001, 10_000), (10_000, 1_000), (1_000, 1_000), (400, 400), (100, 100)],
)
def test_the_first_interim_look(cap, look):
    """With fewer replicates the interval of a heavy tail is too short: it has not been met yet."""
    assert first_look(cap) == look


def test_a_run_is_not_looked_at_before():
    rule = StoppingRule(0.05, 10**6)
    assert not rule.due(9_999)
    assert rule.due(10_000)


def test_it_takes_three_looks_at_sizes_growing_by_a_fifth():
    rule, looks = StoppingRule(0.05, 10**6), []
    for n in range(1_000, 30_000, 100):
        if rule.due(n):
            looks.append(n)
            if rule.satisfied(n, half_width=0.01, kappa=3.0):
                break
    assert looks == [10_000, 12_100, 14_600]


def test_a_kappa_that_still_moves_or_a_wide_interval_goes_on():
    rule = StoppingRule(0.05, 10**6)
    assert not any(rule.satisfied(n, 0.01, kappa) for n, kappa in ((1, 3.0), (2, 3.0), (3, 5.0)))
    rule = StoppingRule(0.05, 10**6)
    assert not any(rule.satisfied(n, 0.06, 3.0) for n in range(5))
