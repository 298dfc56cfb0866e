"""Programs of two nodes, each kind of node before each, with their exact gradients."""

import functools

import numpy
import torch
from torch.distributions import Bernoulli, Normal

import estimators


def discrete_discrete(draw, a, m, w):
    b = draw("first", Bernoulli(logits=a))
    c = draw("second", Bernoulli(logits=m * b + w))
    return (c - 0.3).square() * (1 + b) + 0.5 * b * c


def discrete_continuous(draw, a, m, w):
    b = draw("first", Bernoulli(logits=a))
    z = draw("second", Normal(m * b + w, 1.0))
    return (z - 1).square() * (1 + b)


def continuous_discrete(draw, a, m, w):
    x = draw("first", Normal(a, 0.8))
    c = draw("second", Bernoulli(logits=m * x + w))
    return (x - c).square() + x * c


def continuous_continuous(draw, a, m, w):
    x = draw("first", Normal(a, w.exp()))
    z = draw("second", Normal(m * x, 0.5))
    return z.square() * (1 + x)


AT = {"a": 0.2, "m": 0.7, "w": -0.4}


def objective(model, a, m, w):
    """E[cost], by hand: a sum or 64 Gauss–Hermite nodes."""
    if model is continuous_continuous:  # E[(m² x² + ¼)(1 + x)], x ~ N(a, e^{2w})
        v = (2 * w).exp()
        return m**2 * (a**2 + v) + 0.25 + m**2 * (a**3 + 3 * a * v) + 0.25 * a
    if model is continuous_discrete:
        nodes, weights = numpy.polynomial.hermite_e.hermegauss(64)
        x = a + 0.8 * torch.tensor(nodes)
        p = (m * x + w).sigmoid()
        inner = p * ((x - 1).square() + x) + (1 - p) * x.square()
        return (torch.tensor(weights) * inner).sum() / (2 * numpy.pi) ** 0.5
    p, total = a.sigmoid(), 0.0
    for b, of_b in ((0.0, 1 - p), (1.0, p)):
        if model is discrete_continuous:
            total = total + of_b * ((m * b + w - 1).square() + 1) * (1 + b)
            continue
        q = (m * b + w).sigmoid()
        total = total + of_b * (q * (0.49 * (1 + b) + 0.5 * b) + (1 - q) * 0.09 * (1 + b))
    return total


@functools.cache
def exact(model):
    """The value and the gradient [3] of a program of two nodes."""
    leaves = [torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in AT.values()]
    value = objective(model, *leaves)
    gradient = torch.autograd.grad(value, leaves, materialize_grads=True, allow_unused=True)
    return value.item(), torch.stack(gradient)


def replicated(model, strategies, parameters, samples, replicates, seed=0):
    """Surrogates [R] and gradients [R, P] of independent replicates."""
    copies = {
        k: torch.as_tensor(v, dtype=torch.float64).expand(replicates).clone().requires_grad_()
        for k, v in parameters.items()
    }
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        surrogate = estimators.surrogate(model, strategies, copies, samples)
    found = torch.autograd.grad(
        surrogate.sum(), list(copies.values()), materialize_grads=True, allow_unused=True
    )
    return surrogate.detach(), torch.stack(found, -1)


def standard_errors_off(model, strategies, samples, replicates, seed=0):
    """How far value and gradient lie from the exact ones: [1 + P], in standard errors."""
    value, gradient = replicated(model, strategies, AT, samples, replicates, seed)
    right, truth = exact(model)
    off = torch.cat([value.mean(0, keepdim=True) - right, gradient.mean(0) - truth])
    spread = torch.cat([value.std(0, keepdim=True), gradient.std(0)])
    return off.abs() / (spread / replicates**0.5 + 1e-9)
