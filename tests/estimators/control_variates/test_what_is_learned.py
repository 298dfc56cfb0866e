"""What is learned: that it helps, leaves the mean alone, and that its price is in the record."""

import pytest

from benchmarks import measure, problems

# problem, estimator, K, evaluations of a fit: steps × those of an estimate
FITS = [
    ("normal-step", "lax", 2, 64 * 2),
    ("bernoulli-10-quadratic", "relax", 1, 64),
    ("bernoulli-quadratic", "rebar", 1, 64 * 3),
    ("bernoulli-quadratic", "mu-prop-fitted", 1, 100 * 2),
    ("one-hot-quadratic", "double-control-variates", 2, 100 * 2),
    ("normal-quadratic", "reinforce-nvil", 3, 32 * 3),
    ("normal-quadratic", "reinforce-ema", 2, 19 * 2),
    ("importance-weighted-bits", "relax", 3, 64 * 3),
]


@pytest.mark.parametrize(("problem", "name", "samples", "evaluations"), FITS)
def test_a_fit_is_charged_and_worth_it(problem, name, samples, evaluations):
    measured = measure(problems.load(problem), name, samples, 2_000, timed=False)
    assert measured.fit_evaluations == evaluations
    assert measured.variance < measured.variance_start_high
    assert measured.variance_start_low < measured.variance_start < measured.variance_start_high
    assert measured.bias_verdict != "biased"


def test_before_it_learns_lax_is_reinforce():
    lax, plain = (
        measure(problems.load("normal-step"), name, 1, 2_000, timed=False)
        for name in ("lax", "reinforce")
    )
    assert lax.variance_start == pytest.approx(plain.variance, rel=0.2)
    assert lax.variance_high < plain.variance_low


@pytest.mark.parametrize("name", ["reinforce", "mu-prop", "rebar:fit_steps=0"])
def test_what_learns_nothing_has_no_start(name):
    measured = measure(problems.load("bernoulli-quadratic"), name, 1, 1_000, timed=False)
    assert measured.status == "ok"
    assert not measured.fit_evaluations > 0


def test_factors_with_terms_are_measured_and_counted():
    """`costs.quadratic` says which term belongs to which factor; asking for them counts once."""
    measured = measure(
        problems.load("bernoulli-10-quadratic"), "reinforce-rao-blackwell", 3, 2_000, timed=False
    )
    assert measured.status == "ok"
    assert measured.evaluations == 6
    late = measure(problems.load("one-hot-4-quadratic"), "reinforce-rao-blackwell", 1, 1_000)
    assert late.status == "refused"
    assert "terms" in late.reason
