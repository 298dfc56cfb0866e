"""Orderings: densities and samples against sums over all of them."""

import itertools
import math

import pytest
import torch

from estimators.distributions import OneHotPlackettLuce, PlackettLuce


def logits_of(n, spread=1.5):
    torch.manual_seed(n)
    return (spread * torch.randn(2, n, dtype=torch.float64)).requires_grad_()


def probability(order, weights):
    """One item after the other, each in proportion to its weight among those left."""
    left, p = sum(weights), 1.0
    for item in order:
        p, left = p * weights[item] / left, left - weights[item]
    return p


@pytest.mark.parametrize(("n", "k"), [(1, None), (3, None), (5, None), (6, 2), (5, 4)])
def test_probabilities_are_those_of_the_definition_and_sum_to_one(n, k):
    logits = logits_of(n)
    dist = PlackettLuce(logits=logits, k=k)
    x = dist.enumerate_support()
    assert len(x) == math.perm(n, k or n)
    p = dist.log_prob(x).exp()
    assert (p.sum(0) - 1).abs().max() < 1e-12
    for row in range(2):
        weights = logits[row].exp().tolist()
        exact = [probability(order, weights) for order in x[:, row].tolist()]
        assert p[:, row].tolist() == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("n", [1, 2, 4, 5])
def test_places_of_a_matrix_are_exact_and_differentiable(n):
    logits = logits_of(n)
    dist = OneHotPlackettLuce(logits)
    x, p = dist.enumerate_support(), dist.log_prob(dist.enumerate_support()).exp()
    summed = (p[..., None, None] * x).sum(0)
    assert (p.sum(0) - 1).abs().max() < 1e-12
    assert (summed - dist.mean).abs().max() < 1e-12
    assert (dist.mean.sum(-2) - 1).abs().max() < 1e-12
    weight = torch.randn(n, n, dtype=torch.float64)
    if n > 1:
        (slow,) = torch.autograd.grad((summed * weight).sum(), logits)
        (fast,) = torch.autograd.grad((dist.mean * weight).sum(), logits)
        assert (fast - slow).abs().max() < 1e-11


def test_both_forms_are_one_law():
    logits = logits_of(4)
    orders = PlackettLuce(logits).enumerate_support()
    matrices = OneHotPlackettLuce(logits).enumerate_support()
    assert torch.equal(matrices.argmax(-1), orders)
    assert torch.equal(
        OneHotPlackettLuce(logits).log_prob(matrices), PlackettLuce(logits).log_prob(orders)
    )


@pytest.mark.parametrize("k", [None, 2])
def test_samples_have_these_probabilities(k):
    dist = PlackettLuce(logits_of(4, 0.8), k)
    torch.manual_seed(0)
    count = 40_000
    x, points = dist.sample((count,)), dist.enumerate_support()
    seen = torch.stack([(x == point).all(-1).sum(0) for point in points])
    assert (seen.sum(0) == count).all()
    expected = count * dist.log_prob(points).exp().detach()
    chi2, freedom = ((seen - expected).square() / expected).sum(0), len(points) - 1
    assert (chi2 < freedom + 4.5 * math.sqrt(2 * freedom)).all()


def test_the_mode_is_the_likeliest():
    for dist in (PlackettLuce(logits_of(5)), OneHotPlackettLuce(logits_of(5))):
        best = dist.log_prob(dist.enumerate_support()).max(0).values
        assert torch.allclose(dist.log_prob(dist.mode), best, rtol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("k", [None, 100])
def test_a_thousand_items(k, dtype):
    logits = (100 * torch.randn(1000, generator=torch.Generator().manual_seed(0))).to(dtype)
    dist = PlackettLuce(logits.requires_grad_(), k)
    log_p = dist.log_prob(dist.sample((2,)))
    (slope,) = torch.autograd.grad(log_p.sum(), logits)
    assert log_p.isfinite().all()
    assert slope.isfinite().all()
    assert abs(slope.sum().item()) < 1e-3  # adding a number to all logits changes nothing


def test_the_score_is_right():
    """∂ log p / ∂ logit_d = Σ over places up to d's of 1[chosen] − p(d | left), by hand."""
    logits = logits_of(4)
    order = torch.tensor([2, 0, 3, 1])
    (score,) = torch.autograd.grad(PlackettLuce(logits).log_prob(order).sum(), logits)
    for row in range(2):
        weight, exact = logits[row].exp().tolist(), [1.0] * 4
        for place, item in itertools.product(range(4), range(4)):
            if item in order[place:].tolist():
                exact[item] -= weight[item] / sum(weight[j] for j in order[place:].tolist())
        assert score[row].tolist() == pytest.approx(exact, abs=1e-12)


def test_what_does_not_fit_is_said():
    with pytest.raises(ValueError, match="not 5"):
        PlackettLuce(torch.zeros(4), k=5)
    with pytest.raises(NotImplementedError, match="sample them instead"):
        PlackettLuce(torch.zeros(9)).enumerate_support()
    strict = PlackettLuce(torch.zeros(3), validate_args=True)
    with pytest.raises(ValueError, match="support"):
        strict.log_prob(torch.tensor([0, 1, 1]))
