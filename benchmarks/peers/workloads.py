"""The workloads of the speed comparison: the suite's problem, and the same by hand in torch."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Gamma, Independent, Normal, OneHotCategorical

from benchmarks.objective.costs import quadratic
from benchmarks.objective.definition import Problem
from benchmarks.problems import load

Loss = Callable[[dict[str, Tensor]], Tensor]
NUMBERS, CLASSES = 0.5, torch.linspace(0.0, 1.0, 10)  # the centres of the quadratic costs


@dataclass(frozen=True)
class Workload:
    """One estimator on one problem, and the same loss written by hand."""

    name: str
    problem: Problem
    estimator: str
    samples: int
    loss: Loss  # λ (or weights) → the surrogate loss of one estimate, as a user would write it
    noise: Callable[[int], Tensor]  # the random numbers of R estimates, drawn and nothing more


def workloads() -> list[Workload]:
    """W1 (normal), W2 (categorical), W3 (gamma) and W4 (VAE encoder), in float32."""
    classes = Problem(
        "one-hot-20x10", {"logits": torch.linspace(-1, 1, 200).reshape(20, 10)},
        lambda logits: Independent(OneHotCategorical(logits=logits), 1), quadratic(CLASSES), None,
    )  # fmt: skip
    gamma = Problem(
        "gamma-10",
        {"concentration": torch.linspace(0.5, 5, 10), "rate": torch.ones(10)},
        lambda concentration, rate: Independent(Gamma(concentration, rate), 1),
        quadratic(NUMBERS),
        None,
    )
    vae = load("vae-digits-weights").to("cpu", torch.float32)
    return [
        *normals(10),
        *normals(1000),
        Workload("one-hot-20x10 loo K=16", classes, "reinforce-loo", 16,
                 _by_hand_score(_classes_dist, 16), _uniforms(16 * 200)),
        Workload("one-hot-20x10 gumbel-softmax K=1", classes, "gumbel-softmax", 1,
                 _by_hand_gumbel, _uniforms(200)),
        Workload("gamma-10 implicit K=1", gamma, "implicit", 1, _by_hand_gamma, _gammas),
        Workload("vae weights pathwise K=1", vae, "pathwise", 1, _by_hand_vae(vae),
                 _normals(vae.parameters["loc"].numel())),
    ]  # fmt: skip


def normals(size: int) -> list[Workload]:
    """W1 in that many dimensions: pathwise, REINFORCE and leave-one-out."""
    problem = Problem(
        f"normal-{size}",
        {"loc": torch.linspace(-1, 1, size), "scale": torch.linspace(0.5, 1.5, size)},
        lambda loc, scale: Independent(Normal(loc, scale), 1),
        quadratic(NUMBERS),
        None,
    )
    return [
        Workload(f"normal-{size} pathwise K=1", problem, "pathwise", 1,
                 _by_hand_normal, _normals(size)),
        Workload(f"normal-{size} reinforce K=1", problem, "reinforce", 1,
                 _by_hand_score(_normal_dist, 1), _normals(size)),
        Workload(f"normal-{size} loo K=16", problem, "reinforce-loo", 16,
                 _by_hand_score(_normal_dist, 16), _normals(16 * size)),
    ]  # fmt: skip


def centre(w: Workload) -> Tensor | float:
    """Where the workload's quadratic cost is least: another place for each class."""
    return CLASSES if "logits" in w.problem.parameters else NUMBERS


def _normal_dist(p):
    return Independent(Normal(p["loc"], p["scale"], validate_args=False), 1, validate_args=False)


def _gamma_dist(p):
    gamma = Gamma(p["concentration"], p["rate"], validate_args=False)
    return Independent(gamma, 1, validate_args=False)


def _classes_dist(p):
    classes = OneHotCategorical(logits=p["logits"], validate_args=False)
    return Independent(classes, 1, validate_args=False)


def _squares(x: Tensor, centre: Tensor | float) -> Tensor:
    return (x - centre).square().flatten(1).sum(-1)


def _by_hand_gamma(p):
    return _squares(_gamma_dist(p).rsample((1,)), NUMBERS).mean()


def _by_hand_normal(p):
    x = p["loc"] + p["scale"] * torch.randn_like(p["loc"])
    return (x - NUMBERS).square().sum()


def _by_hand_score(dist, samples: int) -> Loss:
    def loss(p):
        q = dist(p)
        x = q.sample((samples,))
        f = _squares(x, CLASSES if "logits" in p else NUMBERS)
        b = (f.sum() - f) / (samples - 1) if samples > 1 else 0.0
        return ((f - b).detach() * q.log_prob(x)).mean()

    return loss


def _by_hand_gumbel(p):
    gumbels = -torch.empty_like(p["logits"]).exponential_().log()
    x = ((p["logits"] + gumbels) / 0.5).softmax(-1)
    return _squares(x[None], CLASSES).mean()


def _by_hand_vae(problem: Problem) -> Loss:
    def loss(weights):
        q = problem.network(**weights)
        loc, scale = q["loc"], q["log_scale"].exp()
        z = loc + scale * torch.randn_like(loc)
        dist = Independent(Normal(loc, scale, validate_args=False), 1, validate_args=False)
        return problem.cost(z[None], dist).sum()

    return loss


def _normals(numbers: int):
    return lambda replicates: torch.randn(replicates * numbers)


def _uniforms(numbers: int):
    return lambda replicates: torch.rand(replicates * numbers)


def _gammas(replicates: int) -> Tensor:
    return torch._standard_gamma(torch.linspace(0.5, 5, 10).expand(replicates, 10))
