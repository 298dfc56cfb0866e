"""The exact gradient of a problem, found where it can be: enumeration, quadrature, or given."""

import math
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.objective.truth import Truth
from benchmarks.truth.jumps import largest_jump
from benchmarks.truth.nodewise import nodewise
from benchmarks.truth.quadrature import NODES, WIDTH, quadrature_nodes
from estimators import Unsupported, capabilities, create, distributions, evaluate
from estimators.core import bound
from estimators.programs import Joint

if TYPE_CHECKING:
    from benchmarks.objective.definition import Problem

EDGE = 1e-13  # of a uniform: closer to 0 and 1, quantiles have lost their digits
INTEGRATES = 1e-4  # how far ∫ p may be from one


def find_truth(problem: "Problem") -> Truth | None:
    """The truth of `problem`, or None if no method reaches it. In float64 on the CPU.

    A problem with a reduction has one for each K: see `truth_of_draws`.
    """
    if problem.reduction is not None:
        return None
    if problem.truth is None or isinstance(problem.truth, Truth):
        return problem.truth
    if isinstance(problem.truth, dict):
        parts = [torch.as_tensor(problem.truth[name]) for name in problem.measured]
        gradient = torch.cat([part.detach().double().flatten() for part in parts])
        return Truth(gradient, torch.zeros_like(gradient), "closed form")
    problem = problem.to("cpu", torch.float64)
    dist = problem.dist()
    brought = isinstance(dist, capabilities.Completed)
    if isinstance(dist, distributions.Delta) or (brought and capabilities.is_point_mass(dist)):
        exact = problem.gradients(create("pathwise"), 1, 1)[0].detach()
        note = "no stochastic node: plain backpropagation"
        return Truth(exact, torch.zeros_like(exact), "closed form", note)
    if isinstance(dist, Joint):
        return nodewise(problem, dist)
    with suppress(Unsupported, NotImplementedError):  # without a log-probability, or its derivative
        if not capabilities.moving_support(problem.differentiable_dist()):
            return _summed(problem, dist)
    with suppress(Unsupported, NotImplementedError):
        return _by_quantiles(problem, dist)
    return None


def _summed(problem: "Problem", dist: Distribution) -> Truth | None:
    """The truth as a sum or an integral over the support."""
    points = capabilities.support_points(dist)
    if points is not None:
        gradient = _gradient(problem, points, torch.zeros(len(points), *dist.batch_shape).double())
        return Truth(gradient, torch.zeros_like(gradient), "enumeration")
    if dist.event_shape.numel() != 1:
        return None
    return (
        _tail_sum(problem, dist) if capabilities.is_discrete(dist) else _quadrature(problem, dist)
    )


@lru_cache(maxsize=8)  # the same for every estimator
def truth_of_draws(problem: "Problem", samples: int) -> Truth | None:
    """The truth of a problem whose objective is a reduction of K = `samples` draws."""
    return find_truth(problem.to("cpu", torch.float64).drawn(samples)[0])


def _gradient(problem: "Problem", x: Tensor, log_weight: Tensor) -> Tensor:
    """∇ Σ_i w_i p(x_i; λ) f(x_i), of what the problem measures: [P]."""
    copies = {k: v.detach().clone().requires_grad_() for k, v in problem.parameters.items()}
    dist = problem.family(**copies)
    mass = (dist.log_prob(x) + log_weight).exp()
    f = evaluate(bound(problem.cost, copies), x, dist)
    terms = mass * torch.where(mass > 0, f, 0.0)  # no cost that overflows where nothing is
    grads = torch.autograd.grad(
        terms.sum(), list(copies.values()), allow_unused=True, materialize_grads=True
    )
    by_name = {k: g.unsqueeze(0) for k, g in zip(copies, grads, strict=True)}
    return problem.pulled_back(by_name)[0].detach()


def _tail_sum(problem: "Problem", dist: Distribution) -> Truth | None:
    """The sum over the integers up to where the mass has ended, for a support without end."""
    low, high = capabilities.bounds(dist)
    if low is None or high is not None:
        return None
    moments = capabilities.stated_moments(dist)
    if moments is None:  # whether it is far enough is seen by the mass
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            last = 4 * float(dist.sample((2**12,)).max()) + 100
    else:
        last = float((moments[0] + 40 * moments[1].sqrt()).max()) + 100
    if not last < capabilities.LARGEST_SUPPORT:
        return None
    x = torch.arange(int(torch.as_tensor(low).min()), int(last), dtype=torch.float64)
    x = x.reshape(-1, *[1] * len(dist.batch_shape + dist.event_shape))
    x = x.expand(-1, *dist.batch_shape, *dist.event_shape)
    if (dist.log_prob(x).exp().sum(0) - 1).abs().max() > 1e-9:
        return None
    gradient = _gradient(problem, x, torch.zeros_like(dist.log_prob(x)))
    return Truth(gradient, 1e-9 * gradient.abs(), "enumeration", f"summed to {int(last)}")


def _quadrature(problem: "Problem", dist: Distribution) -> Truth | None:
    """The trapezoid rule in double exponential coordinates (Takahasi & Mori 1974)."""
    x, log_weight = quadrature_nodes(dist)
    if x is None:
        return None
    x = x.reshape(x.shape[0], *dist.batch_shape, *dist.event_shape)
    total = (dist.log_prob(x) + log_weight).exp().nan_to_num(0.0).sum(0)
    if not torch.allclose(total, torch.ones_like(total), atol=INTEGRATES, rtol=0):
        return None
    fine, middle, coarse = (
        _gradient(problem, x[::step], log_weight[::step] + math.log(step)) for step in (1, 2, 4)
    )
    error = torch.maximum((fine - middle).abs(), (middle - coarse).abs() / 4)
    return Truth(fine, error, "quadrature") if fine.isfinite().all() else None


def _by_quantiles(problem: "Problem", dist: Distribution) -> Truth | None:
    """∇ ∫ f(F⁻¹(u; λ)) du, where there is an icdf but no density; double exponential nodes."""
    if dist.event_shape or capabilities.is_discrete(dist) or not capabilities.offers(dist, "icdf"):
        return None
    if largest_jump(problem):  # whose share of the gradient is not on the way through samples
        return None
    t = torch.linspace(-WIDTH, WIDTH, NODES, dtype=torch.float64)
    v = math.pi / 2 * t.sinh()
    u, weight = (2 * v).sigmoid(), (t[1] - t[0]) * math.pi / 4 * t.cosh() / v.cosh().square()
    inside = (u > EDGE) & (u < 1 - EDGE)
    u, weight = u.where(inside, 0.5), weight.where(inside, 0.0)

    def gradient(step: int) -> Tensor:
        copies = {k: v.detach().clone().requires_grad_() for k, v in problem.parameters.items()}
        held = problem.family(**copies)
        each = u[::step].reshape(-1, *[1] * len(held.batch_shape)).expand(-1, *held.batch_shape)
        f = evaluate(bound(problem.cost, copies), held.icdf(each), held)
        total = (f * step * weight[::step].reshape(-1, *[1] * len(held.batch_shape))).sum()
        grads = torch.autograd.grad(total, list(copies.values()), allow_unused=True,
                                    materialize_grads=True)  # fmt: skip
        by_name = {k: g.unsqueeze(0) for k, g in zip(copies, grads, strict=True)}
        return problem.pulled_back(by_name)[0].detach()

    fine, middle, coarse = (gradient(step) for step in (1, 2, 4))
    error = torch.maximum((fine - middle).abs(), (middle - coarse).abs() / 4)
    error = torch.maximum(error, 1e-9 * fine.abs())
    close = error.norm() <= INTEGRATES * fine.norm() + 1e-12
    return Truth(fine, error, "quadrature", "over quantiles") if close else None
