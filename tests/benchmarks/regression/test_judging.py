"""From an effect and its confirmation to a verdict."""

import pytest

from benchmarks.regression.effects import Effect, Summary
from benchmarks.regression.judging import Confirmation, Pair, judge

RECORD = {
    "problem": "p", "estimator": "e", "config": "{}", "samples": 1, "budget": 4000,
    "precision": None, "seed": 0, "device": "cpu", "dtype": "float64", "problem_version": 1,
    "status": "ok", "variance": 1.0,
}  # fmt: skip
PAIR = Pair("e", Summary(RECORD), Summary(RECORD))


def effect(change, p=1e-12, worse=None, minimum_effect=0.03, metric="variance"):
    worse = change > 0 if worse is None else worse
    return Effect(metric, 1.0, 1 + change, change, p, worse, minimum_effect)


def verdict(first, second=None, metric="variance", level=1e-3):
    again = Confirmation(effects={metric: second}) if second else None
    found = judge(PAIR, first, again, level)
    return found.verdict, found.confirmed


@pytest.mark.parametrize(("change", "said"), [(0.5, "regressed"), (-0.4, "improved")])
def test_a_confirmation_in_the_same_direction_counts(change, said):
    assert verdict(effect(change), effect(change)) == (said, True)


@pytest.mark.parametrize("change", [0.5, -0.4])
def test_a_confirmation_in_the_opposite_direction_does_not_count(change):
    said, confirmed = verdict(effect(change), effect(-0.8 * change))
    assert said not in ("regressed", "improved")
    assert not confirmed


def test_a_mean_that_moved_and_came_nearer_the_second_time_is_not_confirmed():
    first = effect(0.2, worse=True, metric="bias")
    second = effect(0.2, worse=False, metric="bias")
    assert verdict(first, first, "bias") == ("regressed", True)
    said, confirmed = verdict(first, second, "bias")
    assert said not in ("regressed", "improved")
    assert not confirmed


def test_a_confirmation_that_is_not_significant_does_not_count():
    assert verdict(effect(0.5), effect(0.5, p=0.01, minimum_effect=0.9)) == ("unstable", False)


def test_without_a_confirmation_the_level_decides():
    assert verdict(effect(0.5, p=1e-4)) == ("regressed", False)
    assert verdict(effect(0.5, p=1e-4), level=1e-5)[0] == "unstable"


def test_nothing_suspected_is_unchanged():
    assert verdict(effect(0.001, p=0.5)) == ("unchanged", None)
