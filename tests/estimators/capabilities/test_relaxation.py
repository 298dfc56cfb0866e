"""Perturbed logits, given their sample and not, and the points of a support."""

import itertools

import pytest
import torch
from discrete_laws import SHAPES, random_case
from torch.distributions import (
    OneHotCategorical,
)

from benchmarks.machine.random_streams import stream, stream_key
from estimators import capabilities


@pytest.mark.parametrize("label", SHAPES)
def test_conditional_logits_have_the_law_of_logits_with_that_sample(label):
    dist = random_case(label, 4)[0]
    with stream(stream_key("conditional", label)), torch.no_grad():
        z = capabilities.perturbed_logits(dist, (100_000,))
        x = capabilities.harden(dist, z)
        again = capabilities.conditional_logits(dist, x)
    assert torch.equal(capabilities.harden(dist, again), x)
    for moment in (lambda t: t, torch.square, lambda t: t * x, lambda t: t.square() * x):
        a, b = moment(z), moment(again)
        error = ((a.var(0) + b.var(0)) / 100_000).sqrt()
        assert ((a.mean(0) - b.mean(0)).abs() < 4.5 * error).all()


@pytest.mark.parametrize("label", SHAPES)
def test_given_sample_is_the_derivative_at_fixed_conditional_noise(label):
    shape, family = SHAPES[label]
    _, logits, _, _ = random_case(label, 5)
    points = capabilities.support_points(family(logits))
    z = conditional(family, logits, points)
    weight = torch.randn(z.shape, generator=torch.Generator().manual_seed(6), dtype=z.dtype)
    moved = capabilities.given_sample(family(logits), z)
    assert torch.equal(moved, z)
    found = torch.autograd.grad((weight * moved).sum(), logits)[0]
    for place in itertools.product(*[range(n) for n in shape]):
        step = torch.zeros_like(logits)
        step[place] = 1e-5
        up, down = (conditional(family, logits.detach() + s * step, points) for s in (1, -1))
        numeric = (weight * (up - down)).sum() / 2e-5
        assert float(found[place]) == pytest.approx(float(numeric), abs=1e-7)


def conditional(family, logits, points):
    with stream(stream_key("given")):
        return capabilities.conditional_logits(family(logits), points)


def test_sparsify_projects_onto_the_simplex():
    z = torch.randn(500, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2
    dist = OneHotCategorical(logits=torch.zeros(6).double())
    low, high = z.min(-1).values - 1, z.max(-1).values
    for _ in range(60):  # bisection for the threshold
        middle = (low + high) / 2
        above = (z - middle.unsqueeze(-1)).clamp_min(0).sum(-1) > 1
        low, high = torch.where(above, middle, low), torch.where(above, high, middle)
    expected = (z - low.unsqueeze(-1)).clamp_min(0)
    torch.testing.assert_close(capabilities.sparsify(dist, z), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("label", SHAPES)
def test_the_support_and_its_probabilities_agree(label):
    shape, family = SHAPES[label]
    dist = family(torch.randn(3, 2, *shape, dtype=torch.float64))
    points, log_p = capabilities.support_points(dist), capabilities.support_log_prob(dist)
    assert points.shape == (len(points), 3, 2, *dist.event_shape)
    assert len(points[:, 0, 0].unique(dim=0)) == len(points)
    torch.testing.assert_close(log_p, dist.log_prob(points), rtol=0, atol=1e-12)
    torch.testing.assert_close(log_p.exp().sum(0), torch.ones(3, 2).double(), rtol=0, atol=1e-12)
