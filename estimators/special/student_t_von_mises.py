"""Student-t and von Mises: the cdf and its derivative in ν or κ (the scheme of `special`)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from estimators.special.gauss_legendre import FALL, integrate
from estimators.special.values import distinct, is_known

STEPS = 60  # of Newton's method, at most
SERIES = 6.0  # κ up to which the Fourier series keeps ten digits, tails included
TERMS = 30  # of it: I_30(6)/I₀(6) is 1e-20


@torch.no_grad()
def student_t_cdf(df: Tensor, z: Tensor) -> Tensor:
    """F(z; ν) of the standard Student-t, by the quadrature of `student_t_cdf_df_derivative`.

    Relative error ≤ 1e-10 for ν in [0.1, 1e4] and |z| ≤ 1e3, in the lower tail too.
    """
    return student_t_cdf_with_derivative(df, z)[0]


@torch.no_grad()
def student_t_cdf_df_derivative(df: Tensor, z: Tensor) -> Tensor:
    """∂F(z; ν)/∂ν of the standard Student-t at a fixed z, by quadrature.

    With t = √ν sinh y, p dt = C(ν) cosh^{−ν}y dy and the score is
        ∂ log p/∂ν = ½ {ψ((ν+1)/2) − ψ(ν/2) − 1/ν − log cosh²y + (1 + 1/ν) tanh²y},
    integrated over [0, |z|] while it is positive at |z|, else over [|z|, ∞).

    df, z: broadcast, float32 or float64; the work is done in float64. Relative error ≤ 1e-10,
    measured against mpmath, for ν in [0.1, 1e4] and |z| ≤ 1e3, tails included.
    """
    return student_t_cdf_with_derivative(df, z)[1]


@torch.no_grad()
def student_t_cdf_with_derivative(df: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
    """`student_t_cdf` and `student_t_cdf_df_derivative`, for the work of one."""
    dtype = torch.result_type(df, z)
    df, z = torch.broadcast_tensors(df, z)
    df, z = distinct(df).double(), z.double()
    start = torch.asinh(z.abs().clamp_max(1e100) / df.sqrt())  # z² must not overflow
    cdf, slope = _student_t_at(df, start, z.sign())
    return cdf.to(dtype), slope.to(dtype)


@torch.no_grad()
def student_t_quantile(df: Tensor, u: Tensor) -> Tensor:
    """z with F(z; ν) = u of the standard Student-t, for u in (0, 1).

    Newton's method for log F(−√ν sinh y) = log min(u, 1 − u): the density in y is log-concave, so
    that log F is concave in y, and the steps converge from any start; it is Wallace's (1959)
    log cosh y ≈ ((8ν + 3)/(8ν + 1))² Φ⁻¹(u)² / 2ν. Four or five evaluations of F.

    df, u: broadcast, float32 or float64; the work is done in float64. F is then right to the
    rounding of u's dtype, or to what `student_t_cdf` is.
    """
    dtype = torch.result_type(df, u)
    df, u = torch.broadcast_tensors(df.double(), u.double())
    beyond = torch.minimum(u, 1 - u)
    slack = (8 * df + 3) / (8 * df + 1)
    y = _acosh_exp((slack * torch.special.ndtri(beyond)).square() / (2 * df))
    enough = torch.finfo(dtype).eps ** 0.5  # the step that is still made squares it
    for _ in range(STEPS):
        tail = _student_t_at(df, y.abs(), -y.sign())[0]
        off = (tail / beyond).log()
        y = y + off * tail / _density(df, y.abs())
        if off.abs().max() <= enough:
            break
    z = (df.sqrt() * y.clamp_min(0).sinh()).clamp_max(torch.finfo(dtype).max / 4)
    return torch.where(u < 0.5, -z, z).to(dtype)


def _student_t_at(df: Tensor, start: Tensor, sign: Tensor) -> tuple[Tensor, Tensor]:
    """F and ∂F/∂ν at z = sign · √ν sinh(start)."""
    gap, slack, log_c = _digamma_gap(df), 1 + 1 / df, _log_constant(df)

    def density_and_score(y: Tensor) -> tuple[Tensor, Tensor]:
        square = y.clamp_max(20).sinh().square()  # of sinh y
        log_cosh = _log_cosh(y, square)
        score = (gap - 2 * log_cosh + slack * (square / (1 + square))) / 2
        return (log_c - df * log_cosh).exp(), score

    # cosh^−ν falls by e^−38 where log cosh has grown by 38/ν.
    end = _acosh_exp(_log_cosh(start) + FALL / df)
    tail, slope = _tail(density_and_score, start, end)
    return torch.where(sign > 0, 1 - tail, tail), sign * slope.abs()


def _density(df: Tensor, y: Tensor) -> Tensor:
    """C(ν) cosh^−ν y."""
    return (_log_constant(df) - df * _log_cosh(y)).exp()


def _log_constant(df: Tensor) -> Tensor:
    """log C(ν)."""
    return torch.lgamma((df + 1) / 2) - torch.lgamma(df / 2) - math.log(math.pi) / 2


def _log_cosh(y: Tensor, square: Tensor | None = None) -> Tensor:
    """log cosh y; `square` is sinh² y, up to y = 20, where it is known."""
    square = y.clamp_max(20).sinh().square() if square is None else square
    return torch.where(y < 20, torch.log1p(square) / 2, y - math.log(2))


def _acosh_exp(grown: Tensor) -> Tensor:
    """The y ≥ 0 whose log cosh is `grown`."""
    return grown + torch.log1p((-torch.expm1(-2 * grown)).sqrt())


def _digamma_gap(df: Tensor) -> Tensor:
    """ψ((ν+1)/2) − ψ(ν/2) − 1/ν; for large ν by its expansion, since it is only 1/(2ν²)."""
    s = df.clamp_min(40) ** -2
    series = s * (1 / 2 + s * (-1 / 4 + s * (1 / 2 + s * (-17 / 8 + s * 31 / 2))))  # DLMF 5.11.2
    return torch.where(
        df > 40, series, torch.digamma((df + 1) / 2) - torch.digamma(df / 2) - 1 / df
    )


@torch.no_grad()
def von_mises_cdf(concentration: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """(F, ∂F/∂κ) of the von Mises distribution with loc 0 at x in [−π, π].

    Where κ is at most 6, by the Fourier series with Bessel functions' ratios (Mardia & Jupp
    2000, Directional Statistics, 3.5.4); else by quadrature.

    concentration, x: broadcast, float32 or float64; the work is done in float64. Relative
    error of both ≤ 1e-10, measured against mpmath, for κ in [0, 1e4], tails included.
    """
    dtype = torch.result_type(concentration, x)
    concentration, x = torch.broadcast_tensors(concentration, x)
    kappa, x = distinct(concentration).double(), x.double()
    start = x.abs().clamp_max(math.pi)  # float32's π is above π
    tail, slope = _beyond(kappa, start)
    cdf = torch.where(x > 0, 1 - tail, tail)
    return cdf.to(dtype), (x.sign() * slope.abs()).to(dtype)


def _beyond(kappa: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """The mass beyond `start` in [0, π], and its derivative in κ up to the sign.

    Each element goes by its own κ, whatever the others are.
    """
    small, known = kappa <= SERIES, is_known(kappa)
    if known and small.all():
        return _by_series(kappa, start)
    if known and not small.any():
        return _by_quadrature(kappa, start)
    both = zip(
        _by_series(kappa.clamp_max(SERIES), start), _by_quadrature(kappa, start), strict=True
    )
    tail, slope = (torch.where(small, series, exact.abs()) for series, exact in both)
    return tail, slope


def _by_series(kappa: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """The same where κ is at most `SERIES`.

    With a_j = I_j(κ)/I₀(κ), ∂a_j/∂κ = (a_{j−1} + a_{j+1})/2 − a_j a₁, the mass between 0 and t is
    t/2π + Σ a_j sin(jt)/πj, and that between π − t and π the same with (−1)ʲ. The nearer end is
    taken: near it nothing cancels but by e^{2κ} at most.
    """
    inner = start < math.pi / 2
    t = torch.where(inner, start, math.pi - start)
    turn = torch.where(inner, 1.0, -1.0).to(t.dtype)
    a = _bessel_ratios(kappa)
    mass, slope = t / (2 * math.pi), torch.zeros_like(t)
    for j in range(1, TERMS):
        wave = (j * t).sin() / (math.pi * j) * (turn if j % 2 else 1)
        mass = mass + a[j] * wave
        slope = slope + ((a[j - 1] + a[j + 1]) / 2 - a[j] * a[1]) * wave
    return torch.where(inner, 0.5 - mass, mass), slope


def _bessel_ratios(kappa: Tensor) -> list[Tensor]:
    """I_j(κ)/I₀(κ) for j = 0, …, TERMS, from the continued fraction of I_j/I_{j−1}."""
    steps = [torch.zeros_like(kappa)]
    for j in range(TERMS, 0, -1):
        steps.append(1 / (2 * j / kappa + steps[-1]))
    found = [torch.ones_like(kappa)]
    for step in reversed(steps[1:]):
        found.append(found[-1] * step)
    return found


def _by_quadrature(kappa: Tensor, start: Tensor) -> tuple[Tensor, Tensor]:
    """The same of p(t) = exp(−κ(1−cos t)) / (2π e^−κ I₀(κ)), ∂ log p/∂κ = cos t − I₁(κ)/I₀(κ).

    Integrated over [0, start] while the score is positive there, else beyond.
    """
    i0 = torch.special.i0e(kappa)
    gap = 1 - torch.special.i1e(kappa) / i0

    def density_and_score(t: Tensor) -> tuple[Tensor, Tensor]:
        fallen = 2 * (t / 2).sin() ** 2  # 1 − cos t
        return (-kappa * fallen).exp() / (2 * math.pi * i0), gap - fallen

    end = 2 * ((start / 2).sin() ** 2 + FALL / (2 * kappa)).clamp_max(1).sqrt().asin()
    return _tail(density_and_score, start, end)


def _tail(
    density_and_score: Callable[[Tensor], tuple[Tensor, Tensor]], start: Tensor, end: Tensor
) -> tuple[Tensor, Tensor]:
    """The mass beyond `start` ≥ 0, and its derivative in θ up to the sign.

    Of a density that is symmetric about 0 and dead beyond `end`.
    """
    inner = density_and_score(start)[1] > 0

    def integrand(y: Tensor) -> Tensor:
        density, score = density_and_score(y)
        return torch.stack((density, density * score))

    mass, slope = integrate(
        integrand, torch.where(inner, 0.0, start), torch.where(inner, start, end)
    )
    return torch.where(inner, 0.5 - mass, mass), slope
