"""The oracle that owes nothing to autograd, and the torch estimators held against it."""

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal

import estimators
from estimators.numpy_reference import reparameterise_and_grad, sample_gaussian_reparam

B, D, X = 5, 3, 7


@pytest.fixture
def setting():
    rng = np.random.default_rng(3)
    return {
        "mu": rng.normal(size=(B, D)),
        "log_var": rng.normal(size=(B, D)),
        "weight": rng.normal(size=(D, X)),
        "x_true": rng.normal(size=(B, X)),
        "eps": rng.normal(size=(B, D)),
    }


def by_hand(s, mu=None, log_var=None):
    def decoder(z):
        return np.tanh(z @ s["weight"])

    def decoder_vjp(z, v):
        return (v * (1 - np.tanh(z @ s["weight"]) ** 2)) @ s["weight"].T

    return reparameterise_and_grad(
        s["mu"] if mu is None else mu,
        s["log_var"] if log_var is None else log_var,
        decoder,
        decoder_vjp,
        s["x_true"],
        eps=s["eps"],
    )


@pytest.mark.parametrize("which", ["mu", "log_var"])
def test_gradients_are_the_finite_differences(setting, which):
    grad = by_hand(setting)[2 if which == "mu" else 3]
    step = 1e-6
    for index in np.ndindex(B, D):
        shift = np.zeros((B, D))
        shift[index] = step
        up = by_hand(setting, **{which: setting[which] + shift})[1]
        down = by_hand(setting, **{which: setting[which] - shift})[1]
        assert grad[index] == pytest.approx((up - down) / (2 * step), rel=1e-6, abs=1e-9)


class Replayed(Normal):
    """A normal with given noise ε: every call draws the same samples, [1, B, D]."""

    def __init__(self, loc, scale, eps):
        super().__init__(loc, scale)
        self.eps = eps

    def rsample(self, sample_shape=()):
        assert sample_shape == (1,)
        return (self.loc + self.scale * self.eps).unsqueeze(0)

    def sample(self, sample_shape=()):
        return self.rsample(sample_shape).detach()


@pytest.mark.parametrize("name", ["pathwise", "implicit"])
def test_the_torch_estimators_agree_on_the_same_noise(setting, name):
    mu, log_var = (torch.tensor(setting[k], requires_grad=True) for k in ("mu", "log_var"))
    normal = Replayed(mu, (log_var / 2).exp(), torch.tensor(setting["eps"]))
    weight, x_true = torch.tensor(setting["weight"]), torch.tensor(setting["x_true"])

    def cost(z):
        return ((z @ weight).tanh() - x_true).square().sum(-1) / (B * X)

    surrogate = estimators.create(name).surrogate(Independent(normal, 1), cost)
    grads = torch.autograd.grad(surrogate.sum(), [mu, log_var])
    _, value, by_mu, by_log_var = by_hand(setting)
    assert surrogate.sum().item() == pytest.approx(value, rel=1e-12)
    for grad, exact in zip(grads, (by_mu, by_log_var), strict=True):
        assert np.allclose(grad.numpy(), exact, rtol=1e-9, atol=1e-12)


def test_samples_have_the_moments_asked_for():
    mu, log_var = np.array([1.0, -2.0]), np.array([0.0, 1.0])
    z = sample_gaussian_reparam(mu, log_var, 100_000, np.random.default_rng(0))
    error = np.exp(log_var / 2) / np.sqrt(100_000)
    assert z.shape == (100_000, 2)
    assert np.all(np.abs(z.mean(0) - mu) < 4 * error)
    assert np.all(np.abs(z.var(0) / np.exp(log_var) - 1) < 4 * np.sqrt(2 / 100_000))


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="one shape"):
        sample_gaussian_reparam(np.zeros(2), np.zeros(3))
