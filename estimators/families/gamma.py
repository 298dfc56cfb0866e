"""Gamma (and Chi2): a cdf that can be differentiated in the concentration, which torch lacks."""

import math

import torch
from torch.distributions import Gamma

from estimators import capabilities
from estimators.capabilities import Coupled, attach, fused_twins
from estimators.capabilities.sample_sums import over_samples
from estimators.special.gamma_beta import gamma_derivative
from estimators.special.gamma_beta_quantiles import (
    gamma_log_quantile,
    gamma_log_quantile_slope,
)
from estimators.special.values import distinct


@capabilities.cdf.register(Gamma)
def _(dist, x):
    z = x * dist.rate
    alpha = dist.concentration.expand_as(z)
    density = ((alpha - 1) * z.log() - z - torch.lgamma(alpha)).exp()
    slope = -density * gamma_derivative(alpha, z)  # ∂F/∂α at fixed z
    return attach(torch.special.gammainc(alpha, z), (z, density), (alpha, slope))


@capabilities.implicit.register(Gamma)
def _(dist, x):
    z = (x * dist.rate).detach()
    alpha = dist.concentration.expand_as(z)
    return attach(z, (alpha, gamma_derivative(alpha, z))) / dist.rate


class _Moving(torch.autograd.Function):
    """x [K, *B], moving with its parameters [*B] as its cdf value stays: the same in one step."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x, concentration, rate):
        return x.clone()

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output, *inputs[1:])

    @staticmethod
    def backward(ctx, grad):
        x, concentration, rate = ctx.saved_tensors
        by_z = grad * distinct(rate).reciprocal()
        by_concentration = by_rate = None
        if ctx.needs_input_grad[1]:
            slope = gamma_derivative(concentration, (x * rate).detach())
            by_concentration = over_samples(by_z * slope, concentration)
        if ctx.needs_input_grad[2]:
            by_rate = over_samples(-by_z * x, rate)
        return None, by_concentration, by_rate


@capabilities.implicit.register(fused_twins.Gamma)
def _(dist, x):
    return _Moving.apply(x.detach(), dist.concentration, dist.rate)


@capabilities.quantile.register(Gamma)
def _(dist, u):
    """By log quantiles: where α is small, the mass lies at 1e-300 and below."""
    x = log_quantile(dist.concentration, u).exp()
    return x.clamp_min(torch.finfo(x.dtype).tiny) / dist.rate


def log_quantile(concentration, u):
    """log x of the standard gamma variable at u, differentiable in α: the shape of u."""
    alpha = concentration.expand_as(u)
    y = gamma_log_quantile(alpha.detach(), u)
    slope = gamma_log_quantile_slope(alpha, y, gamma_derivative(alpha.detach().double(), y.exp()))
    return attach(y.to(u.dtype), (alpha, slope.to(u.dtype)))


@capabilities.from_gammas.register(Gamma)
def _(dist, gamma):
    return gamma(dist.concentration) / dist.rate


@capabilities.weak_derivatives.register(Gamma)
def _(dist, shape):
    """In rate, Gamma(α) less Gamma(α + 1); in α, the generator of the gamma process.

    ∂E[f(G)]/∂α = E ∫₀^∞ (f(G + y) − f(G)) e^{−y}/y dy at rate 1, as the Lévy measure of the process
    α ↦ G_α is e^{−y}/y dy (Sato 1999, example 8.10); y is drawn from Gamma(½), weighted by √(π/y).
    """
    alpha, rate = dist.concentration.detach(), dist.rate.detach()
    x = dist.sample(shape)
    step = torch.empty_like(x).exponential_()
    y = (torch.randn_like(x).square() / 2).clamp_min(torch.finfo(x.dtype).tiny)
    return {
        "concentration": Coupled((math.pi / y).sqrt(), x + y / rate, x),
        "rate": Coupled(alpha / rate, x, x + step / rate),
    }
