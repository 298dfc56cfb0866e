"""Derivatives of distribution functions in their parameters, for implicit reparameterisation.

A sample x = F⁻¹(u; θ) moves with θ at ∂x/∂θ = −(∂F/∂θ)/p (Figurnov, Mohamed & Mnih 2018,
arXiv:1805.08498). Since ∂F/∂θ = ∫ p ∂θ log p over (−∞, x], and also minus the same over [x, ∞),
each integral here runs over the side of x on which the score ∂θ log p keeps one sign: nothing
cancels, and relative accuracy holds into both tails. The integrals are in float64 by
Gauss–Legendre over the stretch where the integrand has not died; inputs are constants and
outputs carry no graph.
"""

import functools
import math

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, logsigmoid

from estimators.special.gauss_legendre import FALL, integrate
from estimators.special.loops import brought
from estimators.special.student_t_von_mises import (
    student_t_cdf,
    student_t_cdf_df_derivative,
    student_t_cdf_with_derivative,
    student_t_quantile,
    von_mises_cdf,
)
from estimators.special.values import distinct, is_known, repeated

__all__ = [
    "beta_derivatives",
    "gamma_derivative",
    "gamma_derivative_reference",
    "student_t_cdf",
    "student_t_cdf_df_derivative",
    "student_t_cdf_with_derivative",
    "student_t_quantile",
    "von_mises_cdf",
]

_TINY = torch.finfo(torch.float64).tiny

# The table of `gamma_derivative` is uniform in _ROW_POLE/(α + _ROW_POLE), in [0, 1], and in
# 1/(_COLUMN_POLE − log λ), from the least x of float64 to λ = 30 (beyond the 1−1e-9 quantile of
# every α). The poles and the size were searched for the least error of bilinear interpolation.
_ROWS, _ROW_POLE = 128, 0.7
_COLUMNS, _COLUMN_POLE = 512, 8.0
_LOW, _HIGH = 1 / (_COLUMN_POLE + 720), 1 / (_COLUMN_POLE - math.log(30))
# Where a column is, in [−1, 1]: 1/(_START − _SLOPE · log λ) − _END, of which the first is ≥ _LEAST.
_SLOPE = (_HIGH - _LOW) / 2
_START, _LEAST, _END = _COLUMN_POLE * _SLOPE, _SLOPE / _HIGH, (_HIGH + _LOW) / (_HIGH - _LOW)


@torch.no_grad()
def gamma_derivative(concentration: Tensor, x: Tensor) -> Tensor:
    """∂x/∂α at a fixed cdf value of the standard gamma, by table: fast, right to 5e-6.

    dx/dα = (x/α) · (log λ)/(λ − 1) · h(α, λ),  λ = x/(α+½), with h in [½, 1.03] bilinear in a
    table that the first call makes (0.1 s) with the formula of `gamma_derivative_reference`.
    The factor before h is the uniform limit of Temme 1979 as α → ∞ (η√α of DLMF 8.12.1 stays
    fixed), and the limit as x → 0: h is smooth, and 1 at both ends.

    concentration, x: broadcast, float32 or float64; the work is done in their dtype.
    Relative error ≤ 5e-6 for α in [1e-3, 1e4] and cdf values in [1e-6, 1−1e-6];
    finite for every x ≥ 0, and 0 at 0.
    """
    dtype = torch.result_type(concentration, x)
    x, concentration = torch.broadcast_tensors(x.to(dtype), concentration.to(dtype))
    alpha = distinct(concentration)  # what depends on it alone is not made for each x
    ratio = (x * (alpha + 0.5).reciprocal()).clamp_min_(torch.finfo(dtype).tiny)
    log_ratio = ratio.log()

    row = (2 * _ROW_POLE) / (alpha + _ROW_POLE) - 1
    given = x, ratio, log_ratio, alpha, row, _gamma_table(dtype, x.device)
    found = _by_loop(*given)
    return by_grid_sample(*given) if found is None else found


def by_grid_sample(
    x: Tensor, ratio: Tensor, log_ratio: Tensor, alpha: Tensor, row: Tensor, table: Tensor
) -> Tensor:
    """`gamma_derivative` from `table`, of x and λ = `ratio`; α is in the `row` in [−1, 1] of it.

    `ratio` and `log_ratio` are changed.
    """
    # grid_sample's coordinates: both axes on [−1, 1], the column first.
    column = torch.rsub(log_ratio, _START, alpha=_SLOPE)
    column.clamp_min_(_LEAST).reciprocal_().sub_(_END)
    places = torch.stack((column, row.expand_as(column))).reshape(2, -1).T  # [N, 2]
    h = grid_sample(
        table[None, None], places[None, None], padding_mode="border", align_corners=True
    )
    # The 1e-30 changes no difference of floats but makes 0/0 at λ = 1 the limit, 1.
    limit = log_ratio.add_(1e-30).div_(ratio.sub_(1).add_(1e-30))
    return (x / alpha).mul_(limit).mul_(h.view(x.shape))


def _by_loop(
    x: Tensor, ratio: Tensor, log_ratio: Tensor, alpha: Tensor, row: Tensor, table: Tensor
) -> Tensor | None:
    """The same by the loop for it; None where that cannot be."""
    loop = brought("gamma_derivatives")
    if loop is None or x.dtype is not torch.float64 or not is_known(x) or x.device.type != "cpu":
        return None
    if repeated(alpha, x) is None or not x.is_contiguous() or not x.numel():
        return None
    out, (alpha, row) = torch.empty_like(x), (t.flatten().contiguous() for t in (alpha, row))
    loop(x, ratio, log_ratio, alpha, row, table, axis(), out)
    return out


@functools.cache
def axis() -> Tensor:
    """How a column follows from log λ: see `_SLOPE`."""
    return torch.tensor([_START, _SLOPE, _LEAST, _END], dtype=torch.float64, device="cpu")


@functools.cache
def _gamma_table(dtype: torch.dtype, device: torch.device) -> Tensor:
    """h(α, λ) of `gamma_derivative` at the nodes of its axes. [rows of α, columns of λ]."""
    # α runs from ∞ to 0; both ends stop where h no longer changes.
    rows = torch.linspace(0, 1, _ROWS, dtype=torch.float64).clamp(1e-6, 1 - 1e-6)
    concentration = (_ROW_POLE / rows - _ROW_POLE)[:, None]
    log_ratio = _COLUMN_POLE - 1 / torch.linspace(_LOW, _HIGH, _COLUMNS, dtype=torch.float64)
    x = (concentration + 0.5) * log_ratio.exp()
    slope = _gamma_log_slope(concentration, x)
    return (slope * torch.expm1(log_ratio) / log_ratio).to(device, dtype)


@torch.no_grad()
def gamma_derivative_reference(concentration: Tensor, x: Tensor) -> Tensor:
    """∂x/∂α at a fixed cdf value of the standard gamma, by quadrature.

    With r = ψ(α+1) − log x, and all terms positive on the side that is used,
        (α/x) dx/dα = r + x ∫₀^∞ exp(−(α+1)y + x(1−e^−y)) (r + y) dy        where r > 0,
        (α/x) dx/dα = ∫₀^∞ exp(αy − x(e^y − 1)) (1 − αr + αy) dy            elsewhere,
    the two forms of −∂P/∂α / p with t = x e^∓y, the first after one integration by parts, which
    takes the 1/α out of ψ(α) (DLMF 8.2.7, 8.7.1).

    concentration, x: broadcast, float32 or float64; the work is done in float64.
    Relative error ≤ 1e-12, measured against mpmath, for α in [1e-3, 1e4].
    """
    dtype = torch.result_type(concentration, x)
    concentration, x = concentration.double(), x.double().clamp_min(_TINY)
    return (x / concentration * _gamma_log_slope(concentration, x)).to(dtype)


def _gamma_log_slope(concentration: Tensor, x: Tensor) -> Tensor:
    """d log x / d log α at a fixed cdf value; the formula of `gamma_derivative_reference`."""
    r = torch.digamma(concentration + 1) - x.log()
    below = r > 0
    side = torch.where(below, -1.0, 1.0)
    rate = torch.where(below, concentration + 1, concentration)
    # The fall is |rate − x| y plus x(e^−y − 1 + y) ≥ x y²/(2+y), or x(e^y − 1 − y).
    fall = FALL / x
    end = torch.where(
        below, (fall + (fall * (fall + 8)).sqrt()) / 2, torch.log1p(fall + (2 * fall).sqrt())
    )
    end = torch.minimum(end, FALL / (rate - x).abs())
    constant = torch.where(below, r, 1 - concentration * r)
    linear = torch.where(below, 1.0, concentration)

    def integrand(y: Tensor) -> Tensor:
        return (side * rate * y - x * torch.expm1(side * y)).exp() * (constant + linear * y)

    integral = integrate(integrand, 0.0, end)
    return torch.where(below, r + x * integral, integral)


@torch.no_grad()
def beta_derivatives(a: Tensor, b: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """(∂x/∂a, ∂x/∂b) at a fixed cdf value of Beta(a, b), by quadrature.

    ∂x/∂a = x(1−x) ∂ logit x/∂a, and ∂x/∂b by the symmetry a ↔ b, x ↔ 1−x. The formula is at
    `_beta_logit_derivative`.

    a, b, x: broadcast, float32 or float64; the work is done in float64. Relative error ≤ 1e-10,
    measured against mpmath, for a, b in [1e-2, 1e3]; finite at x = 0 and x = 1.
    """
    dtype = torch.result_type(a + b, x)
    a, b, x = a.double(), b.double(), x.double().clamp(_TINY, 1 - 2**-53)
    log_x, log_y = x.log(), torch.log1p(-x)
    density = x * (1 - x)
    by_a = density * _beta_logit_derivative(a, b, log_x, log_y)
    by_b = -density * _beta_logit_derivative(b, a, log_y, log_x)
    return by_a.to(dtype), by_b.to(dtype)


def _beta_logit_derivative(a: Tensor, b: Tensor, log_x: Tensor, log_y: Tensor) -> Tensor:
    """∂ logit x/∂a at a fixed cdf value, log_y = log(1−x).

    With D = ψ(a+1) − ψ(a+b+1), the integral over logit t on one side of logit x, by parts once:
        (1/a) {D − log x + 1/(a+b) + (a+b) ∫_{t<x} q (D − log t)},          where log x < D,
        (1/b) {log x − D + b/(a(a+b)) + (a+b) ∫_{t>x} q (log t − D + 1/a)}   elsewhere,
    q = t^{a+1} (1−t)^b / (x^a (1−x)^b) below and t^a (1−t)^{b+1} / (x^a (1−x)^b) above.
    Every term is positive, and q falls away from x.
    """
    d = torch.digamma(a + 1) - torch.digamma(a + b + 1)
    below = log_x < d
    side = torch.where(below, -1.0, 1.0)
    power, co_power = a + below.double(), b + (~below).double()
    logit = log_x - log_y

    def fall(y: Tensor) -> tuple[Tensor, Tensor]:
        """Log t and log q(x)/q(t), where logit t is y away from logit x."""
        log_t = logsigmoid(logit + side * y)
        return log_t, co_power * side * y - (power + co_power) * (log_t - log_x)

    # Newton from the right on a convex function: every iterate is a valid end.
    end = FALL - (power + co_power) * torch.where(below, log_y, log_x)
    end = end / torch.where(below, power, co_power)
    for _ in range(8):
        log_t, fallen = fall(end)
        end = end - (fallen - FALL) / (side * ((power + co_power) * log_t.exp() - power))

    offset = torch.where(below, 0.0, 1 / a)

    def integrand(y: Tensor) -> Tensor:
        log_t, fallen = fall(y)
        return (-fallen).exp() * (side * (log_t - d) + offset)

    integral = torch.where(below, log_x, log_y).exp() * integrate(integrand, 0.0, end)
    boundary = side * (log_x - d) + torch.where(below, 1.0, b / a) / (a + b)
    return (boundary + (a + b) * integral) / torch.where(below, a, b)
