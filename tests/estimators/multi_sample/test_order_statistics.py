"""Quantiles, CVaR and the best of k: weights, exact truths, and what estimates their gradients."""

import itertools
import math

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, OneHotCategorical

import estimators
from benchmarks import measure, problems
from benchmarks.problems.order_statistics import ANSWERS, LOGITS, of_the_law
from benchmarks.truth.exact import truth_of_draws
from estimators.multi_sample import BestOf, Copies, Quantile, Reduced, TailMean

COSTS = torch.tensor([0.3, -1.0, 2.0, 0.7, 0.1], dtype=torch.float64)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_best_of_is_the_mean_over_all_sets(k):
    sets = [min(chosen) for chosen in itertools.combinations(COSTS.tolist(), k)]
    assert BestOf(k)(COSTS).item() == pytest.approx(np.mean(sets), rel=1e-12)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.2, 2.0), (0.4, 1.35), (0.3, 4.7 / 3), (1, 0.42)]
)
def test_tail_means_take_a_part_of_the_last_cost(share, expected):
    """0.3 of five costs is one and a half of them: (2.0 + 0.7 / 2) / 1.5."""
    assert TailMean(share)(COSTS).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("level", "expected"), [(0.2, -1.0), (0.5, 0.3), (0.6, 0.3), (1, 2.0)])
def test_quantiles_are_order_statistics(level, expected):
    assert Quantile(level)(COSTS).item() == expected


def test_weights_add_up_to_one():
    for reduction in (BestOf(2), TailMean(0.3), Quantile(0.7)):
        for count in (2, 3, 10):
            assert sum(reduction.weights(count)) == pytest.approx(1, rel=1e-12)


def test_mistakes_are_named():
    for cls, value in ((BestOf, 0), (TailMean, 0.0), (TailMean, 1.5), (Quantile, 0.0)):
        with pytest.raises(ValueError, match="not"):
            cls(value)
    with pytest.raises(estimators.Unsupported, match="needs 3 of them"):
        BestOf(3)(COSTS[:2])
    row = measure(problems.load("best-of-two"), "leave-one-out-credit", 2, 100, timed=False)
    assert "needs 2 of them" in row.reason
    row = measure(problems.load("quantile-loss"), "tail-score", 4, 100, timed=False)
    assert "TailMean(share)" in row.reason


# ---- truths


def test_the_best_of_two_answers_is_the_sum_over_all_pairs():
    logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    p = logits.softmax(-1)
    pairs = torch.minimum(ANSWERS.unsqueeze(0), ANSWERS.unsqueeze(1))
    (exact,) = torch.autograd.grad(p @ pairs @ p, logits)
    for count in (2, 7):
        found = truth_of_draws(problems.load("best-of-two"), count).gradient
        assert (found - exact).abs().max() < 1e-14


@pytest.mark.parametrize("name", ["quantile-loss", "cvar-loss"])
def test_one_draw_is_the_mean_and_many_are_the_law(name):
    problem = problems.load(name)
    mean = math.exp(0.1 + 0.5**2 / 2)
    one = truth_of_draws(problem, 1).gradient
    assert torch.allclose(one, torch.tensor([mean, 0.5 * mean], dtype=torch.float64), rtol=1e-10)
    law = torch.tensor(list(of_the_law()[name.removesuffix("-loss")].values())).double()
    gaps = [
        float((truth_of_draws(problem, count).gradient - law).abs().max()) for count in (40, 160)
    ]
    assert 3 < gaps[0] / gaps[1] < 5  # a bias of order 1/K
    assert gaps[1] < 0.02


def test_the_limits_are_differences_of_the_quantile_function():
    def of(loc, scale):
        normal = torch.distributions.Normal(0.0, 1.0)
        levels = torch.linspace(0.75, 1, 2_000_001, dtype=torch.float64)
        tail = torch.exp(loc + scale * normal.icdf((levels[1:] + levels[:-1]) / 2)).mean()
        at = math.exp(loc + scale * normal.icdf(torch.tensor(0.75)).item())
        return {"quantile": at, "cvar": float(tail)}

    for key, slopes in of_the_law().items():
        for name, shift in (("loc", (1e-4, 0)), ("scale", (0, 1e-4))):
            up, down = (of(0.1 + s * shift[0], 0.5 + s * shift[1])[key] for s in (1, -1))
            assert slopes[name] == pytest.approx((up - down) / 2e-4, rel=1e-3)


# ---- estimators


@pytest.mark.parametrize(
    ("problem", "name", "samples"),
    [
        ("best-of-two", "leave-one-out-credit", 3), ("best-of-two", "vimco", 2),
        ("best-of-two", "reinforce", 3), ("best-of-two", "enumeration", 3),
        ("quantile-loss", "pathwise", 8), ("quantile-loss", "leave-one-out-credit", 4),
        ("cvar-loss", "pathwise", 8), ("cvar-loss", "leave-one-out-credit", 8),
    ],
)  # fmt: skip
def test_the_mean_is_the_gradient_of_the_objective_of_the_draws(problem, name, samples):
    row = measure(problems.load(problem), name, samples, 5_000, timed=False)
    assert row.status == "ok", row.reason
    assert row.bias_verdict in {"unbiased", "undetermined"}
    assert abs(row.scale - 1) < 0.25
    assert "hides" not in (row.reason or "")


def test_credit_is_quieter_than_the_whole_objective():
    rows = [
        measure(problems.load("best-of-two"), name, 5, 3_000, timed=False)
        for name in ("leave-one-out-credit", "reinforce")
    ]
    assert rows[0].variance_high < rows[1].variance_low / 10


def test_against_the_law_the_draws_have_their_known_bias():
    for name in ("cvar-loss", "quantile-loss"):
        law = torch.tensor(list(of_the_law()[name.removesuffix("-loss")].values())).double()
        gap = (truth_of_draws(problems.load(name), 8).gradient - law).square().sum()
        row = measure(problems.load(f"{name}-limit"), "pathwise", 8, 20_000, timed=False)
        assert row.bias_verdict == "biased"
        assert row.bias2_low < gap < row.bias2_high


def test_the_score_of_the_tail_has_the_bias_that_enumeration_gives():
    """Σ over all triples of draws of p p p Σ_k (f_k − q̂)₊ / (share K) ∇log p(x_k)."""
    logits = torch.tensor([0.2, -0.5, 0.9], dtype=torch.float64, requires_grad=True)
    values = torch.tensor([1.0, -0.3, 2.0], dtype=torch.float64)
    share, count = 0.5, 3
    dist = Categorical(logits=logits)
    score = torch.eye(3, dtype=torch.float64) - dist.probs.detach()
    biased, exact = torch.zeros(3).double(), torch.zeros(3).double()
    for triple in itertools.product(range(3), repeat=count):
        chosen = list(triple)
        mass, f = dist.probs.detach()[chosen].prod(), values[chosen]
        least = f.sort(descending=True).values[1]  # ⌈1.5⌉-th largest
        biased += mass * ((f - least).clamp_min(0) / (share * count)) @ score[chosen]
        exact += mass * TailMean(share)(f) * score[chosen].sum(0)
    torch.manual_seed(0)
    copies = Copies(OneHotCategorical(logits=logits.expand(40_000, 3)), count)
    surrogate = estimators.create("tail-score").surrogate(
        copies, Reduced(lambda x: x @ values, TailMean(share))
    )
    found = torch.autograd.grad(surrogate.sum(), logits)[0] / 40_000
    assert (found - biased).abs().max() < 0.02
    assert (biased - exact).abs().max() > 0.1
