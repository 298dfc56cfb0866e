"""Classes of numpyro, through the door for JAX: `rows()` imports it."""

import math

import torch
from torch import Tensor

from benchmarks.frameworks.jax_families import JaxFamily
from benchmarks.peers.wild_rows import Row, cosine, quadratic_of, row, weighted

PLACES = torch.arange(1.0, 4.0, dtype=torch.float64)


def rows() -> list[Row]:
    """Continuous, discrete and of several numbers."""
    import numpyro.distributions as dist

    return [*_two_parameters(dist), *_on_the_line(dist), *_discrete(dist), *_of_several(dist)]


def _two_parameters(dist) -> list[Row]:
    """Of a location or a shape and a scale, whose mean and variance are known."""
    return [
        row("Beta", dist.Beta, concentration1=2.0, concentration0=3.0,
            expected=lambda concentration1, concentration0: _of_beta(
                concentration1, concentration0)),
        row("BetaProportion", dist.BetaProportion, mean=0.4, concentration=5.0,
            expected=lambda mean, concentration: _of_beta(
                mean * concentration, (1 - mean) * concentration)),
        row("Chi2", dist.Chi2, df=3.0, expected=lambda df: quadratic_of(df, 2 * df)),
        row("Exponential", dist.Exponential, rate=1.5,
            expected=lambda rate: quadratic_of(1 / rate, rate**-2)),
        row("Gamma", dist.Gamma, concentration=2.0, rate=1.5,
            expected=lambda concentration, rate: quadratic_of(
                concentration / rate, concentration / rate**2)),
        row("Gumbel", dist.Gumbel, loc=0.3, scale=0.8,
            expected=lambda loc, scale: quadratic_of(
                loc + 0.5772156649015329 * scale, (math.pi * scale) ** 2 / 6)),
        row("HalfNormal", dist.HalfNormal, scale=0.8,
            expected=lambda scale: quadratic_of(
                scale * (2 / math.pi) ** 0.5, scale**2 * (1 - 2 / math.pi))),
        row("InverseGamma", dist.InverseGamma, concentration=6.0, rate=2.0,
            expected=lambda concentration, rate: quadratic_of(
                rate / (concentration - 1),
                rate**2 / ((concentration - 1) ** 2 * (concentration - 2)))),
        row("Kumaraswamy", dist.Kumaraswamy, concentration1=2.0, concentration0=3.0),
        row("Laplace", dist.Laplace, loc=0.3, scale=0.8,
            expected=lambda loc, scale: quadratic_of(loc, 2 * scale**2)),
        row("Logistic", dist.Logistic, loc=0.3, scale=0.8,
            expected=lambda loc, scale: quadratic_of(loc, (math.pi * scale) ** 2 / 3)),
        row("LogNormal", dist.LogNormal, loc=0.1, scale=0.4,
            expected=lambda loc, scale: quadratic_of(
                (loc + scale**2 / 2).exp(),
                torch.expm1(scale**2) * (2 * loc + scale**2).exp())),
        row("Normal", dist.Normal, loc=0.3, scale=0.8,
            expected=lambda loc, scale: quadratic_of(loc, scale**2)),
        row("SoftLaplace", dist.SoftLaplace, loc=0.3, scale=0.8,
            expected=lambda loc, scale: quadratic_of(loc, (math.pi * scale / 2) ** 2)),
        row("Uniform", dist.Uniform, low=-0.5, high=1.5,
            expected=lambda low, high: quadratic_of((low + high) / 2, (high - low) ** 2 / 12)),
        row("Weibull", dist.Weibull, scale=0.8, concentration=2.0,
            expected=lambda scale, concentration: _of_weibull(scale, concentration)),
    ]  # fmt: skip


def _on_the_line(dist) -> list[Row]:
    return [
        row("AsymmetricLaplace", dist.AsymmetricLaplace, loc=0.3, scale=0.8, asymmetry=1.3,
            expected=lambda loc, scale, asymmetry: quadratic_of(
                loc + scale * (1 / asymmetry - asymmetry),
                scale**2 * (asymmetry**2 + asymmetry**-2))),
        row("Cauchy", dist.Cauchy, cost=cosine, loc=0.3, scale=0.8,
            expected=lambda loc, scale: (-scale).exp() * loc.cos()),
        row("Gompertz", dist.Gompertz, concentration=1.0, rate=1.5),
        row("HalfCauchy", dist.HalfCauchy, cost=cosine, scale=0.8,
            expected=lambda scale: (-scale).exp()),
        row("Levy", dist.Levy, cost=cosine, loc=0.3, scale=0.8,
            expected=lambda loc, scale: (-scale.sqrt()).exp() * (loc + scale.sqrt()).cos()),
        row("LogUniform", dist.LogUniform, low=0.5, high=2.0,
            expected=lambda low, high: _of_log_uniform(low, high)),
        row("LowerTruncatedPowerLaw", dist.LowerTruncatedPowerLaw, cost=cosine, alpha=-2.5,
            low=0.5),
        row("DoublyTruncatedPowerLaw", dist.DoublyTruncatedPowerLaw, alpha=-1.5, low=0.5,
            high=2.0),
        row("Pareto", dist.Pareto, cost=cosine, scale=0.8, alpha=2.5),
        row("StudentT", dist.StudentT, cost=cosine, df=4.0, loc=0.3, scale=0.8),
        row("TruncatedNormal", JaxFamily(dist.TruncatedNormal, {"low": -1.0, "high": 2.0}),
            loc=0.3, scale=0.8),
        row("TruncatedCauchy", JaxFamily(dist.TruncatedCauchy, {"low": -1.0, "high": 2.0}),
            loc=0.3, scale=0.8),
        row("VonMises", dist.VonMises, cost=cosine, loc=0.3, concentration=2.0),
        row("RelaxedBernoulli", JaxFamily(dist.RelaxedBernoulli, {"temperature": 0.5}),
            logits=0.4),
    ]  # fmt: skip


def _discrete(dist) -> list[Row]:
    return [
        row("Bernoulli", dist.Bernoulli, cost=cosine, probs=0.3,
            expected=lambda probs: 1 - probs + probs * math.cos(1)),
        row("BetaBinomial", JaxFamily(dist.BetaBinomial, {"total_count": 6}),
            concentration1=2.0, concentration0=3.0,
            expected=lambda concentration1, concentration0: _of_beta_binomial(
                concentration1, concentration0)),
        row("Binomial", JaxFamily(dist.Binomial, {"total_count": 6}), probs=0.3,
            expected=lambda probs: quadratic_of(6 * probs, 6 * probs * (1 - probs))),
        row("Categorical", dist.Categorical, logits=[0.2, -0.3, 0.5],
            expected=lambda logits: logits.softmax(-1) @ (PLACES - 1.5).square()),
        row("GammaPoisson", dist.GammaPoisson, concentration=2.0, rate=1.5,
            expected=lambda concentration, rate: quadratic_of(
                concentration / rate, concentration / rate**2 * (1 + rate))),
        row("Geometric", dist.Geometric, probs=0.4,
            expected=lambda probs: quadratic_of((1 - probs) / probs, (1 - probs) / probs**2)),
        row("NegativeBinomial2", dist.NegativeBinomial2, mean=2.0, concentration=4.0,
            expected=lambda mean, concentration: quadratic_of(
                mean, mean + mean**2 / concentration)),
        row("OrderedLogistic", dist.OrderedLogistic, predictor=0.3, cutpoints=[-0.5, 0.6]),
        row("Poisson", dist.Poisson, rate=2.0, expected=lambda rate: quadratic_of(rate, rate)),
        row("ZeroInflatedPoisson", dist.ZeroInflatedPoisson, gate=0.3, rate=2.0,
            expected=lambda gate, rate: gate / 4 + (1 - gate) * quadratic_of(rate, rate)),
        row("Multinomial", JaxFamily(dist.Multinomial, {"total_count": 4}), cost=weighted,
            probs=[0.2, 0.3, 0.5]),
        row("DirichletMultinomial", JaxFamily(dist.DirichletMultinomial, {"total_count": 4}),
            cost=weighted, concentration=[1.5, 0.7, 2.0]),
    ]  # fmt: skip


def _of_several(dist) -> list[Row]:
    def mixture(logits, loc):
        import jax.numpy as jnp

        return dist.MixtureSameFamily(
            dist.Categorical(logits=logits), dist.Normal(loc, jnp.ones_like(loc))
        )

    lower = [[1.0, 0.0], [0.4, 0.8]]
    return [
        row("Dirichlet", dist.Dirichlet, cost=weighted, concentration=[1.5, 0.7, 2.0],
            expected=lambda concentration: (PLACES * concentration).sum() / concentration.sum()),
        row("MultivariateNormal", dist.MultivariateNormal, loc=[0.3, -0.2], scale_tril=lower,
            expected=lambda loc, scale_tril: quadratic_of(
                loc, scale_tril.tril().square().sum(-1))),
        row("MultivariateStudentT", dist.MultivariateStudentT, cost=cosine, df=5.0,
            loc=[0.3, -0.2], scale_tril=lower),
        row("LowRankMultivariateNormal", dist.LowRankMultivariateNormal, loc=[0.3, -0.2],
            cov_factor=[[0.5], [0.2]], cov_diag=[0.6, 0.4],
            expected=lambda loc, cov_factor, cov_diag: quadratic_of(
                loc, cov_factor.square().sum(-1) + cov_diag)),
        row("GaussianRandomWalk", JaxFamily(dist.GaussianRandomWalk, {"num_steps": 3}),
            scale=0.8, expected=lambda scale: 6 * scale**2 + 0.75),
        row("LKJCholesky", JaxFamily(dist.LKJCholesky, {"dimension": 3}), cost=weighted,
            concentration=1.5),
        row("ProjectedNormal", dist.ProjectedNormal, cost=weighted, concentration=[0.8, -0.4]),
        row("MixtureSameFamily", JaxFamily(mixture, own_axes={"logits": 1, "loc": 1}),
            logits=[0.2, -0.3], loc=[-1.0, 1.0],
            expected=lambda logits, loc: logits.softmax(-1) @ (1 + (loc - 0.5) ** 2)),
    ]  # fmt: skip


def _of_beta(a: Tensor, b: Tensor) -> Tensor:
    return quadratic_of(a / (a + b), a * b / ((a + b) ** 2 * (a + b + 1)))


def _of_beta_binomial(a: Tensor, b: Tensor) -> Tensor:
    n = 6
    return quadratic_of(n * a / (a + b), n * a * b * (a + b + n) / ((a + b) ** 2 * (a + b + 1)))


def _of_weibull(scale: Tensor, shape: Tensor) -> Tensor:
    first, second = (torch.lgamma(1 + k / shape).exp() for k in (1, 2))
    return quadratic_of(scale * first, scale**2 * (second - first**2))


def _of_log_uniform(low: Tensor, high: Tensor) -> Tensor:
    width = (high / low).log()
    mean = (high - low) / width
    return quadratic_of(mean, (high**2 - low**2) / (2 * width) - mean**2)
