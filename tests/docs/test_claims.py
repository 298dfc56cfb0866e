"""The page of claims: it is made of measurements, and its verdicts follow from them."""

import re
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def claims():
    """What `python docs/claims` measures, by name."""
    sys.path.insert(0, str(DOCS / "claims"))
    from page import claims

    yield claims
    sys.path.remove(str(DOCS / "claims"))
    for name in ("page", "checking", "continuous", "discrete"):
        del sys.modules[name]


def test_where_the_cost_bends_the_score_function_is_quieter(claims):
    found = claims["frequency"].check(0.05)
    assert found.verdict == "False as a rule"
    loo = {(cost, k): float(factor.split()[0]) for cost, k, *_, factor in found.rows}
    assert loo["cos(k x)", "4"] < 0.2
    assert loo["cos(k x)", "0.5"] > 3


def test_torch_normal_hands_back_zero_gradients_in_silence(claims):
    found = claims["torch-normal"].check(0.01)
    rows = {row[0]: row[1:] for row in found.rows}
    assert rows["torch.normal(mu, std)"] == ["yes", "0", "0"]
    assert rows["Normal(mu, std).sample()"] == ["no", "no graph", "no graph"]
    assert rows["Normal(mu, std).rsample()"][1].startswith(("1.", "2."))
    assert found.verdict.startswith("True of `sample`")


def test_cooler_is_noisier_and_the_arg_max_has_no_variance(claims):
    assert claims["temperature"].check(0.05).verdict == "True"
    found = claims["straight-through"].check(0.02)
    still = {row[1] for row in found.rows if row[2] == "0"}
    assert still == {"straight-through-argmax", "straight-through-copied"}


def test_backpropagation_without_noise_is_exact(claims):
    found = claims["deterministic"].check(0.2)
    assert found.verdict == "True"
    exact = [row[2:] for row in found.rows if row[1] == "pathwise"]
    assert [variance for variance, _ in exact] == ["0", "0"]
    assert all(float(limit) < 1e-10 for _, limit in exact)  # what rounding may be


def test_trainings_are_read_at_equal_evaluations(claims, monkeypatch):
    monkeypatch.setattr("benchmarks.training.outcomes.DRAWS", 32)
    found = claims["training"].check(0.016)
    assert found.rows[0][0] == "pathwise"
    assert "--evaluations 16" in found.command


def test_the_stored_page_has_every_claim(claims):
    text = (DOCS / "claims.md").read_text()
    for claim in claims.values():
        assert f"## {claim.title}\n" in text
        assert f"*Claim: {claim.statement}*" in text
    assert not re.search(r"^>|“|…", text, re.MULTILINE)  # nobody is quoted
