"""Planted distributions: samplers and densities that do not belong together, and right ones."""

import math
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor
from torch.distributions import Distribution, Gamma, Independent, Normal, constraints

from benchmarks.calibration.attacks.trials import Attack
from benchmarks.objective.definition import Problem

ONE = (1_000,)  # R: what is refused is refused before anything is measured


class Law(Normal):
    """A normal distribution whose pieces subclasses change."""

    def rsample(self, sample_shape=()):
        return self.drawn(super().rsample(torch.Size(sample_shape)))

    def sample(self, sample_shape=()):
        with torch.no_grad():
            return self.rsample(sample_shape)

    def drawn(self, x: Tensor) -> Tensor:
        """What is made of a right sample."""
        return x


def sampler(change: Callable[["Law", Tensor], Tensor]) -> type[Law]:
    """A law whose samples are changed and whose density is not."""
    return type("Planted", (Law,), {"drawn": change})


def density(change: Callable[["Law", Tensor], Tensor]) -> type[Law]:
    """A law whose log-density has something added to it, and whose samples are right."""

    def log_prob(self, value):
        return Normal.log_prob(self, value) + change(self, value)

    return type("Planted", (Law,), {"log_prob": log_prob})


SAMPLERS = {
    "5 % too wide": lambda law, x: law.loc + 1.05 * (x - law.loc),
    "5 % too narrow": lambda law, x: law.loc + 0.95 * (x - law.loc),
    "shifted by 0.05 σ": lambda law, x: x + 0.05 * law.scale,
    "detached from the scale": lambda law, x: law.loc + (x - law.loc).detach(),
    "on a grid": lambda law, x: (x * 4).round() / 4 + x - x.detach(),
    "cut at 2 σ": lambda law, x: law.loc + (x - law.loc).clamp(-2 * law.scale, 2 * law.scale),
    "skewed": lambda law, x: x + 0.05 * ((x - law.loc).square() / law.scale - law.scale),
}
DENSITIES = {
    "a factor in λ": lambda law, x: 0.3 * law.loc + 0 * x,
    "a factor in x": lambda law, x: 0.2 * x,
    "without its normaliser": lambda law, x: law.scale.log() + 0 * x,
    "of another scale": lambda law, x: (
        Normal(law.loc, 1.05 * law.scale).log_prob(x) - Normal(law.loc, law.scale).log_prob(x)
    ),
    "with detached parameters": lambda law, x: (
        Normal(law.loc.detach(), law.scale.detach()).log_prob(x)
        - Normal(law.loc, law.scale).log_prob(x)
    ),
}


class Squashed(Distribution):
    """tanh of normals in two dimensions, with or without the Jacobian in its density."""

    arg_constraints, has_rsample = {}, True
    support = constraints.independent(constraints.real, 1)
    jacobian = 0.0  # how much of it the density has

    def __init__(self, loc: Tensor, scale: Tensor):
        self.loc, self.scale = loc, scale
        super().__init__(loc.shape[:-1], loc.shape[-1:], validate_args=False)

    def rsample(self, sample_shape=()):
        shape = torch.Size(sample_shape) + self.loc.shape
        return (self.loc + self.scale * torch.randn(shape, dtype=self.loc.dtype)).tanh()

    def log_prob(self, value):
        z = value.clamp(-1 + 1e-12, 1 - 1e-12).atanh()
        each = Normal(self.loc, self.scale).log_prob(z)
        return (each - self.jacobian * (1 - value.square()).clamp_min(1e-24).log()).sum(-1)


class SquashedWhole(Squashed):
    """The same, with its Jacobian: right."""

    jacobian = 1.0


class RateForScale(Gamma):
    """A gamma distribution whose sampler takes the rate for a scale."""

    def rsample(self, sample_shape=()):
        return super().rsample(torch.Size(sample_shape)) * self.rate.square()


def _problem(family: Callable[..., Distribution], name: str) -> Problem:
    parameters = {"loc": torch.tensor(0.4), "scale": torch.tensor(1.3)}
    return Problem(f"attack-{name}", parameters, family, lambda x: (x - 1).square())


def _pairs(family: Callable[..., Distribution], name: str) -> Problem:
    """Two coordinates, each with the planted law."""
    parameters = {"loc": torch.tensor([0.4, -0.2]), "scale": torch.tensor([1.3, 0.7])}

    def both(loc: Tensor, scale: Tensor) -> Distribution:
        return Independent(family(loc, scale), 1)

    return Problem(f"attack-{name}-2d", parameters, both, lambda x: (x - 1).square().sum(-1))


def _squashed(family: type[Squashed]) -> Problem:
    parameters = {"loc": torch.tensor([0.2, -0.4]), "scale": torch.tensor([0.6, 1.0])}
    return Problem(f"attack-{family.__name__.lower()}", parameters, family,
                   lambda x: (x - 0.5).square().sum(-1))  # fmt: skip


def attacks() -> Iterator[Attack]:
    """Samplers and densities, in one dimension and in two; the right ones among them."""
    plant = partial(Attack, "samplers and densities", budgets=ONE, named=True)
    for kind, planted, made in (("sampler", SAMPLERS, sampler), ("density", DENSITIES, density)):
        for name, change in planted.items():
            family = made(change)
            estimator = "pathwise" if kind == "sampler" else "reinforce-loo"
            for build, where in ((_problem, ""), (_pairs, ", twice")):
                yield plant(f"{kind} {name}{where}", partial(build, family, f"{kind}-{name}"),
                            estimator, samples=2)  # fmt: skip
    gamma = {"concentration": torch.tensor(2.0), "rate": torch.tensor(3.0)}
    yield plant("a rate taken for a scale",
                lambda: Problem("attack-rate", gamma, RateForScale, lambda x: x.square()),
                "pathwise")  # fmt: skip
    yield plant("no Jacobian in two dimensions", partial(_squashed, Squashed), "reinforce-loo",
                samples=2)  # fmt: skip
    right = partial(Attack, "samplers and densities", budgets=(2_000,))
    yield right("right, with its Jacobian", partial(_squashed, SquashedWhole), "pathwise")
    yield right("right, a subclass that changes nothing",
                partial(_problem, sampler(lambda law, x: x), "same"), "pathwise")  # fmt: skip
    yield right("right, another way to write a density",
                partial(_problem, density(lambda law, x: 0 * x + math.log(1.0)), "other"),
                "reinforce")  # fmt: skip
