"""A truth that may be off widens what is said of a bias, and takes verdicts back."""

import math

import pytest
import torch

from benchmarks import Truth
from benchmarks.truth.uncertainty import allow_for

FACTS = {
    "variance": 4.0, "bias_p": 1e-20, "bias_verdict": "biased", "bias_limit": 0.31, "bias2": 0.09,
    "bias2_low": 0.0841, "bias2_high": 0.0961, "replicates_to_decide": None, "scale": 0.7,
    "scale_low": 0.69, "scale_high": 0.71, "direction_bias": 0.2, "direction_bias_low": 0.15,
    "direction_bias_high": 0.25, "direction_verdict": "turned",
}  # fmt: skip
RIGHT = FACTS | {
    "bias_p": 0.4, "bias_verdict": "unbiased", "bias_limit": 0.02, "bias2": 0.0,
    "bias2_low": -1e-4, "bias2_high": 1e-4, "scale_low": 0.99, "scale_high": 1.01,
    "direction_bias_low": 0.0, "direction_bias_high": 0.02, "direction_verdict": "parallel",
}  # fmt: skip


def truth(disagreement, note="", size=1.0):
    gradient = torch.tensor([size, 0.0], dtype=torch.float64)
    return Truth(gradient, 1e-3 * torch.ones(2).double(), "reference", note, disagreement)


def told(facts, disagreement, **more):
    return facts | allow_for(truth(disagreement, **more), facts)


@pytest.mark.parametrize("known", [None, truth(0.0)])
def test_a_truth_that_is_not_off_changes_nothing(known):
    assert allow_for(known, FACTS) == {}


@pytest.mark.parametrize(("disagreement", "verdict"), [(0.2, "biased"), (0.3, "undetermined")])
def test_biased_is_what_lies_farther_off(disagreement, verdict):
    found = told(FACTS, disagreement)
    assert found["bias_verdict"] == verdict
    assert math.isnan(found["bias_p"]) == (verdict == "undetermined")
    assert found["bias2_low"] <= (0.3 - disagreement) ** 2
    assert found["bias2_high"] == pytest.approx((0.31 + disagreement) ** 2)


@pytest.mark.parametrize(("disagreement", "verdict"), [(0.02, "unbiased"), (0.04, "undetermined")])
def test_unbiased_is_what_stays_below_the_limit(disagreement, verdict):
    found = told(RIGHT, disagreement)
    assert found["bias_verdict"] == verdict
    assert found["bias_limit"] == pytest.approx(0.02 + disagreement)
    assert found["bias2_low"] <= 0


@pytest.mark.parametrize(
    ("facts", "disagreement", "verdict"),
    [(FACTS, 0.1, "turned"), (FACTS, 0.2, "undetermined"), (RIGHT, 0.02, "parallel"),
     (RIGHT, 0.04, "undetermined")],
)  # fmt: skip
def test_direction_and_scale_alike(facts, disagreement, verdict):
    found = told(facts, disagreement)
    assert found["direction_verdict"] == verdict
    assert found["scale_high"] == pytest.approx(facts["scale_high"] + disagreement)
    assert 0 <= found["direction_bias_low"] <= found["direction_bias_high"] <= 1


def test_facts_without_direction_stay_without():
    facts = {name: value for name, value in FACTS.items() if "direction" not in name}
    facts = {name: value for name, value in facts.items() if "scale" not in name}
    assert told(facts, 0.1).keys() - facts.keys() == {"truth_error", "reason"}


def test_more_than_five_per_cent_is_said():
    assert "reason" not in told(RIGHT, 0.04)
    assert "known only within 20 %" in told(RIGHT, 0.2)["reason"]
    assert told(RIGHT, 0.2)["truth_error"] == pytest.approx(0.2, rel=1e-3)
    assert "The cost jumps" in told(RIGHT, 0.2, note='{"the cost jumps by": 1}')["reason"]


def test_a_gradient_of_zero_is_relative_to_the_noise():
    found = told(RIGHT, 0.02, size=0.0)
    assert found["bias_limit"] == pytest.approx(0.02 + 0.02 / 2.0)
    assert found["bias_verdict"] == "unbiased"
    assert found["direction_verdict"] == "undetermined"
