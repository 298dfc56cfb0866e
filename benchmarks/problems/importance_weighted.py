"""The importance-weighted bound of two small latent-variable models, exact for every K.

For iid weights w = e^−f and S = Σ_k w_k, Frullani's integral under the expectation gives

    E log S = ∫₀^∞ (e^−t − φ(t)^K) / t dt,   φ(t) = E e^−tw, a sum or an integral over one draw.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent, Normal

from benchmarks.objective.definition import Problem
from benchmarks.objective.truth import Truth
from benchmarks.problems import register
from estimators import capabilities, evaluate
from estimators.multi_sample import importance_weighted

SEEN = 1.5  # the observation of the Gaussian model
PULL = torch.tensor([1.0, -0.6, 0.4], dtype=torch.float64)  # of the latent bits on theirs
NODES = 2001  # of the trapezoid rule over log t; every second one gives its error


def gaussian_cost(z: Tensor, q: Distribution) -> Tensor:
    """log q(z) − log p(x, z),   z ~ N(0, 1), x ~ N(z, 1)."""
    log_joint = Normal(0.0, 1.0).log_prob(z) + Normal(z, 1.0).log_prob(z.new_tensor(SEEN))
    return q.log_prob(z) - log_joint


def bits_cost(z: Tensor, q: Distribution) -> Tensor:
    """log q(z) − log p(x, z),   three fair bits z, x ~ N(Σ pull · z, ½²) seen at 1."""
    seen = Normal((z * PULL.to(z)).sum(-1), 0.5).log_prob(z.new_ones(()))
    return q.log_prob(z) + z.shape[-1] * math.log(2) - seen


def exact(problem: Problem, points: Tensor, log_weight: float, samples: int) -> Truth:
    """The gradient of E L for K = `samples`, from nodes [N, *E] of one draw, equally weighted."""
    leaves = {k: v.detach().clone().requires_grad_() for k, v in problem.parameters.items()}
    q = problem.family(**leaves)
    mass = (q.log_prob(points) + log_weight).exp()  # [N]
    s = torch.linspace(-40.0, 60.0, NODES, dtype=torch.float64)  # log t
    decayed = (-(s.unsqueeze(-1) - evaluate(problem.cost, points, q)).exp()).exp()  # e^−tw [T, N]
    integrand = (-s.exp()).exp() - (decayed @ mass) ** samples
    fine, coarse = (
        torch.autograd.grad(
            -integrand[::n].sum() * n * (s[1] - s[0]), list(leaves.values()), retain_graph=True
        )
        for n in (1, 2)
    )
    gradient, other = (torch.cat([g.flatten() for g in found]) for found in (fine, coarse))
    return Truth(gradient, (gradient - other).abs(), "quadrature")


def bound(
    name: str,
    summary: str,
    family: Callable,
    values: dict,
    cost: Callable,
    nodes: Callable,
    footprint: int | None = None,
    replicates: int = 10_000,
):
    """Register the bound of a model; `nodes` gives the points of one draw and their log weight."""

    @register(name, replicates=replicates)
    def build() -> Problem:
        parameters = {k: torch.tensor(v, dtype=torch.float64) for k, v in values.items()}
        problem = Problem(name, parameters, family, cost)
        return replace(
            problem,
            truth=lambda samples: exact(problem, *nodes(problem.dist()), samples),
            reduction=importance_weighted,
            summary=summary,
            footprint=footprint,
        )


def on_a_line(q: Normal) -> tuple[Tensor, float]:
    """Nodes of the trapezoid rule over twelve scales to both sides."""
    reach = torch.linspace(-12.0, 12.0, 801, dtype=torch.float64)
    return q.loc + q.scale * reach, float((q.scale * (reach[1] - reach[0])).log())


bound(
    "importance-weighted-normal",
    "IWAE bound of a Gaussian model, K draws",
    Normal,
    {"loc": 0.3, "scale": 0.9},
    gaussian_cost,
    on_a_line,
)
bound(
    "importance-weighted-bits",
    "IWAE bound of a model with three latent bits, K draws",
    lambda logits: Independent(Bernoulli(logits=logits), 1),
    {"logits": [0.4, -0.3, 0.1]},
    bits_cost,
    lambda q: (capabilities.support_table(q), 0.0),
    footprint=256,  # four draws have 4096 outcomes, all of which some estimators hold
    replicates=2_000,
)
