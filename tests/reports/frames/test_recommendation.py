"""The paragraph says what the numbers say."""

import pandas
import pytest

from reports.frames.recommendation import by_work, recommend


def cell(estimator, variance, seconds, spread=1.02, **more):
    work = variance * seconds
    return {
        "problem": "p", "estimator": estimator, "config": "{}", "samples": 1, "status": "ok",
        "device": "cpu", "dtype": "float64", "replicates": 10_000, "seed": 0, "unhealthy": 0.0,
        "zero": 0.0, "gradient_norm": 1.0, "bias_p": 0.5, "bias2": 0.0, "variance": variance,
        "variance_low": variance / spread, "variance_high": variance * spread, "seconds": seconds,
        "work_variance": work, "work_variance_low": work / spread,
        "work_variance_high": work * spread, "bias_verdict": "undetermined", **more,
    }  # fmt: skip


BIASED = {"bias_p": 1e-50, "bias2": 0.01, "bias_verdict": "biased"}


def test_the_best_at_equal_time_with_its_factor():
    frame = pandas.DataFrame([cell("slow", 1.0, 9e-6), cell("fast", 2.0, 1e-6)])
    said = recommend(frame)
    assert said.startswith("Use fast (K = 1): 4.5")
    assert "less variance than slow" in said


def test_a_tie_is_called_a_tie():
    frame = pandas.DataFrame([cell("one", 1.0, 1e-6, 1.1), cell("two", 1.05, 1e-6, 1.1)])
    assert "do not tell apart" in recommend(frame)


def test_the_biased_come_last_with_the_number_at_which_it_shows():
    frame = pandas.DataFrame([cell("cheap", 0.5, 1e-9, **BIASED), cell("fair", 5.0, 1e-6)])
    assert list(by_work(frame)["estimator"]) == ["fair", "cheap"]
    assert by_work(frame)["dominates"].iloc[1] == pytest.approx(50)
    said = recommend(frame)
    assert said.startswith("Use fair (K = 1).")
    assert "cheap is biased, and its bias exceeds the noise above 50 averaged estimates." in said


def test_only_biased_ones_are_not_recommended():
    assert recommend(pandas.DataFrame([cell("cheap", 0.5, 1e-9, **BIASED)])).startswith("Nothing")


def test_an_exact_gradient_is_recommended():
    frame = pandas.DataFrame(
        [cell("exact", 0.0, 1e-3, bias_verdict="unbiased"), cell("fair", 5.0, 1e-6)]
    )
    assert recommend(frame).startswith("Use exact (K = 1): its gradient is exact")
