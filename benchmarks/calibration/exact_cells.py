"""Cells whose variance is known exactly: from moments over nodes, independent of any estimator.

A univariate distribution is nodes with weights; REINFORCE, leave-one-out, straight-through and
pathwise have closed variances over them. D independent elements have D times the variance.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Bernoulli, Exponential, LogNormal, Normal, StudentT

from benchmarks.objective import costs
from benchmarks.objective.definition import Problem
from benchmarks.objective.truth import Truth
from estimators import Estimator, create

HERMITE = 200  # nodes over Gaussian noise


@dataclass(frozen=True, eq=False)
class ExactCell:
    """A cell with its exact trace of the covariance, and its exact gradient."""

    problem: Problem
    estimator: Estimator
    samples: int
    variance: float

    @cached_property
    def truth(self) -> Truth:
        """The mean of the estimator, which is the gradient unless it is biased."""
        gradient = torch.cat([g.flatten() for g in self.problem.truth.values()])
        return Truth(gradient, torch.zeros_like(gradient), "closed form")

    @property
    def name(self) -> str:
        """Problem, estimator, K and P as one text."""
        count = len(self.truth.gradient)
        return f"{self.problem.name} · {self.estimator} · K={self.samples} · P={count}"


def every_cell() -> list[ExactCell]:
    """Every cell of the calibration; 1 to 1000 parameters, K from 1 to 16."""
    return [*_normal_quadratics(), *_normal_smooth(), *_bernoullis(), *_concretes(), *_skewed()]


def canary() -> ExactCell:
    """A Student-t with 3 degrees of freedom as gradient: its fourth moment is infinite."""
    parameters = {"scale": torch.ones((), dtype=torch.float64)}
    zero = {"scale": torch.zeros((), dtype=torch.float64)}

    def family(scale):
        return StudentT(torch.full_like(scale, 3.0), torch.zeros_like(scale), scale)

    problem = Problem("student-t3-linear", parameters, family, costs.linear(), zero)
    return ExactCell(problem, create("pathwise"), 1, 3.0)


def even_odds() -> ExactCell:
    """Two values with equal odds: s is constant, so that V̂ errs by O(1/R), never by O(1/√R)."""
    return bernoulli(0.0, 0.45, 1, "reinforce-loo", 2)


def rare_events(count: int) -> ExactCell:
    """`count` independent Bernoullis with p = 0.02, by REINFORCE."""
    return bernoulli(float(np.log(0.02 / 0.98)), 0.45, count, "reinforce", 1)


@dataclass(frozen=True)
class Nodes:
    """A univariate distribution: weights [N], costs f [N], scores and path gradients [N, p]."""

    weight: NDArray
    f: NDArray
    score: NDArray
    pathwise: NDArray

    def mean(self, values: NDArray) -> NDArray:
        """The expectation of values [N, ...]."""
        return np.tensordot(self.weight, values, 1)

    def reinforce(self, samples: int, baseline: float = 0.0) -> float:
        """The trace of K samples of (f − b) s."""
        return self._variance((self.f - baseline)[:, None] * self.score) / samples

    def leave_one_out(self, samples: int) -> float:
        """The trace of the leave-one-out estimator: the sample covariance of f and s."""
        f = self.f - self.mean(self.f)
        both = self.mean(np.square(f[:, None] * self.score))
        product = self.mean(f**2) * self.mean(self.score**2)
        gradient2 = np.square(self.mean(f[:, None] * self.score))
        k = samples
        return float((both - (k - 2) / (k - 1) * gradient2 + product / (k - 1)).sum()) / k

    def pathwise_variance(self, samples: int) -> float:
        """The trace of K samples of the pathwise gradient."""
        return self._variance(self.pathwise) / samples

    def variance(self, name: str, samples: int) -> float:
        """The trace of an estimator by name."""
        if name == "reinforce-mean":
            return self.reinforce(samples, float(self.mean(self.f)))
        if name == "reinforce-loo":
            return self.leave_one_out(samples)
        return self.reinforce(samples) if name == "reinforce" else self.pathwise_variance(samples)

    def estimator(self, name: str) -> Estimator:
        """The estimator by name, its baseline set to E f for "reinforce-mean"."""
        if name == "reinforce-mean":
            return create("reinforce", baseline=float(self.mean(self.f)))
        return create(name)

    def _variance(self, g: NDArray) -> float:
        return float((self.mean(g**2) - self.mean(g) ** 2).sum())


def gaussian_noise() -> tuple[NDArray, NDArray]:
    """Nodes ε and weights for expectations under N(0, 1)."""
    e, weight = np.polynomial.hermite_e.hermegauss(HERMITE)
    return e, weight / weight.sum()


def normal_nodes(f: Callable[[NDArray], NDArray], df: Callable[[NDArray], NDArray]) -> Nodes:
    """x = 1 + ε, with the gradients in loc and scale."""
    e, weight = gaussian_noise()
    x = 1 + e
    score = np.stack([e, e**2 - 1], 1)
    return Nodes(weight, f(x), score, np.stack([df(x), df(x) * e], 1))


def bernoulli_nodes(logits: float, target: float) -> Nodes:
    """b ∈ {0, 1} with cost (b − t)²; the "pathwise" gradient is straight-through's."""
    p = 1 / (1 + np.exp(-logits))
    b = np.array([0.0, 1.0])
    straight = 2 * (b - target)[:, None] * p * (1 - p)
    return Nodes(np.array([1 - p, p]), (b - target) ** 2, (b - p)[:, None], straight)


def concrete_nodes(logits: float, target: float, temperature: float) -> Nodes:
    """x = σ((φ + logistic noise) / τ), cost (x − t)², by the trapezoid rule over the noise."""
    noise = np.linspace(-60, 60, 400_001)
    weight = 0.25 / np.cosh(noise / 2) ** 2 * (noise[1] - noise[0])
    x = 1 / (1 + np.exp(-(logits + noise) / temperature))
    g = 2 * (x - target) * x * (1 - x) / temperature
    return Nodes(weight, (x - target) ** 2, np.zeros((len(x), 1)), g[:, None])


def _copied(
    name: str, family: Callable, values: dict, cost: Callable, gradient: NDArray, count: int,
    estimator: Estimator, samples: int, variance: float,
) -> ExactCell:  # fmt: skip
    """A cell of `count` independent copies of a univariate distribution."""

    def copies(value: float) -> Tensor:
        return torch.full((count,) if count > 1 else (), float(value), dtype=torch.float64)

    truth = {key: copies(g) for key, g in zip(values, gradient, strict=True)}
    parameters = {key: copies(value) for key, value in values.items()}
    problem = Problem(name, parameters, family, cost, truth)
    return ExactCell(problem, estimator, samples, count * variance)


def _normal(
    name: str, cost: Callable, nodes: Nodes, estimator: str, samples: int, count: int
) -> ExactCell:
    return _copied(
        name, Normal, {"loc": 1.0, "scale": 1.0}, cost, nodes.mean(nodes.pathwise), count,
        nodes.estimator(estimator), samples, nodes.variance(estimator, samples),
    )  # fmt: skip


def normal_quadratic(k: float, estimator: str, samples: int = 1, count: int = 1) -> ExactCell:
    """Cost (x − k)² under `count` N(1, 1)."""
    nodes = normal_nodes(lambda x: (x - k) ** 2, lambda x: 2 * (x - k))
    name = f"normal-quadratic(k={k:g})"
    return _normal(name, costs.quadratic(k), nodes, estimator, samples, count)


def _normal_quadratics() -> Iterator[ExactCell]:
    for k in (-3.0, 0.0, 3.0):
        for estimator in ("reinforce", "reinforce-mean", "pathwise"):
            for samples in (1, 16):
                yield normal_quadratic(k, estimator, samples)
        for samples in (2, 16):
            yield normal_quadratic(k, "reinforce-loo", samples)
    yield normal_quadratic(0.0, "reinforce", 1, 5)
    yield normal_quadratic(0.0, "reinforce-loo", 4, 5)
    yield normal_quadratic(3.0, "reinforce-mean", 1, 50)
    for count in (5, 50, 500):
        yield normal_quadratic(3.0, "pathwise", 1, count)


def _normal_smooth() -> Iterator[ExactCell]:
    for k in (0.1, 1.0, 10.0):
        nodes = normal_nodes(
            lambda x, k=k: np.exp(-k * x**2), lambda x, k=k: -2 * k * x * np.exp(-k * x**2)
        )
        for estimator in ("reinforce", "pathwise"):
            name = f"normal-exp-quadratic(k={k:g})"
            yield _normal(name, costs.exp_quadratic(k), nodes, estimator, 1, 1)
    for k in (0.5, 2.0, 5.0):
        nodes = normal_nodes(lambda x, k=k: np.cos(k * x), lambda x, k=k: -k * np.sin(k * x))
        for estimator in ("reinforce", "pathwise"):
            for count in (1, 50) if k == 2.0 else (1,):
                yield _normal(
                    f"normal-cosine(k={k:g})", costs.cosine(k), nodes, estimator, 1, count
                )


def bernoulli(logits: float, target: float, count: int, estimator: str, samples: int) -> ExactCell:
    """Cost (b − target)² under `count` Bernoullis with these logits."""
    nodes = bernoulli_nodes(logits, target)
    biased = estimator == "straight-through"
    mean = nodes.mean(nodes.pathwise if biased else nodes.f[:, None] * nodes.score)
    return _copied(
        f"bernoulli-quadratic(t={target:g}, logits={logits:.3g})", _bernoulli_family,
        {"logits": logits}, costs.quadratic(target), mean, count, create(estimator), samples,
        nodes.variance(estimator, samples),
    )  # fmt: skip


def _bernoulli_family(logits: Tensor) -> Bernoulli:
    return Bernoulli(logits=logits)


def _bernoullis() -> Iterator[ExactCell]:
    for logits in (0.5, -2.0):
        for estimator, samples in (
            ("reinforce", 1), ("reinforce", 4), ("reinforce-loo", 2), ("reinforce-loo", 4),
            ("straight-through", 1), ("straight-through", 4),
        ):  # fmt: skip
            yield bernoulli(logits, 0.45, 1, estimator, samples)
    yield bernoulli(-2.0, 0.499, 1, "reinforce", 1)
    yield bernoulli(-2.0, 0.499, 1, "reinforce-loo", 2)
    yield bernoulli(-2.0, 0.45, 10, "reinforce", 1)
    yield bernoulli(-2.0, 0.45, 100, "reinforce-loo", 4)
    yield bernoulli(-2.0, 0.45, 1000, "reinforce", 1)
    for count in (1, 10, 100):
        yield rare_events(count)


def concrete(temperature: float, count: int = 1) -> ExactCell:
    """Binary concrete at φ = 0, t = 0.45."""
    nodes = concrete_nodes(0.0, 0.45, temperature)
    return _copied(
        f"bernoulli-quadratic(t=0.45, τ={temperature:g})", _bernoulli_family, {"logits": 0.0},
        costs.quadratic(0.45), nodes.mean(nodes.pathwise), count,
        create("gumbel-softmax", temperature=temperature), 1, nodes.pathwise_variance(1),
    )  # fmt: skip


def _concretes() -> Iterator[ExactCell]:
    for temperature, count in ((0.1, 1), (0.5, 1), (1.0, 1), (0.5, 10), (0.5, 1000)):
        yield concrete(temperature, count)


def log_normal(samples: int = 1, count: int = 1) -> ExactCell:
    """x = exp(ε / 2), cost x: gradients x and x ε."""
    e, weight = gaussian_noise()
    x = np.exp(e / 2)
    nodes = Nodes(weight, x, np.zeros((len(x), 2)), np.stack([x, x * e], 1))
    return _copied(
        "log-normal-linear", LogNormal, {"loc": 0.0, "scale": 0.5}, costs.linear(),
        nodes.mean(nodes.pathwise), count, create("pathwise"), samples,
        nodes.pathwise_variance(samples),
    )  # fmt: skip


def _skewed() -> Iterator[ExactCell]:
    yield log_normal()
    yield log_normal(samples=4)
    yield log_normal(count=5)
    for samples in (1, 4):  # x = E / rate: gradient −x / rate, of variance rate⁻⁴
        yield _copied(
            "exponential-linear", Exponential, {"rate": 2.0}, costs.linear(), np.array([-0.25]), 1,
            create("pathwise"), samples, 2.0**-4 / samples,
        )  # fmt: skip
