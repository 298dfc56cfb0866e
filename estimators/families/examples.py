"""A small example of every family, for tables and tests."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch import distributions as td
from torch.distributions import Distribution
from torch.nn.functional import normalize

from estimators.distributions import (
    Autoregressive,
    Codebook,
    ConditionalBernoulli,
    Copies,
    Delta,
    LinearDiffusion,
    OneHotPlackettLuce,
    PerturbedOracle,
    PlackettLuce,
    ScalarQuantiser,
    TanhNormal,
    TopK,
    TruncatedNormal,
    VonMisesFisher,
)

HALF = torch.tensor(0.5, dtype=torch.float64)
CODES = torch.tensor([[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], dtype=torch.float64)


@dataclass(frozen=True, eq=False)
class Example:
    """A distribution with batch_shape (2,): called, it is `family(**leaves)` of fresh leaves."""

    family: Callable[..., Distribution]
    parameters: dict[str, Tensor]

    def __call__(self) -> Distribution:
        return self.family(**{k: v.clone().requires_grad_() for k, v in self.parameters.items()})


def examples() -> dict[str, Example]:
    """An example of each family by its name, in float64."""
    table = {
        "Normal": (td.Normal, {"loc": 0.5, "scale": 1.0}),
        "Independent(Normal)": (
            lambda loc, scale: td.Independent(td.Normal(loc, scale), 1),
            {"loc": row(3), "scale": row(3).exp()},
        ),
        "MultivariateNormal": (
            lambda loc, scale_tril: td.MultivariateNormal(loc, scale_tril=scale_tril.tril()),
            {"loc": row(3), "scale_tril": triangle(3)},
        ),
        "LowRankMultivariateNormal": (
            td.LowRankMultivariateNormal,
            {"loc": row(3), "cov_factor": triangle(3)[..., :2], "cov_diag": row(3).exp()},
        ),
        "TruncatedNormal": (
            lambda loc, scale: TruncatedNormal(loc, scale, -1.0, 2.0),
            {"loc": 0.2, "scale": 1.0},
        ),
        "TanhNormal": (TanhNormal, {"loc": 0.2, "scale": 0.7}),
        "LogNormal": (td.LogNormal, {"loc": 0.1, "scale": 0.5}),
        "LogisticNormal": (td.LogisticNormal, {"loc": row(3), "scale": row(3).exp()}),
        "HalfNormal": (td.HalfNormal, {"scale": 1.0}),
        "Laplace": (td.Laplace, {"loc": 0.5, "scale": 1.0}),
        "Cauchy": (td.Cauchy, {"loc": 0.5, "scale": 1.0}),
        "HalfCauchy": (td.HalfCauchy, {"scale": 1.0}),
        "StudentT": (td.StudentT, {"df": 7.0, "loc": 0.5, "scale": 1.0}),
        "Gumbel": (td.Gumbel, {"loc": 0.5, "scale": 1.0}),
        "Exponential": (td.Exponential, {"rate": 1.5}),
        "Gamma": (td.Gamma, {"concentration": 2.0, "rate": 1.5}),
        "InverseGamma": (td.InverseGamma, {"concentration": 3.0, "rate": 1.5}),
        "Chi2": (td.Chi2, {"df": 3.0}),
        "FisherSnedecor": (td.FisherSnedecor, {"df1": 5.0, "df2": 9.0}),
        "Beta": (td.Beta, {"concentration1": 2.0, "concentration0": 3.0}),
        "Kumaraswamy": (td.Kumaraswamy, {"concentration1": 2.0, "concentration0": 3.0}),
        "Dirichlet": (td.Dirichlet, {"concentration": row(3).exp() + 1}),
        "Weibull": (td.Weibull, {"scale": 1.0, "concentration": 2.0}),
        "Pareto": (td.Pareto, {"scale": 1.0, "alpha": 3.0}),
        "Uniform": (td.Uniform, {"low": -1.0, "high": 2.0}),
        "ContinuousBernoulli": (td.ContinuousBernoulli, {"probs": 0.3}),
        "RelaxedBernoulli": (
            lambda logits: td.RelaxedBernoulli(HALF, logits=logits),
            {"logits": 0.3},
        ),
        "RelaxedOneHotCategorical": (
            lambda logits: td.RelaxedOneHotCategorical(HALF, logits=logits),
            {"logits": row(3)},
        ),
        "VonMises": (td.VonMises, {"loc": 0.5, "concentration": 2.0}),
        "VonMisesFisher": (
            lambda direction, concentration: VonMisesFisher(
                normalize(direction, dim=-1), concentration
            ),
            {"direction": row(4), "concentration": 2.0},
        ),
        "MixtureSameFamily(Normal)": (
            lambda logits, loc, scale: td.MixtureSameFamily(
                td.Categorical(logits=logits), td.Normal(loc, scale)
            ),
            {"logits": row(2), "loc": row(2), "scale": row(2).exp()},
        ),
        "MixtureSameFamily(Independent(Normal))": (
            lambda logits, loc: td.MixtureSameFamily(
                td.Categorical(logits=logits), td.Independent(td.Normal(loc, 1.0), 1)
            ),
            {"logits": row(2), "loc": row(6).reshape(2, 2, 3)},
        ),
        "Wishart": (
            lambda df, scale_tril: td.Wishart(df, scale_tril=scale_tril.tril()),
            {"df": 5.0, "scale_tril": triangle(2)},
        ),
        "LKJCholesky": (
            lambda concentration: td.LKJCholesky(3, concentration),
            {"concentration": 1.5},
        ),
        "Bernoulli": (lambda logits: td.Bernoulli(logits=logits), {"logits": 0.3}),
        "Independent(Bernoulli)": (
            lambda logits: td.Independent(td.Bernoulli(logits=logits), 1),
            {"logits": row(3)},
        ),
        "OneHotCategorical": (
            lambda logits: td.OneHotCategorical(logits=logits),
            {"logits": row(3)},
        ),
        "Independent(OneHotCategorical)": (
            lambda logits: td.Independent(td.OneHotCategorical(logits=logits), 1),
            {"logits": row(6).reshape(2, 2, 3)},
        ),
        "Codebook": (lambda vector: Codebook(vector, CODES), {"vector": row(2)}),
        "ScalarQuantiser": (lambda value: ScalarQuantiser(value, 3), {"value": 0.3}),
        "Delta": (Delta, {"value": 0.5}),
        "ConditionalBernoulli": (
            lambda logits: ConditionalBernoulli(2, logits),
            {"logits": row(4)},
        ),
        "Independent(ConditionalBernoulli)": (
            lambda logits: td.Independent(ConditionalBernoulli(2, logits), 1),
            {"logits": row(6).reshape(2, 2, 3)},
        ),
        "Independent(TopK)": (
            lambda logits: td.Independent(TopK(2, logits), 1),
            {"logits": row(6).reshape(2, 2, 3)},
        ),
        "PlackettLuce(k=2)": (lambda logits: PlackettLuce(logits, 2), {"logits": row(4)}),
        "TopK": (lambda logits: TopK(2, logits), {"logits": row(4)}),
        "PlackettLuce": (PlackettLuce, {"logits": row(3)}),
        "OneHotPlackettLuce": (OneHotPlackettLuce, {"logits": row(3)}),
        "Categorical": (lambda logits: td.Categorical(logits=logits), {"logits": row(3)}),
        "Poisson": (td.Poisson, {"rate": 2.0}),
        "Geometric": (lambda logits: td.Geometric(logits=logits), {"logits": 0.3}),
        "Binomial": (lambda logits: td.Binomial(4, logits=logits), {"logits": 0.3}),
        "NegativeBinomial": (
            lambda logits: td.NegativeBinomial(3.0, logits=logits),
            {"logits": -0.5},
        ),
        "Copies(Normal)": (
            lambda loc, scale: Copies(td.Normal(loc, scale), 2),
            {"loc": 0.5, "scale": 1.0},
        ),
        "Copies(Bernoulli)": (
            lambda logits: Copies(td.Bernoulli(logits=logits), 2),
            {"logits": 0.3},
        ),
        "Autoregressive": (
            lambda logits: Autoregressive(logits, eos=2, length=2),
            {"logits": row(9).reshape(2, 3, 3)},
        ),
        "LinearDiffusion": (
            lambda start, volatility: LinearDiffusion(start, volatility=volatility, steps=3),
            {"start": 1.0, "volatility": 0.3},
        ),
        "PerturbedOracle": (
            lambda logits: PerturbedOracle(logits, lambda z: (z > 0).to(z)),
            {"logits": row(3)},
        ),
        "Multinomial": (lambda logits: td.Multinomial(4, logits=logits), {"logits": row(3)}),
    }
    return {
        name: Example(family, {k: pair(v) for k, v in values.items()})
        for name, (family, values) in table.items()
    }


def pair(value: float | Tensor) -> Tensor:
    """`value` itself if it is a tensor, else two numbers next to it: [2]."""
    if isinstance(value, Tensor):
        return value
    return value * torch.tensor([1.0, 1.1], dtype=torch.float64)


def row(width: int) -> Tensor:
    """Numbers between −½ and ½: [2, width]."""
    return torch.arange(2 * width, dtype=torch.float64).sin().reshape(2, width) / 2


def triangle(width: int) -> Tensor:
    """Lower triangles with positive diagonals: [2, width, width]."""
    ones = torch.ones(width, width, dtype=torch.float64)
    return (torch.eye(width, dtype=torch.float64) + 0.3 * ones.tril()).repeat(2, 1, 1)
