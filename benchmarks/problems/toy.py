"""The grid of toy problems: family × cost, each with a truth that is exact or has an error."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.distributions import (
    Bernoulli,
    Beta,
    Categorical,
    Distribution,
    Exponential,
    Gamma,
    Independent,
    Laplace,
    LogNormal,
    MixtureSameFamily,
    Normal,
    OneHotCategorical,
    Poisson,
    StudentT,
    VonMises,
)

from benchmarks.objective import costs
from benchmarks.objective.definition import Problem
from benchmarks.problems import register
from estimators import capabilities, distributions

Parameters = dict[str, float | list]
CLASSES = torch.linspace(-1.0, 1.0, 5, dtype=torch.float64)

CONTINUOUS: dict[str, tuple[Callable[..., Distribution], Parameters]] = {
    "normal": (Normal, {"loc": 1.0, "scale": 1.0}),
    "laplace": (Laplace, {"loc": 1.0, "scale": 1.0}),
    "log-normal": (LogNormal, {"loc": 0.0, "scale": 0.5}),
    "exponential": (Exponential, {"rate": 1.0}),
    "gamma": (Gamma, {"concentration": 2.0, "rate": 1.5}),
    "beta": (Beta, {"concentration1": 2.0, "concentration0": 3.0}),
    "student-t": (StudentT, {"df": 9.0, "loc": 0.5, "scale": 1.0}),
    "truncated-normal": (
        partial(distributions.TruncatedNormal, low=-1.0, high=2.0),
        {"loc": 0.5, "scale": 1.0},
    ),
    "mixture": (
        lambda logits, loc, scale: MixtureSameFamily(
            Categorical(logits=logits), Normal(loc, scale)
        ),
        {"logits": [0.1, 0.5], "loc": [0.4, 0.25], "scale": [0.1, 0.5]},
    ),
}
CONTINUOUS_COSTS = {
    "linear": costs.linear(),
    "quadratic": costs.quadratic(0.5),
    "exp-quadratic": costs.exp_quadratic(),
    "cosine": costs.cosine(2.0),
    "step": costs.step(0.6),
}
CIRCULAR_COSTS = {"cosine": costs.cosine(1.0), "cosine-2": costs.cosine(2.0)}

DISCRETE: dict[str, tuple[Callable[..., Distribution], Parameters]] = {
    "bernoulli": (lambda logits: Bernoulli(logits=logits), {"logits": -0.5}),
    "bernoulli-rare": (lambda logits: Bernoulli(logits=logits), {"logits": -4.0}),
    "bernoulli-10": (
        lambda logits: Independent(Bernoulli(logits=logits), 1),
        {"logits": torch.linspace(-2, 2, 10).tolist()},
    ),
}
DISCRETE_COSTS = {"linear": costs.linear(), "quadratic": costs.quadratic(0.45)}

ONE_HOT: dict[str, tuple[Callable[..., Distribution], Parameters]] = {
    "one-hot": (
        lambda logits: OneHotCategorical(logits=logits),
        {"logits": [0.5, -0.5, 0.0, 1.0, 0.2]},
    ),
    "one-hot-4": (
        lambda logits: Independent(OneHotCategorical(logits=logits), 1),
        {"logits": torch.linspace(-1, 1, 20).sin().reshape(4, 5).tolist()},
    ),
}


def of_class_mean(x: Tensor, dist: Distribution) -> Tensor:
    """(Σ over factors of the class's number)²: nonlinear in x, and factors interact."""
    score = x @ CLASSES.to(x)
    return (score.sum(-1) if len(dist.event_shape) > 1 else score).sub(0.3).square()


def of_lambda_too(x: Tensor, dist: Distribution) -> Tensor:
    """(x − 0.3)² + (E x)²: a cost with a gradient of its own in λ, as a KL divergence has."""
    return (x - 0.3).square() + dist.mean.square()


ONE_HOT_COSTS = {"linear": costs.linear(CLASSES), "quadratic": of_class_mean}
QUICK = {
    "normal-quadratic", "normal-cosine", "normal-exp-quadratic", "normal-10-quadratic",
    "gamma-quadratic", "beta-quadratic", "student-t-cosine", "von-mises-cosine",
    "truncated-normal-quadratic", "mixture-quadratic", "poisson-quadratic", "normal-step",
    "bernoulli-quadratic", "bernoulli-10-quadratic", "one-hot-quadratic",
}  # fmt: skip


def toy(name: str, family: Callable, values: Parameters, cost: costs.Cost, truth="auto") -> None:
    """Register one toy problem; a `truth` that is a function is found when it is built."""

    @register(name, quick=name in QUICK)
    def build() -> Problem:
        parameters = {k: torch.tensor(v, dtype=torch.float64) for k, v in values.items()}
        return Problem(name, parameters, family, cost, truth() if callable(truth) else truth)


def step_truth(family: Callable, values: Parameters, at: float) -> dict[str, Tensor]:
    """∇ P(x > at) = −∇ F(at), exactly; quadrature would have to find the step."""
    leaves = {k: torch.tensor(v, dtype=torch.float64).requires_grad_() for k, v in values.items()}
    below = capabilities.cdf(family(**leaves), torch.tensor(at, dtype=torch.float64))
    return dict(zip(leaves, torch.autograd.grad(-below, list(leaves.values())), strict=True))


for _family, (_make, _values) in CONTINUOUS.items():
    for _cost, _f in CONTINUOUS_COSTS.items():
        if _cost == "step" and _family == "beta":
            continue  # torch has no incomplete beta function
        _truth = partial(step_truth, _make, _values, 0.6) if _cost == "step" else "auto"
        toy(f"{_family}-{_cost}", _make, _values, _f, _truth)
for _cost, _f in CIRCULAR_COSTS.items():
    toy(f"von-mises-{_cost}", VonMises, {"loc": 0.5, "concentration": 2.0}, _f)
for _cost, _f in DISCRETE_COSTS.items():
    toy(f"poisson-{_cost}", Poisson, {"rate": 2.0}, _f)
    for _family, (_make, _values) in DISCRETE.items():
        toy(f"{_family}-{_cost}", _make, _values, _f)
toy("normal-direct", *CONTINUOUS["normal"], of_lambda_too)
toy("bernoulli-direct", *DISCRETE["bernoulli"], of_lambda_too)
toy("bernoulli-cubic", *DISCRETE["bernoulli"], costs.power(3.0))  # ReinMax is exact on quadratics
for _cost, _f in ONE_HOT_COSTS.items():
    for _family, (_make, _values) in ONE_HOT.items():
        toy(f"{_family}-{_cost}", _make, _values, _f)


@register("normal-10-quadratic", quick=True)
def normal_10() -> Problem:
    """Ten dimensions: ∇_loc = 2 (loc − centre), ∇_scale = 2 scale."""
    loc = torch.linspace(-1, 1, 10, dtype=torch.float64)
    scale = torch.linspace(0.5, 1.5, 10, dtype=torch.float64)
    return Problem(
        "normal-10-quadratic",
        {"loc": loc, "scale": scale},
        lambda loc, scale: Independent(Normal(loc, scale), 1),
        costs.quadratic(0.5),
        {"loc": 2 * (loc - 0.5), "scale": 2 * scale},
    )
