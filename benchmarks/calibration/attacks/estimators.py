"""Planted estimators: pathwise with its gradient changed, and slips that people make."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent, Normal

from benchmarks.calibration.attacks.trials import Attack
from benchmarks.objective.definition import Problem
from estimators import Estimator, create, evaluate

SMALL = (500, 5_000)  # R where there are thousands of parameters


@dataclass(frozen=True)
class Changed(Estimator):
    """A surrogate of `base` that `change(surrogate, dist)` has been at."""

    base: str = "pathwise"
    change: Callable[[Tensor, Distribution], Tensor] = lambda surrogate, dist: surrogate
    unbiased = True  # as its author believes

    def surrogate(self, dist, cost, samples=1):
        return self.change(create(self.base).surrogate(dist, cost, samples), dist)


def quadratic(parameters: int, noise: float = 0.5, constant: float = 0.0) -> Problem:
    """x ~ N(loc, noise²) of P coordinates, f = ‖x‖² + constant: g = 2 loc, largest first."""
    loc = torch.linspace(1.0, 0.1, parameters, dtype=torch.float64)
    return Problem(
        f"attack-quadratic-{parameters}-{noise:g}-{constant:g}",
        {"loc": loc},
        lambda loc: Independent(Normal(loc, noise), 1),
        lambda x: x.square().sum(-1) + constant,
        truth={"loc": 2 * loc},
    )


def bernoulli(logit: float, target: float = 0.45) -> Problem:
    """b ~ Bernoulli(σ(logit)), f = (b − target)²."""
    return Problem(
        f"attack-bernoulli-{logit:g}-{target:g}",
        {"logits": torch.tensor(logit, dtype=torch.float64)},
        lambda logits: Bernoulli(logits=logits),
        lambda x: (x - target).square(),
    )


def times(factor: Callable[[Distribution], Tensor] | float) -> Callable:
    """The gradient times a factor, the value as it was."""

    def change(surrogate: Tensor, dist: Distribution) -> Tensor:
        by = factor(dist) if callable(factor) else factor
        return surrogate.detach() + by * (surrogate - surrogate.detach())

    return change


def plus(vector: Callable[[Tensor], Tensor]) -> Callable:
    """The gradient plus vector(loc), [R, P]."""

    def change(surrogate: Tensor, dist: Distribution) -> Tensor:
        loc = dist.base_dist.loc
        added = (vector(loc.detach()) * loc).sum(-1)
        return surrogate + added - added.detach()

    return change


def along(share: float) -> Callable[[Tensor], Tensor]:
    """A share of g, along it."""
    return lambda loc: share * 2 * loc


def dense(share: float) -> Callable[[Tensor], Tensor]:
    """A share of ‖g‖ spread over all coordinates, half up and half down, made orthogonal to g."""

    def vector(loc: Tensor) -> Tensor:
        signs = torch.ones_like(loc)
        signs[..., ::2] = -1
        signs = (
            signs - (signs * loc).sum(-1, keepdim=True) / loc.square().sum(-1, keepdim=True) * loc
        )
        return share * 2 * loc.norm(dim=-1, keepdim=True) * signs / signs.norm(dim=-1, keepdim=True)

    return vector


def last(share: float) -> Callable[[Tensor], Tensor]:
    """A share of ‖g‖ in the last coordinate alone."""

    def vector(loc: Tensor) -> Tensor:
        one = torch.zeros_like(loc)
        one[..., -1] = share * 2 * loc.norm(dim=-1)
        return one

    return vector


def dropped(loc: Tensor) -> Tensor:
    """Minus the first coordinate of g."""
    one = torch.zeros_like(loc)
    one[..., 0] = -2 * loc[..., 0]
    return one


def pareto(dist: Distribution, index: float) -> Tensor:
    """A weight of mean 1 for each replicate, with infinite variance where the index is below 2."""
    u = torch.rand(dist.batch_shape, dtype=torch.float64).clamp_min(1e-12)
    return u ** (-1 / index) * (index - 1) / index


def log_normal(dist: Distribution, sigma: float) -> Tensor:
    """A log-normal weight of mean 1 for each replicate."""
    z = torch.randn(dist.batch_shape, dtype=torch.float64)
    return (sigma * z - sigma**2 / 2).exp()


def spike(dist: Distribution, chance: float) -> Tensor:
    """1 / chance with that chance, else 0: mean 1."""
    hit = torch.rand(dist.batch_shape, dtype=torch.float64) < chance
    return hit / chance


def student(loc: Tensor, df: float) -> Tensor:
    """Noise of mean 0 with df degrees of freedom."""
    shape = loc.shape
    chi2 = torch.randn((*shape, int(df)), dtype=torch.float64).square().sum(-1) / df
    return torch.randn(shape, dtype=torch.float64) / chi2.sqrt()


@dataclass(frozen=True)
class OwnMean(Estimator):
    """REINFORCE whose baseline is the mean cost of its K samples, its own among them."""

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        x = dist.sample((samples,))
        f = evaluate(cost, x, dist).detach()
        return ((f - f.mean(0)) * dist.log_prob(x)).mean(0)


@dataclass(frozen=True)
class BatchMean(Estimator):
    """REINFORCE whose baseline is the mean over everything that comes in one call."""

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        x = dist.sample((samples,))
        f = evaluate(cost, x, dist).detach()
        return ((f - f.mean()) * dist.log_prob(x)).mean(0)


@dataclass(frozen=True)
class Whitened(Estimator):
    """REINFORCE with advantages that have one scale over everything in one call."""

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        x = dist.sample((samples,))
        f = evaluate(cost, x, dist).detach()
        return ((f - f.mean()) / (f.std(correction=0) + 1e-8) * dist.log_prob(x)).mean(0)


@dataclass(frozen=True)
class Scalar(Estimator):
    """Pathwise averaged over the batch, as a loss often is."""

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        return create("pathwise").surrogate(dist, cost, samples).mean()


@dataclass(frozen=True)
class SelfSeeded(Estimator):
    """Pathwise that seeds its own noise: every call draws the same."""

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        own = torch.Generator().manual_seed(7)
        loc = dist.base_dist.loc
        noise = torch.randn((samples, *loc.shape), generator=own, dtype=loc.dtype)
        return evaluate(cost, loc + dist.base_dist.scale * noise, dist).mean(0)


@dataclass(frozen=True)
class Clipped(Estimator):
    """Pathwise with the gradient of each replicate clipped to a norm."""

    norm: float = 1.0
    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        s = create("pathwise").surrogate(dist, cost, samples)
        (g,) = torch.autograd.grad(s.sum(), dist.base_dist.loc, retain_graph=True)
        by = (self.norm / g.norm(dim=-1)).clamp_max(1.0)
        return s.detach() + by * (s - s.detach())


def attacks() -> Iterator[Attack]:
    """Estimators that are off along g, across it, in one or in all coordinates; and right ones."""
    plant = partial(Attack, "estimators")
    for count, budgets in ((1, (2_000, 20_000)), (10, (2_000, 20_000)), (1_000, SMALL)):
        problem = partial(quadratic, count)
        for c in (0.25, 0.94, 1.06, 2.0):
            yield plant(f"× {c:g}, P = {count}", problem, Changed(change=times(c)),
                        abs(c - 1), 0.0, budgets=budgets)  # fmt: skip
        yield plant(f"right, P = {count}", problem, Changed(), budgets=budgets)
        yield plant(f"turned back, P = {count}", problem, Changed(change=times(-1.0)), 2.0, 1.0,
                    budgets=budgets)  # fmt: skip
        if count > 1:
            for share in (0.06, 0.08, 0.3):
                yield plant(f"{share:.0%} dense, P = {count}", problem,
                            Changed(change=plus(dense(share))), share, share / math.hypot(1, share),
                            budgets=budgets)  # fmt: skip
            yield plant(f"8 % in one coordinate, P = {count}", problem,
                        Changed(change=plus(last(0.08))), 0.08, 0.07, budgets=budgets)  # fmt: skip
    yield plant(
        "first of two dropped", partial(quadratic, 2), Changed(change=plus(dropped)), 0.9, 0.9
    )
    yield plant("8 % of 1,000 quiet coordinates", partial(quadratic, 1_000, 1e-3),
                Changed(change=plus(dense(0.08))), 0.08, 0.0797, budgets=SMALL)  # fmt: skip
    yield plant("quiet and right", partial(quadratic, 1_000, 1e-3), Changed(), budgets=SMALL)
    yield from _tails(plant)
    yield from _constants(plant)
    yield from _slips(plant)


def _tails(plant: Callable[..., Attack]) -> Iterator[Attack]:
    """Weights and noise with heavy tails: right in the mean, or 10 % off beside."""
    weights = {
        "Pareto 1.2": partial(pareto, index=1.2),
        "Pareto 1.6": partial(pareto, index=1.6),
        "log-normal σ = 2": partial(log_normal, sigma=2.0),
        "log-normal σ = 4": partial(log_normal, sigma=4.0),
        "spikes of 1 in 100": partial(spike, chance=1e-2),
        "spikes of 1 in 3,000": partial(spike, chance=1 / 3_000),
    }
    for name, weight in weights.items():
        for count in (1, 10):
            yield plant(f"weights, {name}, P = {count}", partial(quadratic, count),
                        Changed(change=times(weight)))  # fmt: skip
        yield plant(f"10 % too long, {name}", partial(quadratic, 10),
                    Changed(change=times(lambda dist, w=weight: 1.1 * w(dist))), 0.1)  # fmt: skip
    for df in (2, 3):
        noise = partial(student, df=df)
        yield plant(f"noise, Student t with {df}", partial(quadratic, 10),
                    Changed(change=plus(noise)))  # fmt: skip


def _constants(plant: Callable[..., Attack]) -> Iterator[Attack]:
    """Large constants in the cost, gradients that drown in noise, and exact gradients."""
    twice = Changed(base="reinforce", change=times(2.0))
    for constant in (1e2, 1e4):
        problem = partial(quadratic, 2, 0.5, constant)
        yield plant(f"reinforce, cost + {constant:g}", problem, "reinforce")
        yield plant(f"reinforce × 2, cost + {constant:g}", problem, twice, 1.0)
    for logit in (-2.0, 0.0, 4.0):
        problem = partial(bernoulli, logit)
        yield plant(f"enumeration × 1.06, logit {logit:g}", problem,
                    Changed(base="enumeration", change=times(1.06)), 0.06)  # fmt: skip
        yield plant(f"enumeration, logit {logit:g}", problem, "enumeration")
        for name in ("reinforce", "disarm", "reinforce-loo"):
            yield plant(f"{name}, logit {logit:g}", problem, name, samples=2)
    yield plant("straight-through, quadratic, logit −2", partial(bernoulli, -2.0),
                "straight-through", 7.6, 1.0)  # fmt: skip
    yield plant("Gumbel-softmax τ = 0.5, logit 0", partial(bernoulli, 0.0),
                create("gumbel-softmax", temperature=0.5), 0.1416)  # fmt: skip


def _slips(plant: Callable[..., Attack]) -> Iterator[Attack]:
    """What people write by mistake."""
    problem = partial(quadratic, 2)
    yield plant("baseline sees its own sample, K = 4", problem, OwnMean(), 0.25, samples=4)
    yield plant("baseline over the batch", problem, BatchMean(), named=True)
    yield plant("advantages whitened over the batch", problem, Whitened(), named=True)
    yield plant("a surrogate averaged over the batch", problem, Scalar(), named=True)
    yield plant("noise of its own seed", problem, SelfSeeded(), named=True)
    yield plant("clipped gradients", problem, Clipped(), 0.5)
