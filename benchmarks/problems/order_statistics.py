"""Objectives other than a mean: the best of k, a quantile and the CVaR, exact for every K.

Of K independent costs f(x) that rise with x = loc + scale z, z standard normal,

    E Σ_i w_i f_(i) = ∫ f(loc + scale z) φ(z) K Σ_i w_i C(K−1, i−1) Φ^{i−1} (1 − Φ)^{K−i} dz

As with the Euler steps of `jumps`, the quantile and the CVaR have two truths: that of K draws,
which estimators aim at, and that of the law, from which the K draws are off by order 1/K.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal, OneHotCategorical

from benchmarks.objective.definition import Problem
from benchmarks.objective.truth import Truth
from benchmarks.problems import register
from estimators.multi_sample import BestOf, Quantile, TailMean

LOC, SCALE, LEVEL, SHARE, WIDE, BEST = 0.1, 0.5, 0.75, 0.25, 0.75, 2
LOGITS = [0.5, -0.5, 0.0, 1.0, 0.2]
ANSWERS = torch.tensor([0.7, 0.1, 0.9, 1.0, 0.4], dtype=torch.float64)  # the cost of each
NODES = 4001


def loss(x: Tensor, dist: Distribution) -> Tensor:
    """exp(x), which rises with x: a loss that is log-normal."""
    return x.exp()


def answer(x: Tensor, dist: Distribution) -> Tensor:
    """The cost of the chosen answer."""
    return x @ ANSWERS.to(x)


def of_draws(reduction: Callable) -> Callable[[int], Truth]:
    """The exact gradient of the mean objective of K draws, by the trapezoid rule over z."""

    def truth(count: int) -> Truth:
        z = torch.linspace(-12.0, 12.0, NODES, dtype=torch.float64)
        below = torch.special.log_ndtr(z), torch.special.log_ndtr(-z)
        mass = sum(
            weight
            * count
            * math.comb(count - 1, i)
            * (below[0] * i + below[1] * (count - 1 - i)).exp()
            for i, weight in enumerate(reduction.weights(count))
        )
        mass = mass * Normal(0.0, 1.0).log_prob(z).exp()
        slope = (LOC + SCALE * z).exp() * mass  # of loc; times z of scale
        gradient = torch.stack([torch.trapezoid(slope * part, z) for part in (z**0, z)])
        return Truth(gradient, torch.full_like(gradient, 1e-12), "quadrature")

    return truth


def of_the_law() -> dict[str, dict[str, float]]:
    """∇ of the quantile exp(loc + scale z_level), and of E[loss | loss above it] (the CVaR)."""
    z = float(torch.special.ndtri(torch.tensor(LEVEL, dtype=torch.float64)))
    at = math.exp(LOC + SCALE * z)
    phi = math.exp(-((z - SCALE) ** 2) / 2) / math.sqrt(2 * math.pi)
    mean = math.exp(LOC + SCALE**2 / 2)
    tail = mean * (1 + math.erf((SCALE - z) / math.sqrt(2))) / 2 / SHARE
    return {
        "quantile": {"loc": at, "scale": z * at},
        "cvar": {"loc": tail, "scale": SCALE * tail + mean * phi / SHARE},
    }


def log_normal(name: str, reduction: Callable, truth, summary: str) -> None:
    """Register an objective of a log-normal loss."""

    @register(name)
    def build() -> Problem:
        at = {"loc": LOC, "scale": SCALE}
        return Problem(
            name,
            {key: torch.tensor(value, dtype=torch.float64) for key, value in at.items()},
            Normal,
            loss,
            truth,
            summary=summary,
            reduction=reduction,
        )


def doubles(values: dict[str, float]) -> dict[str, Tensor]:
    """Numbers as tensors in float64, by name."""
    return {key: torch.tensor(value, dtype=torch.float64) for key, value in values.items()}


for _name, _reduction, _said in (
    ("quantile", Quantile(LEVEL), "the 0.75 quantile of a log-normal loss"),
    ("cvar", TailMean(SHARE), "the mean of the worst quarter of a log-normal loss (CVaR)"),
):
    log_normal(f"{_name}-loss", _reduction, of_draws(_reduction), f"{_said}, of K draws")
    log_normal(
        f"{_name}-loss-limit", _reduction, doubles(of_the_law()[_name]),
        f"{_said}, against that of the law: every estimator has the bias of K draws",
    )  # fmt: skip


log_normal(
    "cvar-loss-wide", TailMean(WIDE), of_draws(TailMean(WIDE)),
    "the mean of the worst three quarters of a log-normal loss, of K draws",
)  # fmt: skip


def best_answer() -> Tensor:
    """∇ E min of k answers: Σ_j (c_j − c_{j−1}) P(cost ≥ c_j)^k over the sorted costs."""
    logits = torch.tensor(LOGITS, dtype=torch.float64, requires_grad=True)
    cost, order = ANSWERS.sort()
    above = logits.softmax(-1)[order].flip(0).cumsum(0).flip(0)  # P(cost ≥ c_j)
    mean = cost[0] + (cost.diff() * above[1:] ** BEST).sum()
    return torch.autograd.grad(mean, logits)[0]


@register("best-of-two")
def best_of_two() -> Problem:
    """The better of two answers out of five; more than two draws average over all pairs."""
    return Problem(
        "best-of-two",
        {"logits": torch.tensor(LOGITS, dtype=torch.float64)},
        lambda logits: OneHotCategorical(logits=logits),
        answer,
        {"logits": best_answer()},
        summary="the better of two answers out of five (max@k), by K ≥ 2 draws",
        reduction=BestOf(BEST),
    )
