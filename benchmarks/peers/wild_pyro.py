"""Classes of pyro-ppl: `rows()` imports it."""

import math

import torch
from torch import Tensor

from benchmarks.peers.wild_rows import Row, cosine, quadratic_of, row, weighted


def rows() -> list[Row]:
    """Continuous, discrete, mixed and directional ones."""
    import pyro.distributions as dist

    return [
        *_on_the_line(dist),
        *_of_torch(dist),
        *_discrete(dist),
        *_of_several_numbers(dist),
        *_transformed(dist),
    ]


def _on_the_line(dist) -> list[Row]:
    normal = dist.Normal
    return [
        row("AffineBeta", dist.AffineBeta, concentration1=2.0, concentration0=3.0, loc=-1.0,
            scale=2.0, expected=lambda concentration1, concentration0, loc, scale: quadratic_of(
                loc + scale * concentration1 / (concentration1 + concentration0),
                scale**2 * _beta_variance(concentration1, concentration0))),
        row("AsymmetricLaplace", dist.AsymmetricLaplace, loc=0.3, scale=0.8, asymmetry=1.3,
            expected=lambda loc, scale, asymmetry: quadratic_of(
                loc + scale * (1 / asymmetry - asymmetry),
                scale**2 * (asymmetry**2 + asymmetry**-2))),
        row("SoftAsymmetricLaplace", dist.SoftAsymmetricLaplace, loc=0.3, scale=0.8,
            asymmetry=1.3, softness=0.7,
            expected=lambda loc, scale, asymmetry, softness: quadratic_of(
                loc + scale * (1 / asymmetry - asymmetry),
                scale**2 * (asymmetry**2 + asymmetry**-2 + softness**2))),
        row("SoftLaplace", dist.SoftLaplace, loc=0.3, scale=0.8,
            expected=lambda loc, scale: quadratic_of(loc, (math.pi * scale / 2) ** 2)),
        row("Logistic", dist.Logistic, loc=0.3, scale=0.8,
            expected=lambda loc, scale: quadratic_of(loc, (math.pi * scale) ** 2 / 3)),
        row("SkewLogistic", dist.SkewLogistic, loc=0.3, scale=0.8, asymmetry=1.4),
        row("InverseGamma", dist.InverseGamma, concentration=6.0, rate=2.0,
            expected=lambda concentration, rate: quadratic_of(
                rate / (concentration - 1),
                rate**2 / ((concentration - 1) ** 2 * (concentration - 2)))),
        row("FoldedDistribution", lambda loc, scale: dist.FoldedDistribution(normal(loc, scale)),
            loc=0.3, scale=0.8),
        row("SineSkewed", lambda loc, concentration, skewness: dist.SineSkewed(
            dist.VonMises(loc.unsqueeze(-1), concentration.unsqueeze(-1)).to_event(1),
            skewness.unsqueeze(-1)), cost=cosine, loc=0.3, concentration=2.0, skewness=0.4),
        row("GaussianScaleMixture", lambda coord, logits, scales: dist.GaussianScaleMixture(
            coord, logits, scales), coord=[0.7, 1.1], logits=[0.2, -0.3], scales=[0.5, 1.5]),
        row("Delta", lambda v: dist.Delta(v), v=0.7, expected=lambda v: (v - 0.5) ** 2),
        row("Unit", lambda log_factor: dist.Unit(log_factor), log_factor=0.4),
        row("ImproperUniform", lambda low: dist.ImproperUniform(
            dist.constraints.greater_than(low), low.shape, ()), low=0.3),
        row("TruncatedPolyaGamma", lambda scale: dist.TruncatedPolyaGamma(scale), scale=1.0),
        row("MaskedDistribution", lambda loc, scale: normal(loc, scale).mask(True), loc=0.3,
            scale=0.8, expected=lambda loc, scale: quadratic_of(loc, scale**2)),
        row("MaskedMixture", lambda loc, scale: dist.MaskedMixture(
            torch.rand_like(loc) < 2, normal(loc, scale), normal(-loc, scale)), loc=0.3, scale=0.8,
            expected=lambda loc, scale: quadratic_of(-loc, scale**2)),
        row("NanMaskedNormal", dist.NanMaskedNormal, loc=0.3, scale=0.8,
            expected=lambda loc, scale: quadratic_of(loc, scale**2)),
    ]  # fmt: skip


def _of_torch(dist) -> list[Row]:
    """Torch's own under another name, some with pieces of Pyro's."""
    return [
        row("Normal", dist.Normal, loc=0.3, scale=0.8,
            expected=lambda loc, scale: quadratic_of(loc, scale**2)),
        row("Beta", dist.Beta, concentration1=2.0, concentration0=3.0,
            expected=lambda concentration1, concentration0: quadratic_of(
                concentration1 / (concentration1 + concentration0),
                _beta_variance(concentration1, concentration0))),
        row("Gamma", dist.Gamma, concentration=2.0, rate=1.5,
            expected=lambda concentration, rate: quadratic_of(
                concentration / rate, concentration / rate**2)),
        row("LogNormal", dist.LogNormal, loc=0.1, scale=0.4,
            expected=lambda loc, scale: quadratic_of(
                (loc + scale**2 / 2).exp(),
                torch.expm1(scale**2) * (2 * loc + scale**2).exp())),
        row("Uniform", dist.Uniform, low=-0.5, high=1.5,
            expected=lambda low, high: quadratic_of((low + high) / 2, (high - low) ** 2 / 12)),
        row("StudentT", dist.StudentT, cost=cosine, df=4.0, loc=0.3, scale=0.8),
        row("VonMises", dist.VonMises, cost=cosine, loc=0.3, concentration=2.0),
        row("Kumaraswamy", dist.Kumaraswamy, concentration1=2.0, concentration0=3.0),
        row("ContinuousBernoulli", dist.ContinuousBernoulli, probs=0.3),
        row("GeneralizedPareto", dist.GeneralizedPareto, cost=cosine, loc=0.1, scale=1.0,
            concentration=0.2),
        row("RelaxedBernoulliStraightThrough", lambda logits: (
            dist.RelaxedBernoulliStraightThrough(torch.full_like(logits, 0.5), logits)),
            cost=cosine, logits=0.4),
        row("Dirichlet", dist.Dirichlet, cost=weighted, concentration=[1.5, 0.7, 2.0],
            expected=lambda concentration: (
                torch.arange(1.0, 4.0).double() * concentration).sum() / concentration.sum()),
        row("MultivariateNormal", lambda loc, scale: dist.MultivariateNormal(
            loc, scale_tril=_lower(scale)),
            loc=[0.3, -0.2], scale=[1.0, 0.8],
            expected=_of_lower),
        row("LKJCholesky", lambda eta: dist.LKJCholesky(3, eta), cost=weighted, eta=1.5),
        row("Wishart", lambda df: dist.Wishart(df, torch.eye(2).to(df)), df=4.0),
    ]  # fmt: skip


def _discrete(dist) -> list[Row]:
    n = torch.tensor(6.0)
    return [
        row("Bernoulli", dist.Bernoulli, cost=cosine, probs=0.3,
            expected=lambda probs: 1 - probs + probs * math.cos(1)),
        row("Categorical", lambda logits: dist.Categorical(logits=logits), logits=[0.2, -0.3, 0.5]),
        row("OneHotCategoricalStraightThrough", lambda logits: (
            dist.OneHotCategoricalStraightThrough(logits=logits)), cost=weighted,
            logits=[0.2, -0.3, 0.5],
            expected=lambda logits: logits.softmax(-1) @ torch.arange(1.0, 4.0).double()),
        row("Binomial", lambda probs: dist.Binomial(6, probs), probs=0.3,
            expected=lambda probs: quadratic_of(6 * probs, 6 * probs * (1 - probs))),
        row("ExtendedBinomial", lambda probs: dist.ExtendedBinomial(6, probs), probs=0.3,
            expected=lambda probs: quadratic_of(6 * probs, 6 * probs * (1 - probs))),
        row("Poisson", dist.Poisson, rate=2.0, expected=lambda rate: quadratic_of(rate, rate)),
        row("Geometric", dist.Geometric, probs=0.4,
            expected=lambda probs: quadratic_of((1 - probs) / probs, (1 - probs) / probs**2)),
        row("BetaBinomial", lambda a, b: dist.BetaBinomial(a, b, n.to(a)), a=2.0, b=3.0,
            expected=lambda a, b: quadratic_of(
                6 * a / (a + b), 6 * a * b * (a + b + 6) / ((a + b) ** 2 * (a + b + 1)))),
        row("DirichletMultinomial", lambda concentration: dist.DirichletMultinomial(
            concentration, 4), concentration=[1.5, 0.7, 2.0]),
        row("GammaPoisson", dist.GammaPoisson, concentration=2.0, rate=1.5,
            expected=lambda concentration, rate: quadratic_of(
                concentration / rate, concentration / rate**2 * (1 + rate))),
        row("NegativeBinomial", lambda probs: dist.NegativeBinomial(4, probs), probs=0.3,
            expected=lambda probs: quadratic_of(
                4 * probs / (1 - probs), 4 * probs / (1 - probs) ** 2)),
        row("LogNormalNegativeBinomial", lambda logits, noise: dist.LogNormalNegativeBinomial(
            torch.full_like(logits, 4.0), logits, noise), logits=-0.8, noise=0.4),
        row("ZeroInflatedPoisson", lambda rate, gate: dist.ZeroInflatedPoisson(rate, gate=gate),
            rate=2.0, gate=0.3,
            expected=lambda rate, gate: gate / 4 + (1 - gate) * quadratic_of(rate, rate)),
        row("ZeroInflatedNegativeBinomial", lambda probs, gate: dist.ZeroInflatedNegativeBinomial(
            torch.full_like(probs, 4.0), probs=probs, gate=gate), probs=0.3, gate=0.3,
            expected=lambda probs, gate: gate / 4 + (1 - gate) * quadratic_of(
                4 * probs / (1 - probs), 4 * probs / (1 - probs) ** 2)),
        row("OrderedLogistic", dist.OrderedLogistic, predictor=0.3, cutpoints=[-0.5, 0.6]),
        row("SpanningTree", dist.SpanningTree, edge_logits=[0.1, -0.2, 0.3]),
        row("OneOneMatching", dist.OneOneMatching, logits=[[0.1, -0.2], [0.3, 0.5]]),
        row("Empirical", lambda samples, weights: dist.Empirical(samples, weights),
            samples=[0.1, 0.7, 1.4], weights=[0.2, -0.3, 0.5]),
        row("DiscreteHMM", lambda initial, transition, probs: dist.DiscreteHMM(
            initial, transition.unsqueeze(-3), dist.Bernoulli(probs.unsqueeze(-2)), duration=3),
            cost=cosine,
            initial=[0.0, 0.3],
            transition=[[0.5, -0.5], [-0.2, 0.4]], probs=[0.3, 0.8]),
        row("Multinomial", lambda probs: dist.Multinomial(4, probs), probs=[0.2, 0.3, 0.5]),
    ]  # fmt: skip


def _of_several_numbers(dist) -> list[Row]:
    return [
        row("MultivariateStudentT", lambda df, loc, scale: dist.MultivariateStudentT(
            df, loc, _lower(scale)), cost=cosine, df=5.0,
            loc=[0.3, -0.2], scale=[1.0, 0.8]),
        row("OMTMultivariateNormal", lambda loc, scale: dist.OMTMultivariateNormal(
            loc, _lower(scale)), loc=[0.3, -0.2],
            scale=[1.0, 0.8], expected=_of_lower),
        row("AVFMultivariateNormal", lambda loc, scale: dist.AVFMultivariateNormal(
            loc, _lower(scale), torch.full((2, 1, 2), 0.3).to(loc)), loc=[0.3, -0.2],
            scale=[1.0, 0.8], expected=_of_lower),
        row("MixtureOfDiagNormals", dist.MixtureOfDiagNormals, locs=[[0.3, -0.2], [1.0, 0.5]],
            coord_scale=[[0.7, 0.6], [0.5, 0.9]], component_logits=[0.2, -0.3],
            expected=lambda locs, coord_scale, component_logits: component_logits.softmax(-1)
            @ quadratic_of(locs, coord_scale**2).sum(-1)),
        row("MixtureOfDiagNormalsSharedCovariance", dist.MixtureOfDiagNormalsSharedCovariance,
            locs=[[0.3, -0.2], [1.0, 0.5]], coord_scale=[0.7, 0.6], component_logits=[0.2, -0.3],
            expected=lambda locs, coord_scale, component_logits: component_logits.softmax(-1)
            @ quadratic_of(locs, coord_scale**2).sum(-1)),
        row("ProjectedNormal", dist.ProjectedNormal, cost=weighted, concentration=[0.8, -0.4]),
        row("VonMises3D", dist.VonMises3D, cost=weighted, concentration=[1.0, -0.5, 0.7]),
        row("SineBivariateVonMises", dist.SineBivariateVonMises, cost=cosine, phi_loc=0.3,
            psi_loc=-0.2, phi_concentration=2.0, psi_concentration=1.5, correlation=0.6),
        row("RelaxedOneHotCategoricalStraightThrough", lambda logits: (
            dist.RelaxedOneHotCategoricalStraightThrough(
                torch.tensor(0.5).to(logits), logits=logits)), cost=weighted,
            logits=[0.2, -0.3, 0.5],
            expected=lambda logits: logits.softmax(-1) @ torch.arange(1.0, 4.0).double()),
        row("LKJ", lambda concentration: dist.LKJ(3, concentration), cost=weighted,
            concentration=1.5),
        row("GroupedNormalNormal", lambda loc, scale, noise: dist.GroupedNormalNormal(
            loc, scale, noise, torch.tensor([0, 0, 1])), loc=[0.3, -0.2], scale=[0.8, 0.6],
            noise=0.5),
        row("CoalescentTimes", lambda rate: dist.CoalescentTimes(
            torch.tensor([0.0, 0.0, 0.0]).to(rate), rate), rate=1.2),
        row("GaussianHMM", _gaussian_hmm(dist), loc=0.3, scale=0.8),
        row("GaussianMRF", _gaussian_mrf(dist), loc=0.3, scale=0.8),
    ]  # fmt: skip


def _transformed(dist) -> list[Row]:
    def flow(loc, scale, shift):
        base = dist.Normal(loc, scale)
        steps = [dist.transforms.AffineTransform(shift, 1.5), dist.transforms.SoftplusTransform()]
        return dist.TransformedDistribution(base, steps)

    return [
        row("TransformedDistribution", flow, loc=0.3, scale=0.8, shift=0.1),
        row("Independent of Gamma", lambda concentration: dist.Gamma(
            concentration, torch.ones_like(concentration)).to_event(1), concentration=[2.0, 3.0],
            expected=lambda concentration: quadratic_of(concentration, concentration)),
        row("MixtureSameFamily", lambda logits, loc: dist.MixtureSameFamily(
            dist.Categorical(logits=logits), dist.Normal(loc, torch.ones_like(loc))),
            logits=[0.2, -0.3], loc=[-1.0, 1.0],
            expected=lambda logits, loc: logits.softmax(-1) @ (1 + (loc - 0.5) ** 2)),
    ]  # fmt: skip


def _gaussian_hmm(dist):
    def family(loc, scale):
        one = torch.ones(1, 1).to(loc)
        wide = dist.Normal(loc.unsqueeze(-1), scale.unsqueeze(-1)).to_event(1)
        still = torch.zeros_like(loc)[..., None, None]  # [*batch, time, 1]
        noise = dist.Normal(still, torch.ones_like(still)).to_event(1)
        return dist.GaussianHMM(wide, one, noise, one, noise, duration=2)

    return family


def _gaussian_mrf(dist):
    def family(loc, scale):
        first = dist.MultivariateNormal(loc.unsqueeze(-1), scale[..., None, None])
        pair = dist.MultivariateNormal(torch.zeros(2).to(loc), torch.eye(2).to(loc))
        return dist.GaussianMRF(first, pair, pair)

    return family


def _beta_variance(a: Tensor, b: Tensor) -> Tensor:
    return a * b / ((a + b) ** 2 * (a + b + 1))


def _lower(scale: Tensor) -> Tensor:
    """A lower triangular factor with `scale` on its diagonal."""
    below = torch.tensor([[0.0, 0.0], [0.4, 0.0]], dtype=scale.dtype)
    return torch.diag_embed(scale) + below


def _of_lower(loc: Tensor, scale: Tensor) -> Tensor:
    return quadratic_of(loc, scale.square() + torch.tensor([0.0, 0.16]).to(scale))
