"""Quantiles of gamma and beta laws to the ends of float64, by Newton's steps on log tails.

Where concentrations are small the mass lies at 1e-300 and below, where no absolute tolerance
reaches: log F is solved in log x, and log (1 − F) for the upper half. Work is in float64.
"""

from collections.abc import Callable

import torch
from torch import Tensor

STEPS = 200
CLOSE = 1e-13  # of a step relative to y: the next one would be in the last digit
SERIES = -20.0  # log x below which the first term of the series is all there is
TERMS = 200  # of the continued fraction
TINIEST = 1e-300


@torch.no_grad()
def gamma_log_quantile(concentration: Tensor, u: Tensor) -> Tensor:
    """log x with P(α, x) = u, also where x itself underflows; −inf at u = 0.

    concentration, u: broadcast; in float64. As F(x) ≤ x^α / Γ(α + 1), the search starts below.
    """
    alpha, u = torch.broadcast_tensors(concentration.double(), u.double())
    start = (u.log() + torch.lgamma(alpha + 1)) / alpha
    end = torch.maximum(start, (alpha + 60 + 12 * alpha.sqrt()).log())
    searched = start >= SERIES - 5  # below, the first term of the series is all there is

    def below(y: Tensor, alpha: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        series = alpha * y - torch.lgamma(alpha + 1)
        log_f = torch.where(y < SERIES, series, torch.special.gammainc(alpha, y.exp()).log())
        return log_f - u.log(), (_log_gamma_density(alpha, y) - log_f).exp()

    def above(y: Tensor, alpha: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
        log_f = torch.special.gammaincc(alpha, y.exp()).log()
        return torch.log1p(-u) - log_f, (_log_gamma_density(alpha, y) - log_f).exp()

    y = start.clone()
    for off, part in ((below, searched & (u <= 0.5)), (above, searched & (u > 0.5))):
        y[part] = _solved(off, start[part], end[part], alpha[part], u[part])
    return y


def _log_gamma_density(alpha: Tensor, y: Tensor) -> Tensor:
    """Of y = log x."""
    return alpha * y - y.exp() - torch.lgamma(alpha)


def gamma_log_quantile_slope(concentration: Tensor, y: Tensor, slope: Tensor) -> Tensor:
    """∂ log x/∂α at a fixed cdf value, where y = log x; `slope` is ∂x/∂α where x has digits."""
    alpha = concentration.detach().double()
    return torch.where(
        y < SERIES, (torch.digamma(alpha + 1) - y) / alpha, slope / y.exp().clamp_min(TINIEST)
    )


@torch.no_grad()
def beta_quantile(a: Tensor, b: Tensor, u: Tensor) -> Tensor:
    """x with I_x(a, b) = u. a, b, u: broadcast; the answer is in float64."""
    a, b, u = torch.broadcast_tensors(a.double(), b.double(), u.double())
    log_beta = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
    upper = u > 0.5
    low = ((u.log() + a.log() + log_beta) / a).clamp_max(0.0) - 50 / a - b.log1p() - 5
    high = -((torch.log1p(-u) + b.log() + log_beta) / b).clamp_max(0.0) + 50 / b + a.log1p() + 5

    def off(z: Tensor, a: Tensor, b: Tensor, u: Tensor, log_beta: Tensor, upper: Tensor):
        log_x, log_y = (torch.nn.functional.logsigmoid(s * z) for s in (1, -1))  # z: logit of x
        below, above = log_incomplete_beta(a, b, log_x, log_y)
        excess = torch.where(upper, torch.log1p(-u) - above, below - u.log())
        log_density = a * log_x + b * log_y - log_beta  # of z
        return excess, (log_density - torch.where(upper, above, below)).exp()

    low, high = low.clamp_min(-800.0), high.clamp_max(800.0)
    flat = [part.flatten() for part in (low, high, a, b, u, log_beta, upper)]
    return _solved(off, *flat).reshape(u.shape).sigmoid()


def log_incomplete_beta(
    a: Tensor, b: Tensor, log_x: Tensor, log_y: Tensor
) -> tuple[Tensor, Tensor]:
    """log I_x(a, b) and log I_y(b, a), of log x and log y = log (1 − x): DLMF 8.17.22.

    The continued fraction is taken on the side of the mean on which it converges fast.
    """
    log_beta = torch.lgamma(a) + torch.lgamma(b) - torch.lgamma(a + b)
    front = a * log_x + b * log_y - log_beta
    left = log_x.exp() < (a + 1) / (a + b + 2)
    p, q = torch.where(left, a, b), torch.where(left, b, a)
    x = torch.where(left, log_x, log_y).exp()
    near = (front - p.log() + _fraction(p, q, x).log()).clamp_max(-1e-17)
    far = torch.log(-torch.expm1(near))
    return torch.where(left, near, far), torch.where(left, far, near)


def _fraction(a: Tensor, b: Tensor, x: Tensor) -> Tensor:
    """The continued fraction of I_x(a, b) by Lentz's method."""
    tiny = 1e-30
    c = torch.ones_like(x)
    d = 1 / _away(1 - (a + b) * x / (a + 1), tiny)
    value = d
    for m in range(1, TERMS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        for term in (even, odd):
            d = 1 / _away(1 + term * d, tiny)
            c = _away(1 + term / c, tiny)
            value = value * d * c
        if m % 8 == 0 and ((d * c - 1).abs() < 1e-15).all():
            break
    return value


def _away(value: Tensor, tiny: float) -> Tensor:
    return value.where(value.abs() > tiny, tiny)


def _solved(off: Callable, low: Tensor, high: Tensor, *given: Tensor) -> Tensor:
    """The roots [n] of increasing functions from `low` to `high`, by Newton's steps or halvings.

    `off(y, *given)` is the function and its slope; an element that has converged takes no further
    part.
    """
    found, left = low.clone(), torch.arange(len(low), device=low.device)
    y = low
    for _ in range(STEPS):
        if not len(left):
            break
        excess, slope = off(y, *given)
        low, high = torch.where(excess < 0, y, low), torch.where(excess < 0, high, y)
        newton = y - excess / slope
        inner = (newton >= low) & (newton <= high)
        following = torch.where(inner, newton, (low + high) / 2)
        found[left] = following
        still = (following - y).abs() > CLOSE * (1 + y.abs())
        left, y, low, high = (part[still] for part in (left, following, low, high))
        given = tuple(part[still] for part in given)
    return found
