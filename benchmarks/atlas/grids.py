"""The problems on the grids of the maps, each with its gradient in closed form or enumerated."""

import math

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Gamma, Independent, Normal

from benchmarks.objective.definition import Problem
from estimators.distributions import ConditionalBernoulli, PlackettLuce

ITEMS = 10


def spread(count: int) -> Tensor:
    """Numbers of mean zero and variance one, in no order: [count]; one alone is 1."""
    if count == 1:
        return torch.ones(1, dtype=torch.float64)
    numbers = torch.arange(1, count + 1, dtype=torch.float64).mul(2.4).sin()
    return (numbers - numbers.mean()) / numbers.std()


def waves(d: int, frequency: float) -> Problem:
    """cos(ω u·x) of x ~ N(u, 1) in d dimensions, u of length one: the same law of u·x in each d.

    E = cos(ω u·loc) exp(−ω² Σ u² scale² / 2), which is differentiated.
    """
    along = torch.full((d,), d**-0.5, dtype=torch.float64)
    values = {"loc": along.clone(), "scale": torch.ones(d, dtype=torch.float64)}

    def mean(loc: Tensor, scale: Tensor) -> Tensor:
        damped = (-(frequency**2) * (along * scale).square().sum() / 2).exp()
        return (frequency * (along * loc).sum()).cos() * damped

    return Problem(
        f"atlas-dimension[d={d},frequency={frequency:g}]",
        values,
        lambda loc, scale: Independent(Normal(loc, scale), 1),
        lambda x: (frequency * (x * along.to(x)).sum(-1)).cos(),
        _gradient(mean, values),
    )


def bits(d: int, logit: float) -> Problem:
    """(Σ w_i x_i / √d − 0.3)² of d bits with the same logit.

    E = (a·p − 0.3)² + Σ a² p (1 − p) with a = w / √d, which is differentiated.
    """
    weights = spread(d) / math.sqrt(d)
    values = {"logits": torch.full((d,), logit, dtype=torch.float64)}

    def mean(logits: Tensor) -> Tensor:
        p = logits.sigmoid()
        return ((weights * p).sum() - 0.3).square() + (weights.square() * p * (1 - p)).sum()

    return Problem(
        f"atlas-bits[d={d},logit={logit:g}]",
        values,
        lambda logits: Independent(Bernoulli(logits=logits), 1),
        lambda x: ((x * weights.to(x)).sum(-1) - 0.3).square(),
        _gradient(mean, values),
    )


def gamma(concentration: float, frequency: float) -> Problem:
    """cos(t x) of a Gamma with rate one, t = ω / concentration.

    E = (1 + t²/rate²)^(−concentration/2) cos(concentration · atan(t/rate)), the real part of its
    characteristic function, which is differentiated.
    """
    t = torch.tensor(frequency / concentration, dtype=torch.float64)
    values = {"concentration": torch.tensor(concentration, dtype=torch.float64)}
    values["rate"] = torch.ones((), dtype=torch.float64)

    def mean(concentration: Tensor, rate: Tensor) -> Tensor:
        length = (1 + (t / rate).square()).pow(-concentration / 2)
        return length * (concentration * (t / rate).atan()).cos()

    return Problem(
        f"atlas-concentration[concentration={concentration:g},frequency={frequency:g}]",
        values,
        Gamma,
        lambda x: (t.to(x) * x).cos(),
        _gradient(mean, values),
    )


def chosen(k: int, sharpness: float) -> Problem:
    """(Σ w_i x_i − 0.3)² of k out of ten items whose logits have deviation `sharpness`."""
    weights = spread(ITEMS).flip(0)
    return Problem(
        f"atlas-k[k={k},sharpness={sharpness:g}]",
        {"logits": sharpness * spread(ITEMS)},
        lambda logits: ConditionalBernoulli(k, logits),
        lambda x: (x @ weights.to(x) - 0.3).square(),
    )


class Gain:
    """The discounted cumulative gain of a ranking, negative, and what each place adds to it."""

    def __init__(self, count: int):
        self.relevance = spread(count).flip(0).exp()

    def __call__(self, x: Tensor, dist: PlackettLuce) -> Tensor:
        return self.terms(x, dist).sum(-1)

    def terms(self, x: Tensor, dist: PlackettLuce) -> Tensor:
        """−relevance / log2(1 + place) of the item at each place: [K, *B, n]."""
        place = torch.arange(2, x.shape[-1] + 2).to(self.relevance)
        return -self.relevance[x.long()] / place.log2()


def ranked(sharpness: float, n: int) -> Problem:
    """The gain of n items ordered by Plackett and Luce's law."""
    name = f"atlas-sharpness[sharpness={sharpness:g},n={n}]"
    return Problem(name, {"logits": sharpness * spread(n)}, PlackettLuce, Gain(n))


def _gradient(mean, values: dict[str, Tensor]) -> dict[str, Tensor]:
    """The derivative of a mean in closed form."""
    leaves = {name: value.clone().requires_grad_() for name, value in values.items()}
    found = torch.autograd.grad(mean(**leaves), list(leaves.values()))
    return dict(zip(leaves, found, strict=True))
