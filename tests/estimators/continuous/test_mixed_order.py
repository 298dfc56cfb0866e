"""The mixture of two orders: what decides, and what it does to bias and noise."""

import pytest
import torch
from torch.distributions import Normal

import estimators
from benchmarks import measure, problems, ratio


def measured(name, estimator, samples=16, replicates=4_000, **fields):
    estimator = estimators.create(estimator, **fields)
    return measure(
        problems.load(name), estimator, samples=samples, replicates=replicates, timed=False
    )


def test_no_tolerance_is_the_score_function():
    """α = 0: the same samples give the same gradient as leave-one-out, by hand."""
    loc = torch.tensor([0.3, -1.0], dtype=torch.float64, requires_grad=True)
    found = []
    for tolerance in (0.0, 1e9):
        torch.manual_seed(3)
        estimator = estimators.create("mixed-order", tolerance=tolerance)
        surrogate = estimator.surrogate(Normal(loc, 1.0), lambda x: x.square(), 5)
        found.append(torch.autograd.grad(surrogate.sum(), loc)[0])
    torch.manual_seed(3)
    x = Normal(loc.detach().expand(5, 2), 1.0).rsample()
    f, score = x.square(), x - loc.detach()
    zeroth = (f - (f.sum(0) - f) / 4) * score
    first = 2 * x
    assert torch.allclose(found[0], zeroth.mean(0))
    share = zeroth.var(0) / (zeroth.var(0) + first.var(0))
    assert torch.allclose(found[1], share * first.mean(0) + (1 - share) * zeroth.mean(0))


def test_where_the_cost_jumps_the_tolerance_bounds_the_bias():
    strict = measured("smooth-with-jump", "mixed-order", tolerance=0.0)
    loose = measured("smooth-with-jump", "mixed-order", tolerance=1e9)
    pathwise = measured("smooth-with-jump", "pathwise")
    assert strict.bias_verdict in {"unbiased", "undetermined"}
    assert loose.bias_verdict == "biased"
    assert measured("smooth-with-jump", "mixed-order", samples=256).bias2_high < pathwise.bias2_low


def test_where_it_is_smooth_the_mixture_is_quieter_than_the_score_function():
    mixed = measured("normal-quadratic", "mixed-order", samples=64, tolerance=4.0)
    assert ratio(mixed, measured("normal-quadratic", "reinforce-loo", samples=64)).high < 0.7


def test_what_it_cannot_do_is_said():
    create = estimators.create("mixed-order")
    normal = Normal(torch.zeros(2, requires_grad=True), 1.0)
    assert "two samples" in create.unsupported(normal, 1)
    with pytest.raises(ValueError, match="must not be negative"):
        estimators.create("mixed-order", tolerance=-1.0)
