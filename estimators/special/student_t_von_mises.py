"""Student-t and von Mises: the cdf and its derivative in ν or κ (the scheme of `special`)."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from estimators.special.gauss_legendre import FALL, integrate

STEPS = 60  # of Newton's method, at most


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
    df, z = df.double(), z.double()
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
    gap = _digamma_gap(df)

    def density_and_score(y: Tensor) -> tuple[Tensor, Tensor]:
        score = (gap - 2 * _log_cosh(y) + (1 + 1 / df) * y.tanh() ** 2) / 2
        return _density(df, y), score

    # cosh^−ν falls by e^−38 where log cosh has grown by 38/ν.
    end = _acosh_exp(_log_cosh(start) + FALL / df)
    return _symmetric_cdf(density_and_score, sign, start, end)


def _density(df: Tensor, y: Tensor) -> Tensor:
    """C(ν) cosh^−ν y."""
    log_c = torch.lgamma((df + 1) / 2) - torch.lgamma(df / 2) - math.log(math.pi) / 2
    return (log_c - df * _log_cosh(y)).exp()


def _log_cosh(y: Tensor) -> Tensor:
    return torch.where(y < 20, torch.log1p(y.clamp_max(20).sinh() ** 2) / 2, y - math.log(2))


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
    """(F, ∂F/∂κ) of the von Mises distribution with loc 0 at x in [−π, π], by quadrature.

    p(t) = exp(−κ(1−cos t)) / (2π e^−κ I₀(κ)),  ∂ log p/∂κ = cos t − I₁(κ)/I₀(κ),
    integrated over [0, |x|] while the score is positive at |x|, else over [|x|, π].

    concentration, x: broadcast, float32 or float64; the work is done in float64. Relative
    error of both ≤ 1e-10, measured against mpmath, for κ in [0, 1e4], tails included.
    """
    dtype = torch.result_type(concentration, x)
    kappa, x = concentration.double(), x.double()
    i0 = torch.special.i0e(kappa)
    gap = 1 - torch.special.i1e(kappa) / i0

    def density_and_score(t: Tensor) -> tuple[Tensor, Tensor]:
        fallen = 2 * (t / 2).sin() ** 2  # 1 − cos t
        return (-kappa * fallen).exp() / (2 * math.pi * i0), gap - fallen

    start = x.abs().clamp_max(math.pi)  # float32's π is above π
    end = 2 * ((start / 2).sin() ** 2 + FALL / (2 * kappa)).clamp_max(1).sqrt().asin()
    cdf, slope = _symmetric_cdf(density_and_score, x.sign(), start, end)
    return cdf.to(dtype), slope.to(dtype)


def _symmetric_cdf(
    density_and_score: Callable[[Tensor], tuple[Tensor, Tensor]],
    sign: Tensor,
    start: Tensor,
    end: Tensor,
) -> tuple[Tensor, Tensor]:
    """F and ∂F/∂θ at sign·start of a density that is symmetric about 0 and dead beyond end."""
    inner = density_and_score(start)[1] > 0

    def integrand(y: Tensor) -> Tensor:
        density, score = density_and_score(y)
        return torch.stack((density, density * score))

    mass, slope = integrate(
        integrand, torch.where(inner, 0.0, start), torch.where(inner, start, end)
    )
    tail = torch.where(inner, 0.5 - mass, mass)
    return torch.where(sign > 0, 1 - tail, tail), sign * slope.abs()
