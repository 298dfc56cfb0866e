"""Classes of zuko, torchrl, gpytorch, power_spherical and normflows, a function for each."""

import torch

from benchmarks.peers.wild_rows import Row, cosine, quadratic_of, row, weighted

PROBABLE = torch.arange(1.0, 4.0, dtype=torch.float64)


def of_zuko() -> list[Row]:
    """Its distributions, and flows with given parameters."""
    from torch.distributions import Normal
    from zuko import distributions as dist
    from zuko import transforms

    def flow(shift, scale):
        base = dist.DiagNormal(torch.zeros_like(shift), torch.ones_like(shift))
        step = transforms.MonotonicAffineTransform(shift, scale)
        return dist.NormalizingFlow(transforms.DependentTransform(step, 1), base)

    def spline(widths, heights, derivatives):
        step = transforms.MonotonicRQSTransform(widths, heights, derivatives)
        one = torch.ones_like(widths[..., 0])
        return dist.NormalizingFlow(step, Normal(0 * one, one))

    return [
        row("DiagNormal", dist.DiagNormal, loc=[0.3, -0.2], scale=[0.8, 0.6],
            expected=lambda loc, scale: quadratic_of(loc, scale**2)),
        row("BoxUniform", dist.BoxUniform, lower=[-0.5, 0.0], upper=[1.5, 0.7],
            expected=lambda lower, upper: quadratic_of(
                (lower + upper) / 2, (upper - lower) ** 2 / 12)),
        row("GeneralizedNormal", dist.GeneralizedNormal, beta=1.5,
            expected=lambda beta: 0.25 + (torch.lgamma(3 / beta) - torch.lgamma(1 / beta)).exp()),
        row("Mixture", lambda loc, logits: dist.Mixture(
            Normal(loc, torch.ones_like(loc)), logits), loc=[-1.0, 1.0], logits=[0.2, -0.3],
            expected=lambda loc, logits: logits.softmax(-1) @ (1 + (loc - 0.5) ** 2)),
        row("Joint", lambda loc, scale: dist.Joint(
            Normal(loc, 1.0), Normal(0 * loc, scale)), loc=0.3, scale=0.8,
            expected=lambda loc, scale: 1.25 + (loc - 0.5) ** 2 + scale**2),
        row("Truncated", lambda loc, scale: dist.Truncated(
            Normal(loc, scale), torch.zeros_like(loc), torch.full_like(loc, 2.0)), loc=0.3,
            scale=0.8),
        row("Maximum", lambda loc, scale: dist.Maximum(Normal(loc, scale), 3), loc=0.3, scale=0.8),
        row("Minimum", lambda loc, scale: dist.Minimum(Normal(loc, scale), 3), loc=0.3, scale=0.8),
        row("Sort", lambda loc, scale: dist.Sort(Normal(loc, scale), 3), loc=0.3, scale=0.8,
            expected=lambda loc, scale: 3 * quadratic_of(loc, scale**2)),
        row("TopK", lambda loc, scale: dist.TopK(Normal(loc, scale), 2, 3), loc=0.3, scale=0.8),
        row("TransformedUniform", lambda lower, upper: dist.TransformedUniform(
            torch.distributions.transforms.ExpTransform(), lower, upper), lower=0.5, upper=1.5),
        row("NormalizingFlow, affine", flow, shift=[0.3, -0.2], scale=[0.2, -0.3]),
        row("NormalizingFlow, splines", spline, widths=[0.1, 0.3, -0.2], heights=[0.2, 0.0, 0.1],
            derivatives=[0.1, -0.1]),
    ]  # fmt: skip


def of_torchrl() -> list[Row]:
    """Its policies' distributions."""
    from torchrl.modules import distributions as dist

    def masked(logits):
        return dist.MaskedCategorical(
            logits=logits, mask=torch.tensor([True, False, True]).expand(logits.shape)
        )

    def masked_one_hot(logits):
        return dist.MaskedOneHotCategorical(
            logits=logits, mask=torch.tensor([True, False, True]).expand(logits.shape)
        )

    def of_allowed(logits):
        kept = logits[..., [0, 2]].softmax(-1)
        return kept @ torch.tensor([0.25, 2.25]).double()

    return [
        row("IndependentNormal", dist.IndependentNormal, loc=[0.3, -0.2], scale=[0.8, 0.6],
            expected=lambda loc, scale: quadratic_of(loc, scale**2)),
        row("TanhNormal", dist.TanhNormal, loc=[0.3, -0.2], scale=[0.8, 0.6]),
        row("TanhNormal, saturated", dist.TanhNormal, loc=[4.5], scale=[1.0]),
        row("TruncatedNormal", dist.TruncatedNormal, loc=[0.3, -0.2], scale=[0.8, 0.6]),
        row("Delta", lambda param: dist.Delta(param), param=[0.7, 0.1],
            expected=lambda param: (param - 0.5) ** 2),
        row("TanhDelta", lambda param: dist.TanhDelta(param), param=[0.7, 0.1],
            expected=lambda param: (param.tanh() - 0.5) ** 2),
        row("OneHotCategorical", lambda logits: dist.OneHotCategorical(logits=logits),
            cost=weighted, logits=[0.2, -0.3, 0.5],
            expected=lambda logits: logits.softmax(-1) @ PROBABLE),
        row("MaskedCategorical", masked, logits=[0.2, -0.3, 0.5], expected=of_allowed),
        row("MaskedOneHotCategorical", masked_one_hot, cost=weighted, logits=[0.2, -0.3, 0.5],
            expected=lambda logits: logits[..., [0, 2]].softmax(-1) @ PROBABLE[[0, 2]]),
        row("Ordinal", dist.Ordinal, scores=[0.2, -0.3, 0.5]),
        row("OneHotOrdinal", dist.OneHotOrdinal, cost=weighted, scores=[0.2, -0.3, 0.5]),
    ]  # fmt: skip


def of_gpytorch() -> list[Row]:
    """Its distributions and priors."""
    from gpytorch import distributions as dist
    from gpytorch import priors

    def covariance(scale):
        return torch.diag_embed(scale.square()) + 0.2

    def multitask(mean, scale):
        return dist.MultitaskMultivariateNormal(
            mean.unflatten(-1, (2, 2)), torch.diag_embed(scale.square())
        )

    return [
        row("MultivariateNormal", lambda mean, scale: dist.MultivariateNormal(
            mean, covariance(scale)), mean=[0.3, -0.2], scale=[0.8, 0.6],
            expected=lambda mean, scale: quadratic_of(mean, scale**2 + 0.2)),
        row("MultitaskMultivariateNormal", multitask, mean=[0.3, -0.2, 0.1, 0.0],
            scale=[0.8, 0.6, 0.7, 1.0],
            expected=lambda mean, scale: quadratic_of(mean, scale**2)),
        row("Delta", lambda v: dist.Delta(v), v=0.7, expected=lambda v: (v - 0.5) ** 2),
        row("NormalPrior", priors.NormalPrior, loc=0.3, scale=0.8,
            expected=lambda loc, scale: quadratic_of(loc, scale**2)),
        row("LogNormalPrior", priors.LogNormalPrior, loc=0.1, scale=0.4,
            expected=lambda loc, scale: quadratic_of(
                (loc + scale**2 / 2).exp(),
                torch.expm1(scale**2) * (2 * loc + scale**2).exp())),
        row("GammaPrior", priors.GammaPrior, concentration=2.0, rate=1.5,
            expected=lambda concentration, rate: quadratic_of(
                concentration / rate, concentration / rate**2)),
        row("HalfNormalPrior", priors.HalfNormalPrior, scale=0.8,
            expected=lambda scale: quadratic_of(
                scale * (2 / torch.pi) ** 0.5, scale**2 * (1 - 2 / torch.pi))),
        row("HalfCauchyPrior", priors.HalfCauchyPrior, cost=cosine, scale=0.8,
            expected=lambda scale: (-scale).exp()),
        row("UniformPrior", priors.UniformPrior, a=-0.5, b=1.5,
            expected=lambda a, b: quadratic_of((a + b) / 2, (b - a) ** 2 / 12)),
        row("HorseshoePrior", priors.HorseshoePrior, cost=cosine, scale=0.8),
        row("SmoothedBoxPrior", priors.SmoothedBoxPrior, a=0.2, b=1.4, sigma=0.1),
        row("MultivariateNormalPrior", lambda loc, covariance_matrix: (
            priors.MultivariateNormalPrior(loc, covariance_matrix=covariance_matrix)),
            loc=[0.3, -0.2], covariance_matrix=[[1.0, 0.3], [0.3, 0.8]]),
        row("LKJCholeskyFactorPrior", lambda eta: priors.LKJCholeskyFactorPrior(3, eta),
            cost=weighted, eta=1.5),
    ]  # fmt: skip


def of_power_spherical() -> list[Row]:
    """Directions."""
    import power_spherical as dist

    def on_sphere(loc, scale):
        return dist.PowerSpherical(torch.nn.functional.normalize(loc, dim=-1), scale)

    return [
        row("PowerSpherical", on_sphere, cost=weighted, loc=[0.6, -0.2, 0.7], scale=3.0),
        row("MarginalTDistribution", lambda scale: dist.MarginalTDistribution(
            torch.tensor(3).to(scale), scale), scale=3.0),
        row("HypersphericalUniform", lambda dim: dist.HypersphericalUniform(3), cost=weighted,
            dim=3.0),
    ]  # fmt: skip


def of_normflows() -> list[Row]:
    """Modules with `sample(n)`, which are no distributions."""
    import normflows as nf

    def gaussian(loc, log_scale):
        base = nf.distributions.DiagGaussian(2)
        del base.loc, base.log_scale
        base.loc, base.log_scale = loc, log_scale
        return base

    def uniform(low, high):
        return nf.distributions.base.Uniform(2, low, high)

    return [
        row("DiagGaussian", gaussian, loc=[0.3, -0.2], log_scale=[-0.2, 0.1]),
        row("Uniform", uniform, low=-0.5, high=1.5),
    ]  # fmt: skip
