"""VarGrad is the gradient of half a sample variance, by hand."""

import torch
from torch.distributions import Normal

import estimators


def test_it_is_half_the_gradient_of_the_variance_of_log_ratios():
    loc = torch.tensor([0.3, -0.2], dtype=torch.float64, requires_grad=True)

    def cost(x, dist):
        return dist.log_prob(x) + (x - 1.0).square()

    torch.manual_seed(0)
    surrogate = estimators.create("var-grad").surrogate(Normal(loc, 0.8), cost, 5)
    (found,) = torch.autograd.grad(surrogate.sum(), loc)
    torch.manual_seed(0)
    x = Normal(loc, 0.8).sample((5,))
    half = cost(x, Normal(loc, 0.8)).var(0) / 2
    (exact,) = torch.autograd.grad(half.sum(), loc)
    assert torch.allclose(found, exact, rtol=1e-12)


def test_at_the_optimum_it_has_no_noise_where_leave_one_out_keeps_the_score():
    at = {"loc": torch.tensor(0.0).double(), "scale": torch.tensor(1.0).double()}

    def bound(x, dist):
        return dist.log_prob(x) - Normal(0.0, 1.0).log_prob(x)

    torch.manual_seed(0)
    ours, plain = (
        estimators.replicate_gradients(estimators.create(name), Normal, at, bound, 4, 500)["loc"]
        for name in ("var-grad", "reinforce-loo")
    )
    assert ours.abs().max() < 1e-12
    assert plain.var() > 0.1


def test_one_sample_is_refused():
    dist = Normal(torch.zeros(2, requires_grad=True), 1.0)
    assert "samples=2" in estimators.create("var-grad").unsupported(dist, 1)
