"""Quantiles of Gamma, Beta and Dirichlet beside scipy's, to 1e-300, and their derivatives."""

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch.distributions import Beta, Dirichlet, Gamma, Independent

import estimators
from benchmarks import Problem
from estimators import capabilities

U = torch.tensor(
    [1e-15, 1e-8, 1e-4, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.999, 1 - 1e-9], dtype=torch.float64
)
LEAST = 1e-300


def close(ours, theirs, rtol):
    kept = theirs > LEAST
    assert kept.sum() > 3
    np.testing.assert_allclose(ours[kept], theirs[kept], rtol=rtol)
    assert (ours[~kept] <= 2 * LEAST).all()


@pytest.mark.parametrize("alpha", [0.01, 0.03, 0.1, 0.5, 2.0, 40.0, 3000.0])
def test_gamma(alpha):
    one = torch.tensor(alpha).double()
    x = capabilities.quantile(Gamma(one, one.new_tensor(2.0)), U).numpy()
    close(x, stats.gamma.ppf(U.numpy(), one.item()) / 2, 1e-9)


@pytest.mark.parametrize(
    ("a", "b"), [(0.01, 0.01), (0.03, 2.0), (2.0, 0.03), (0.5, 0.5), (2.0, 5.0), (300.0, 500.0)]
)
def test_beta(a, b):
    a, b = (torch.tensor(v).double() for v in (a, b))
    x = capabilities.quantile(Beta(a, b), U).numpy()
    inner = stats.beta.ppf(U.numpy(), a.item(), b.item())
    close(x, np.minimum(inner, 1 - 2**-53), 1e-9)
    at = torch.tensor([1e-200, 1e-9, 0.3, 0.8, 1 - 1e-9], dtype=torch.float64)
    below = capabilities.cdf(Beta(a, b), at).detach().numpy()
    np.testing.assert_allclose(below, special.betainc(a.item(), b.item(), at.numpy()), rtol=1e-10)


def test_sparse_dirichlet_by_its_quantiles_has_the_right_moment():
    """E Σ x² = Σ α(α + 1) / (A(A + 1)) = 0.94495 for three of 0.03."""
    torch.manual_seed(0)
    dist = Dirichlet(torch.full((3,), 0.03).double())
    x = capabilities.quantile(dist, capabilities.uniforms(dist, (40_000,)))
    f = x.square().sum(-1)
    exact = 3 * 0.03 * 1.03 / (0.09 * 1.09)
    assert x.isfinite().all()
    assert abs(f.mean() - exact) < 4.5 * f.std() / 200


@pytest.mark.parametrize("alpha", [0.02, 0.1, 3.0])
def test_the_derivative_in_the_concentration_is_that_of_differences(alpha):
    leaf = torch.full_like(U, alpha).requires_grad_()
    one = torch.ones_like(U)
    h = 1e-5 * alpha
    ends = (capabilities.quantile(Gamma(leaf.detach() + s * h, one), U).log() for s in (1, -1))
    wanted = (next(ends) - next(ends)) / (2 * h)
    found = torch.autograd.grad(capabilities.quantile(Gamma(leaf, one), U).log().sum(), leaf)[0]
    kept = capabilities.quantile(Gamma(leaf, one), U).detach() > LEAST
    torch.testing.assert_close(found[kept], wanted[kept], rtol=3e-5, atol=1e-6)


NAMES = ("antithetic-pathwise", "stratified", "finite-differences", "spsa")


@pytest.mark.parametrize("name", NAMES)
def test_log_gamma_is_unbiased_by_its_quantiles(name):
    """d E log x/dα = trigamma(0.1) = 101.4; the differences' own error is below 0.1 %."""
    problem = Problem(
        "log-gamma", {"concentration": torch.tensor(0.1).double()},
        lambda concentration: Gamma(concentration, torch.ones_like(concentration)), torch.log,
    )  # fmt: skip
    fields = {"step": 1e-3} if name in ("finite-differences", "spsa") else {}
    torch.manual_seed(0)
    found = problem.gradients(estimators.create(name, **fields), 4, 2000)[:, 0]
    error = found.std() / len(found) ** 0.5
    assert abs(found.mean() - float(special.polygamma(1, 0.1))) < 4.5 * error + 0.1


def test_beta_is_coupled_too():
    """∂E x/∂a = b / (a + b)² of Beta(2, 3), by antithetic pairs."""
    problem = Problem(
        "beta", {"a": torch.full((2,), 2.0).double(), "b": torch.full((2,), 3.0).double()},
        lambda a, b: Independent(Beta(a, b), 1), lambda x: x.sum(-1),
    )  # fmt: skip
    torch.manual_seed(0)
    found = problem.gradients(estimators.create("antithetic-pathwise"), 4, 2000)
    error = found.std(0) / len(found) ** 0.5
    exact = torch.tensor([3 / 25, 3 / 25, -2 / 25, -2 / 25]).double()
    assert ((found.mean(0) - exact).abs() < 4.5 * error).all()
