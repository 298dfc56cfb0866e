"""Known traps end as rows with a flag and a sentence, never as exceptions or silent numbers."""

import pytest

from benchmarks import measure, problems

COLD = "gumbel-softmax:temperature=1e-4"


def measured(problem, estimator):
    return measure(problems.load(problem), estimator, replicates=5_000, timed=False)


@pytest.mark.parametrize(
    ("problem", "estimator", "words"),
    [
        ("extreme-bernoulli", "reinforce", "so rare that it came up about 0 times"),
        ("extreme-bernoulli", "gumbel-softmax", "so rare"),
        ("extreme-beta-small", "pathwise", "The sampler of Beta is wrong here"),
        ("extreme-beta-small", "reinforce", "The sampler of Beta is wrong here"),
        ("extreme-one-hot-half", COLD, "not finite"),
    ],
)
def test_a_trap_is_named(problem, estimator, words):
    row = measured(problem, estimator)
    assert words in row.reason
    assert row.status == ("error" if words == "not finite" else "ok")


@pytest.mark.parametrize(
    ("problem", "estimator"),
    [
        ("extreme-beta-large", "pathwise"),
        ("extreme-gamma-small", "implicit"),
        ("extreme-one-hot", COLD),
        ("extreme-bernoulli", "reinforce"),
    ],
)
def test_a_tail_is_flagged(problem, estimator):
    assert measured(problem, estimator).heavy_tailed


def test_an_event_never_seen_is_no_bias():
    row = measured("extreme-bernoulli", "reinforce")
    assert row.variance == 0
    assert row.bias_verdict == "undetermined"


def test_a_vanished_gradient_is_named():
    row = measured("extreme-one-hot", "straight-through-argmax")
    assert row.bias_verdict == "biased"
    assert measured("extreme-one-hot", "sparsemax-straight-through").reason is None


TOYS = [n for n in problems.names() if problems.entry(n).build.__module__.endswith(".toy")]


@pytest.mark.parametrize("problem", TOYS)
def test_the_samplers_of_the_other_problems_are_right(problem):
    row = measure(problems.load(problem), "reinforce", replicates=200, timed=False)
    assert "sampler" not in (row.reason or "")
