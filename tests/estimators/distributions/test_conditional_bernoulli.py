"""Subsets of k of n: densities, marginals and samples against sums over all subsets."""

import itertools
import math

import pytest
import torch

from estimators import capabilities
from estimators.distributions import ConditionalBernoulli, PlackettLuce, TopK
from estimators.distributions.top_k import log_first_few, log_first_many

LAWS = (ConditionalBernoulli, TopK)
SIZES = [(1, 1), (3, 1), (4, 2), (5, 4), (6, 3), (6, 6), (7, 5), (12, 2)]


def logits_of(n, spread=2.0):
    torch.manual_seed(n)
    return (spread * torch.randn(2, n, dtype=torch.float64)).requires_grad_()


def brute_force(law, k, logits):
    """{subset: probability} of one row, by its definition and in plain floats."""
    weight, n = logits.exp().tolist(), len(logits)
    found = {}
    for subset in itertools.combinations(range(n), k):
        if law is ConditionalBernoulli:
            found[subset] = math.prod(weight[i] for i in subset)
            continue
        found[subset] = 0.0
        for order in itertools.permutations(subset):
            left, p = sum(weight), 1.0
            for i in order:
                p, left = p * weight[i] / left, left - weight[i]
            found[subset] += p
    total = sum(found.values())
    return {subset: p / total for subset, p in found.items()}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("n", "k"), SIZES)
def test_probabilities_and_marginals_are_those_of_brute_force(law, n, k):
    logits = logits_of(n)
    dist = law(k, logits=logits)
    x, p = dist.enumerate_support(), dist.log_prob(dist.enumerate_support()).exp()
    assert (p.sum(0) - 1).abs().max() < 1e-12
    for row in range(2):
        exact = brute_force(law, k, logits.detach()[row])
        found = {tuple(x[i, row].nonzero()[:, 0].tolist()): p[i, row].item() for i in range(len(x))}
        assert found == pytest.approx(exact, rel=1e-9, abs=1e-12)
        marginal = [sum(q for s, q in exact.items() if i in s) for i in range(n)]
        assert dist.mean[row].tolist() == pytest.approx(marginal, abs=1e-12)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("n", "k"), SIZES[2:])
def test_marginals_have_the_derivative_of_the_sum_over_subsets(law, n, k):
    logits = logits_of(n)
    dist = law(k, logits=logits)
    x = dist.enumerate_support()
    summed = (dist.log_prob(x).exp().unsqueeze(-1) * x).sum(0)
    weight = torch.linspace(-1, 2, n, dtype=torch.float64)
    (slow,) = torch.autograd.grad((summed @ weight).sum(), logits)
    mean = (dist.mean @ weight).sum()
    if mean.requires_grad:  # all items: the mean is one, whatever the logits
        (fast,) = torch.autograd.grad(mean, logits)
        assert (fast - slow).abs().max() < 1e-11
    assert not law(k, logits=logits.detach()).mean.requires_grad


def test_the_two_laws_have_different_marginals():
    """Two of three with weights 2, 1, 1: item 0 is in with 4/5, or by draws with 5/6."""
    logits = torch.tensor([math.log(2), 0.0, 0.0], dtype=torch.float64)
    assert ConditionalBernoulli(2, logits).mean[0].item() == pytest.approx(4 / 5, abs=1e-14)
    assert TopK(2, logits).mean[0].item() == pytest.approx(5 / 6, abs=1e-14)


def test_entropy_and_mode():
    dist = ConditionalBernoulli(3, logits=logits_of(6))
    p = dist.log_prob(dist.enumerate_support()).exp()
    assert torch.allclose(dist.entropy(), -(p * p.log()).sum(0), rtol=1e-12)
    assert torch.allclose(dist.log_prob(dist.mode).exp(), p.max(0).values, rtol=1e-12)
    top = TopK(3, logits=logits_of(6))
    p = top.log_prob(top.enumerate_support()).exp()
    assert torch.allclose(top.log_prob(top.mode).exp(), p.max(0).values, rtol=1e-12)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("n", "k"), [(4, 2), (6, 3), (7, 5)])
def test_samples_have_these_probabilities(law, n, k):
    """χ² of 40,000 samples over all subsets, below the mean by 4.5 of its standard deviations."""
    dist = law(k, logits=logits_of(n, 0.7))
    torch.manual_seed(0)
    count = 40_000
    x, points = dist.sample((count,)), dist.enumerate_support()
    seen = torch.stack([(x == point).all(-1).sum(0) for point in points])
    assert (seen.sum(0) == count).all()
    expected = count * dist.log_prob(points).exp().detach()
    chi2, freedom = ((seen - expected).square() / expected).sum(0), len(points) - 1
    assert (chi2 < freedom + 4.5 * math.sqrt(2 * freedom)).all()


@pytest.mark.parametrize("k", [4, 5])
def test_sums_over_subsets_and_quadrature_agree(k):
    ratio = torch.randn(50, k, dtype=torch.float64, generator=torch.Generator().manual_seed(k)) * 4
    assert (log_first_few(ratio) - log_first_many(ratio)).abs().max() < 1e-12


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("law", LAWS)
def test_a_hundred_of_a_thousand(law, dtype):
    logits = (3 * torch.randn(1000, generator=torch.Generator().manual_seed(0))).to(dtype)
    logits = (logits + 300).requires_grad_()  # exp overflows in float32, e_k in both
    dist = law(100, logits=logits)
    x = dist.sample((2,))
    assert x.dtype == dtype
    assert (x.sum(-1) == 100).all()
    log_p = dist.log_prob(x)
    (slope,) = torch.autograd.grad(log_p.sum(), logits)
    assert log_p.isfinite().all()
    assert slope.isfinite().all()
    if law is ConditionalBernoulli:
        assert dist.mean.sum().item() == pytest.approx(100, rel=1e-4)
        assert torch.allclose(slope, (x - dist.mean).sum(0), atol=1e-3)


def test_conditional_bernoullis_are_what_they_are_called():
    """Independent Bernoullis, given that two of four are one."""
    logits = logits_of(4)
    x = ConditionalBernoulli(2, logits).enumerate_support()
    joint = torch.distributions.Bernoulli(logits=logits).log_prob(x).sum(-1).exp()
    found = ConditionalBernoulli(2, logits).log_prob(x).exp()
    assert torch.allclose(found, joint / joint.sum(0), rtol=1e-12)


def test_uniforms_decide_and_batches_stay_apart():
    dist = ConditionalBernoulli(3, logits=logits_of(6).detach().repeat(3, 1))
    torch.manual_seed(1)
    u = torch.rand(5, 6, 6, dtype=torch.float64)
    x = capabilities.quantile(dist, u)
    other = u.clone()
    other[:, 1:] = 0.5
    assert torch.equal(x[:, 0], capabilities.quantile(dist, other)[:, 0])
    ends = torch.stack((torch.zeros_like(u), torch.full_like(u, 1 - 1e-16)))
    assert (capabilities.quantile(dist, ends).sum(-1) == 3).all()


@pytest.mark.parametrize("law", LAWS)
def test_what_does_not_fit_is_said(law):
    with pytest.raises(ValueError, match="from 1 to the number of items, 3, not 4"):
        law(4, logits=torch.zeros(3))
    with pytest.raises(ValueError, match="not 0"):
        law(0, logits=torch.zeros(3))
    with pytest.raises(NotImplementedError, match="sample them instead"):
        law(20, logits=torch.zeros(60)).enumerate_support()
    assert capabilities.support_points(law(20, logits=torch.zeros(60))) is None
    with pytest.raises(ValueError, match="support"):
        law(2, logits=torch.zeros(3), validate_args=True).log_prob(torch.ones(3))


def test_the_first_k_of_an_ordering_are_the_top_k():
    logits = logits_of(5)
    order = PlackettLuce(logits, k=3)
    places = order.enumerate_support()
    p = order.log_prob(places).exp()
    member = torch.zeros(*places.shape[:-1], 5).scatter(-1, places, 1.0)
    for subset in TopK(3, logits).enumerate_support()[:, 0]:
        same = (member[:, 0] == subset).all(-1)
        exact = p[same].sum(0)
        assert torch.allclose(TopK(3, logits).log_prob(subset.expand(2, -1)).exp(), exact)
