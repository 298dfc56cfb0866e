"""RODEO: its tangents, its operator's mean of zero, and that it helps once it has learned."""

import pytest
import torch
from torch.distributions import Bernoulli, Independent, OneHotCategorical

import estimators
from benchmarks import measure, problems, ratio
from estimators.capabilities import support_table
from estimators.control_variates import rodeo
from estimators.core import evaluate

LOGITS = torch.tensor([[0.5, -0.7, 1.0], [0.2, 0.1, -1.0]], dtype=torch.float64)
TABLE = torch.arange(9, dtype=torch.float64).sin().reshape(3, 3)


def cost(x):
    return torch.einsum("...i,...j,ij->...", x[..., 0, :], x[..., 1, :], TABLE).exp()


def test_tangents_are_those_of_the_exchanged_points():
    dist = Independent(OneHotCategorical(logits=LOGITS), 1)
    values, _, factors = rodeo.factor_table(dist)
    torch.manual_seed(0)
    x, slope = dist.sample((3,)), torch.randn(3, 2, 3, dtype=torch.float64)
    at, moved = rodeo.tangents(factors(x), factors(slope), values)
    for j in range(3):
        for k in range(3):
            assert torch.allclose(at[j, k], (slope[j] * (x[k] - x[j])).sum())
            for v in range(3):
                for d in range(2):
                    y = x[k].clone()
                    y[d] = values[v]
                    assert torch.allclose(moved[j, k, v, d], (slope[j] * (y - x[j])).sum())


@pytest.mark.parametrize("family", ["bits", "classes"])
def test_it_is_unbiased_for_any_network_by_enumeration(family):
    """Σ over all pairs of points of p p ĝ = ∇ E f, with weights that nobody learned."""
    logits = (LOGITS if family == "classes" else LOGITS[0]).clone().requires_grad_()

    def law():
        if family == "classes":
            return Independent(OneHotCategorical(logits=logits), 1)
        return Independent(Bernoulli(logits=logits), 1)

    def f(x):
        return cost(x) if family == "classes" else (x @ LOGITS[1] - 0.3).square().exp()

    torch.manual_seed(1)
    network = [torch.randn(shape, dtype=torch.float64) for shape in ((4,), (4,), (4,), (4, 2))]
    points = support_table(law())
    p = law().log_prob(points).exp()
    (exact,) = torch.autograd.grad((p * evaluate(f, points, law())).sum(), logits)
    total, plain = torch.zeros_like(exact), torch.zeros_like(exact)
    for i, first in enumerate(points):
        for j, second in enumerate(points):
            dist = law()
            dist.sample = lambda shape, pair=(first, second): torch.stack(pair)
            surrogate = estimators.create("rodeo").estimate(dist, f, 2, *network)
            (found,) = torch.autograd.grad(surrogate, logits)
            total += p[i].item() * p[j].item() * found
            plain += p[i].item() * p[j].item() * found.square()
    assert (total - exact).abs().max() < 1e-12
    assert plain.sum() > 2 * exact.square().sum()  # one pair alone says little


def test_it_learns_and_starts_as_leave_one_out():
    problem = problems.load("one-hot-4-quadratic")
    ours, plain = (measure(problem, n, 2, 2_000, timed=False) for n in ("rodeo", "reinforce-loo"))
    assert ratio(ours, plain).high < 1
    assert ours.variance_start == pytest.approx(plain.variance, rel=0.2)
    assert ours.fit_evaluations == 64 * 2


def test_refusals_are_named():
    dist = Independent(Bernoulli(logits=LOGITS.clone().requires_grad_()), 1)
    assert "samples=2" in estimators.create("rodeo").unsupported(dist, 1)
    copies = estimators.multi_sample.Copies(dist, 2)
    assert "Stein" in estimators.create("rodeo").unsupported(copies, 2)
    with pytest.raises(ValueError, match="hidden"):
        estimators.create("rodeo", hidden=0)
