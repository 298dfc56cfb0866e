"""Where there is no truth, means that cannot be one are named, with who agrees with whom."""

import numpy as np
import pandas
import pytest
import torch
from torch.distributions import Beta, Normal

from benchmarks import Problem, compare
from benchmarks.store.store import Store
from benchmarks.truth.mean_agreement import DIFFER, Means, disagreement
from estimators import Estimator, evaluate
from reports.frames.mean_agreement import with_disagreements


def means(label, off=0.0, noise=1.0, seed=0):
    shared = np.random.default_rng(seed).normal(size=(64, 5))
    return Means(label, 10.0 + off + noise * shared)


def test_those_that_agree_say_nothing():
    assert disagreement([means("a"), means("b", seed=1), means("c", 0.2, 5.0, 2)]) is None
    assert disagreement([]) is None
    assert disagreement([means("a")]) is None


def test_the_sides_are_named():
    sentence, named = disagreement(
        [means("a"), means("b", 3.0, seed=1), means("a2", seed=2), means("loud", 0, 300.0, 3)]
    )
    assert named == {"a", "a2", "b"}
    assert DIFFER in sentence
    assert "loud" not in sentence
    assert "% of the longer one apart" in sentence


def test_a_last_smaller_block_is_left_out():
    blocks = {"count": np.array([5, 5, 2]), "mean": np.zeros((3, 2))}
    assert len(Means.of("a", blocks).rows) == 2


class Longer(Estimator):
    """Pathwise, 10 % too long, which it does not say."""

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        s = evaluate(cost, dist.rsample((samples,)), dist).mean(0)
        return s.detach() + 1.1 * (s - s.detach())


class Shy(Longer):
    """The same, and says so."""

    unbiased = False


def normal():
    return Problem(
        "n", {"loc": torch.tensor(1.0)}, lambda loc: Normal(loc, 1.0), torch.square, None
    )


@pytest.mark.parametrize(("other", "said"), [(Longer, True), (Shy, False)])
def test_in_compare_only_what_claims_to_be_unbiased_is_held_to_it(other, said):
    frame = compare(normal(), ["pathwise", other(name="other"), "reinforce"], 1, 20_000)
    reasons = frame["reason"].dropna()
    assert len(reasons) == (3 if said else 0)
    assert all(DIFFER in reason for reason in reasons)
    assert set(frame["status"]) == {"ok"}
    assert set(frame["bias_verdict"]) == {"no truth"}


def test_with_a_truth_the_verdicts_speak():
    known = Problem("k", {"loc": torch.tensor(1.0)}, lambda loc: Normal(loc, 1.0), torch.square)
    frame = compare(known, ["pathwise", Longer(name="other")], 1, 20_000)
    assert list(frame["bias_verdict"]) == ["unbiased", "biased"]
    assert not frame["reason"].fillna("").str.contains("means").any()


def test_a_beta_whose_score_is_cut_off_by_rounding():
    """The gradient is (25, −25); the means of REINFORCE have the wrong sign in the second."""

    def beta(concentration1, concentration0):
        return Beta(concentration1, concentration0)

    at = torch.tensor(0.01)
    problem = Problem("b", {"concentration1": at, "concentration0": at}, beta, lambda x: x)
    frame = compare(problem, ["pathwise", "reinforce", "reinforce-loo"], 2, 10_000)
    assert set(frame["bias_verdict"]) == {"no truth"}
    assert frame["reason"].str.contains(DIFFER).fillna(False).sum() >= 2


def test_the_means_that_a_store_keeps(tmp_path):
    store, records = Store(tmp_path), []
    for label, off, claims in (("a", 0.0, True), ("b", 3.0, True), ("c", 3.0, False)):
        one = means(label, off, seed=len(records))
        record = {"problem": "p", "estimator": label, "config": "{}", "samples": 1, "seed": 0,
                  "replicates": 640, "status": "ok", "bias_verdict": "no truth"}  # fmt: skip
        arrays = {"count": np.full(64, 10), "mean": one.rows, "claims_unbiased": np.array(claims)}
        records.append({**record, "per_block": store.beside(record, arrays, "blocks")})
    found = with_disagreements(pandas.DataFrame(records), tmp_path)
    assert list(found["reason"].notna()) == [True, True, False]
    assert with_disagreements(pandas.DataFrame(records[1:]), tmp_path)["reason"].isna().all()
