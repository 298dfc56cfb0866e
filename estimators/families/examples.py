"""One small distribution of every family, for tables and tests."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions import Distribution

from estimators.families.tanh_normal import TanhNormal
from estimators.families.truncated_normal import TruncatedNormal
from estimators.families.von_mises_fisher import VonMisesFisher

BATCH = 2
HALF = torch.tensor(0.5, dtype=torch.float64)


def examples() -> dict[str, Callable[[], Distribution]]:
    """How to make an example of each family by its name: batch_shape (BATCH,), leaves in float64."""
    return {
        "Normal": lambda: td.Normal(leaf(0.5), leaf(1.0)),
        "Independent(Normal)": lambda: td.Independent(td.Normal(row(3), row(3).exp()), 1),
        "MultivariateNormal": lambda: td.MultivariateNormal(row(3), scale_tril=triangle(3)),
        "LowRankMultivariateNormal": lambda: td.LowRankMultivariateNormal(
            row(3), triangle(3)[..., :2], row(3).exp()
        ),
        "TruncatedNormal": lambda: TruncatedNormal(leaf(0.2), leaf(1.0), -1.0, 2.0),
        "TanhNormal": lambda: TanhNormal(leaf(0.2), leaf(0.7)),
        "LogNormal": lambda: td.LogNormal(leaf(0.1), leaf(0.5)),
        "LogisticNormal": lambda: td.LogisticNormal(row(3), row(3).exp()),
        "HalfNormal": lambda: td.HalfNormal(leaf(1.0)),
        "Laplace": lambda: td.Laplace(leaf(0.5), leaf(1.0)),
        "Cauchy": lambda: td.Cauchy(leaf(0.5), leaf(1.0)),
        "HalfCauchy": lambda: td.HalfCauchy(leaf(1.0)),
        "StudentT": lambda: td.StudentT(leaf(7.0), leaf(0.5), leaf(1.0)),
        "Gumbel": lambda: td.Gumbel(leaf(0.5), leaf(1.0)),
        "Exponential": lambda: td.Exponential(leaf(1.5)),
        "Gamma": lambda: td.Gamma(leaf(2.0), leaf(1.5)),
        "InverseGamma": lambda: td.InverseGamma(leaf(3.0), leaf(1.5)),
        "Chi2": lambda: td.Chi2(leaf(3.0)),
        "FisherSnedecor": lambda: td.FisherSnedecor(leaf(5.0), leaf(9.0)),
        "Beta": lambda: td.Beta(leaf(2.0), leaf(3.0)),
        "Kumaraswamy": lambda: td.Kumaraswamy(leaf(2.0), leaf(3.0)),
        "Dirichlet": lambda: td.Dirichlet(row(3).exp() + 1),
        "Weibull": lambda: td.Weibull(leaf(1.0), leaf(2.0)),
        "Pareto": lambda: td.Pareto(leaf(1.0), leaf(3.0)),
        "Uniform": lambda: td.Uniform(leaf(-1.0), leaf(2.0)),
        "ContinuousBernoulli": lambda: td.ContinuousBernoulli(leaf(0.3)),
        "RelaxedBernoulli": lambda: td.RelaxedBernoulli(HALF, logits=leaf(0.3)),
        "RelaxedOneHotCategorical": lambda: td.RelaxedOneHotCategorical(HALF, logits=row(3)),
        "VonMises": lambda: td.VonMises(leaf(0.5), leaf(2.0)),
        "VonMisesFisher": lambda: VonMisesFisher(
            torch.nn.functional.normalize(row(4), dim=-1), leaf(2.0)
        ),
        "MixtureSameFamily": lambda: td.MixtureSameFamily(
            td.Categorical(logits=row(2)), td.Normal(row(2), row(2).exp())
        ),
        "MixtureSameFamily(Independent(Normal))": lambda: td.MixtureSameFamily(
            td.Categorical(logits=row(2)),
            td.Independent(td.Normal(row(6).reshape(BATCH, 2, 3), 1.0), 1),
        ),
        "Wishart": lambda: td.Wishart(leaf(5.0), scale_tril=triangle(2)),
        "LKJCholesky": lambda: td.LKJCholesky(3, leaf(1.5)),
        "Bernoulli": lambda: td.Bernoulli(logits=leaf(0.3)),
        "Independent(Bernoulli)": lambda: td.Independent(td.Bernoulli(logits=row(3)), 1),
        "OneHotCategorical": lambda: td.OneHotCategorical(logits=row(3)),
        "Independent(OneHotCategorical)": lambda: td.Independent(
            td.OneHotCategorical(logits=row(6).reshape(BATCH, 2, 3)), 1
        ),
        "Categorical": lambda: td.Categorical(logits=row(3)),
        "Poisson": lambda: td.Poisson(leaf(2.0)),
        "Geometric": lambda: td.Geometric(logits=leaf(0.3)),
        "Binomial": lambda: td.Binomial(4, logits=leaf(0.3)),
        "NegativeBinomial": lambda: td.NegativeBinomial(leaf(3.0), logits=leaf(-0.5)),
        "Multinomial": lambda: td.Multinomial(4, logits=row(3)),
    }


def leaf(value: float) -> Tensor:
    """BATCH numbers next to `value`, requiring gradients."""
    near = value * torch.tensor([1.0, 1.1], dtype=torch.float64)
    return near.requires_grad_()


def row(width: int) -> Tensor:
    """[BATCH, width] numbers between −½ and ½, requiring gradients."""
    numbers = torch.arange(BATCH * width, dtype=torch.float64).sin() / 2
    return numbers.reshape(BATCH, width).requires_grad_()


def triangle(width: int) -> Tensor:
    """Lower triangles with positive diagonals, requiring gradients: [BATCH, width, width]."""
    factor = torch.eye(width, dtype=torch.float64) + 0.3 * torch.ones(width, width).double().tril()
    return factor.expand(BATCH, width, width).clone().requires_grad_()
