"""Scale and direction as columns of a measurement, of a table and of a store."""

import json
import math

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

import estimators
from benchmarks import Problem, compare, measure
from benchmarks.measuring.measurement import Measurement
from benchmarks.store.schema import COLUMNS
from benchmarks.store.store import Store

TRUTH = {"loc": torch.tensor([3.0, 4.0])}
NEW = [f"{name}{end}" for name in ("scale", "direction_bias", "variance_scaled")
       for end in ("", "_low", "_high")]  # fmt: skip


class Kept(estimators.Estimator):
    """Pathwise, each coordinate of its gradient times a factor."""

    unbiased = False
    factors = (1.0, 1.0)

    def surrogate(self, dist, cost, samples=1):
        loc = dist.base_dist.loc
        kept = loc * torch.tensor(self.factors, dtype=loc.dtype)
        own = Independent(Normal(kept + (loc - kept).detach(), dist.base_dist.scale), 1)
        return estimators.evaluate(cost, own.rsample((samples,)), own).mean(0)


def linear(gradient=TRUTH["loc"], truth=TRUTH):
    """E f = ⟨g, loc⟩ with f = ⟨g, x⟩ + ½‖x − loc‖²: a gradient of g and noise."""
    return Problem(
        "linear", {"loc": torch.zeros(2)}, lambda loc: Independent(Normal(loc, 1.0), 1),
        lambda x: (gradient.to(x) * x).sum(-1) + 0.5 * x.square().sum(-1), truth,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("factors", "scale", "sine", "verdict"),
    [
        ((0.25, 0.25), 0.25, 0.0, "parallel"), ((1.0, 1.0), 1.0, 0.0, "parallel"),
        ((2.0, 2.0), 2.0, 0.0, "parallel"), ((0.0, 1.0), 0.64, 0.6, "turned"),
        ((1.0, 0.0), 0.36, 0.8, "turned"),
    ],
)  # fmt: skip
def test_exact_rows(factors, scale, sine, verdict):
    kept = Kept()
    object.__setattr__(kept, "factors", factors)
    found = measure(linear(), kept, replicates=10_000, seed=1, timed=False)
    assert found.direction_verdict == verdict
    assert found.scale_low <= scale <= found.scale_high
    assert found.direction_bias_low - 1e-9 <= sine <= found.direction_bias_high
    assert found.variance_scaled_low <= found.variance / scale**2 <= found.variance_scaled_high


def test_straight_through_of_twice_the_cost_is_twice_as_long():
    logits = torch.tensor([0.5, -1.0, 0.2])
    weights = torch.tensor([1.0, 2.0, -1.5])
    p = torch.sigmoid(logits)
    gradient = 3 * weights * p * (1 - p)  # f(1) − f(0) = 3 w

    def problem(c):
        """f(b) = Σ w (1 + b)²; the name, and so the random numbers, are the same for all c."""
        return Problem(
            "squares", {"logits": logits}, lambda logits: Independent(Bernoulli(logits=logits), 1),
            lambda b: c * (weights.to(b) * (1 + b).square()).sum(-1), {"logits": gradient},
        )  # fmt: skip

    one, two = (
        measure(problem(c), "straight-through", replicates=2_000, timed=False) for c in (1, 2)
    )
    assert two.direction_bias == pytest.approx(one.direction_bias, rel=1e-9)
    assert two.scale == pytest.approx(2 * one.scale, rel=1e-9)
    assert two.variance_scaled == pytest.approx(one.variance_scaled, rel=1e-9)


def test_a_gradient_of_zero_refuses_with_a_reason():
    zero = torch.zeros(2)
    found = measure(linear(zero, {"loc": zero}), "pathwise", replicates=1_000, timed=False)
    assert found.status == "ok"
    assert "no direction" in found.reason
    assert all(math.isnan(getattr(found, name)) for name in NEW)
    assert found.direction_verdict == "undetermined"


def test_without_a_truth_there_is_no_direction():
    found = measure(linear(truth=None), "pathwise", replicates=1_000, timed=False)
    assert (found.bias_verdict, found.direction_verdict) == ("no truth", "no truth")


class Weighted(estimators.Estimator):
    """Pathwise, each replicate times a Pareto weight of mean 1."""

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        u = torch.rand(dist.batch_shape, dtype=torch.float64).clamp_min(1e-12)
        weight = u ** (-1 / 1.2) * 0.2 / 1.2
        return weight * estimators.evaluate(cost, dist.rsample((samples,)), dist).mean(0)


def test_heavy_tails_are_named_and_not_judged():
    problem = Problem("weighted", {"loc": torch.tensor(1.0)}, lambda loc: Normal(loc, 1.0),
                      lambda x: x.square())  # fmt: skip
    for seed in range(20):
        found = measure(problem, Weighted(), replicates=1_000, seed=seed, timed=False)
        assert found.heavy_tailed
        assert (found.bias_verdict, found.direction_verdict) == ("undetermined", "undetermined")
        assert "tails" in found.reason


def test_the_columns_stand_once(tmp_path):
    frame = compare(linear(), ["pathwise", "reinforce"], replicates=500)
    assert {*NEW, "direction_verdict"} <= set(frame)
    found = measure(linear(), "pathwise", replicates=500, timed=False)
    assert set(found.record) == set(COLUMNS)
    assert Measurement(problem="p", estimator="e").status == "ok"
    with pytest.raises(TypeError):
        Measurement(problem="p", estimator="e", nonsense=1)
    store = Store(tmp_path)
    store.append(found.record)
    assert next(iter(store))["scale"] == found.scale


def test_a_store_of_before_still_loads(tmp_path):
    store = Store(tmp_path)
    record = measure(linear(), "pathwise", replicates=500, timed=False).record
    store.append({name: value for name, value in record.items()
                  if name not in NEW and name != "direction_verdict"})  # fmt: skip
    line = (tmp_path / "records.jsonl").read_text()
    assert "direction_verdict" not in json.loads(line)
    assert next(iter(store))["direction_verdict"] is None
