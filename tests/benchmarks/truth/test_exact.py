"""The exact gradient, against closed forms that are written down here."""

import math

import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Distribution,
    Exponential,
    Gamma,
    Independent,
    Normal,
    OneHotCategorical,
    Poisson,
    constraints,
)

from benchmarks import Problem, Truth
from benchmarks.truth.exact import find_truth, truth_of_draws
from benchmarks.validation.interface_checks import completed
from estimators import distributions


def problem(family, cost, truth="auto", **values):
    parameters = {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}
    return Problem("closed-form", parameters, family, cost, truth)


def sigmoid(a):
    return 1 / (1 + math.exp(-a))


class Kumaraswamy(Distribution):
    """F(x) = 1 − (1 − xᵃ)ᵇ with nothing but its quantiles: E x = b B(1 + 1/a, b)."""

    arg_constraints = {}  # noqa: RUF012
    support = constraints.unit_interval

    def __init__(self, a, b):
        self.a, self.b = a, b
        super().__init__(a.shape, validate_args=False)

    def icdf(self, u):
        return (1 - (1 - u) ** (1 / self.b)) ** (1 / self.a)


def kumaraswamy_mean(a, b):
    leaves = [torch.tensor(value, dtype=torch.float64).requires_grad_() for value in (a, b)]
    a, b = leaves
    log_mean = b.log() + (1 + 1 / a).lgamma() + b.lgamma() - (1 + 1 / a + b).lgamma()
    return [float(g) for g in torch.autograd.grad(log_mean.exp(), leaves)]


P, Q = sigmoid(-0.5), sigmoid(0.5)
CASES = {
    "bernoulli": (
        problem(lambda logits: Bernoulli(logits=logits), lambda x: (x - 0.3).square(), logits=-0.5),
        [P * Q * (0.7**2 - 0.3**2)], "enumeration", 1e-14,
    ),
    "two bits": (
        problem(
            lambda logits: Independent(Bernoulli(logits=logits), 1), lambda x: x.prod(-1),
            logits=[-0.5, 0.5],
        ),
        [P * Q * Q, P * Q * P], "enumeration", 1e-14,
    ),
    "one-hot": (
        problem(
            lambda logits: OneHotCategorical(logits=logits), lambda x: x[..., 1],
            logits=[0.0, 0.0, 0.0],
        ),
        [-1 / 9, 2 / 9, -1 / 9], "enumeration", 1e-14,
    ),
    "poisson": (
        problem(Poisson, lambda x: x.square(), rate=2.0), [1 + 2 * 2.0], "enumeration", 1e-9,
    ),
    "normal": (
        problem(Normal, lambda x: (x - 0.5).square(), loc=1.0, scale=0.7),
        [2 * 0.5, 2 * 0.7], "quadrature", 1e-10,
    ),
    "normal in a batch": (
        problem(lambda loc: Normal(loc, 1.0), lambda x: x.sin(), loc=[0.0, 1.0]),
        [math.exp(-0.5), math.cos(1.0) * math.exp(-0.5)], "quadrature", 1e-10,
    ),
    "gamma": (
        problem(Gamma, lambda x: x, concentration=2.0, rate=1.5),
        [1 / 1.5, -2 / 1.5**2], "quadrature", 1e-10,
    ),
    "exponential": (
        problem(Exponential, lambda x: x.square(), rate=2.0), [-4 / 8], "quadrature", 1e-10,
    ),
    "the cost depends on λ": (
        problem(lambda loc: Normal(loc, 1.0), lambda x, dist: x * dist.loc, loc=1.5),
        [2 * 1.5], "quadrature", 1e-10,
    ),
    "a cost that overflows far out": (
        problem(Normal, lambda x: x.exp(), loc=0.3, scale=0.7),
        [math.exp(0.3 + 0.7**2 / 2), 0.7 * math.exp(0.3 + 0.7**2 / 2)], "quadrature", 1e-10,
    ),
    "quantiles alone": (
        problem(Kumaraswamy, lambda x: x, a=2.0, b=3.0),
        kumaraswamy_mean(2.0, 3.0), "quadrature", 1e-7,
    ),
    "no noise": (
        problem(lambda v: distributions.Delta(v), lambda x: x**3, v=2.0),
        [12.0], "closed form", 1e-14,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_truth_is_the_closed_form(name):
    given, exact, method, relative = CASES[name]
    found = find_truth(completed(given))
    exact = torch.tensor(exact, dtype=torch.float64)
    off = (found.gradient - exact).abs()
    assert found.method == method
    assert off.max() <= relative * exact.abs().max()
    assert (off <= found.error + 1e-12 * exact.abs().max()).all()  # its error says so too


def test_a_sum_without_end_says_where_it_ended():
    assert find_truth(CASES["poisson"][0]).note == f"summed to {int(2 + 40 * 2**0.5 + 100)}"


def test_what_is_given_is_taken():
    values = {"loc": 1.0, "scale": 0.7}
    truth = {"loc": torch.tensor(3.0), "scale": torch.tensor(4.0)}
    found = find_truth(problem(Normal, lambda x: x, truth, **values))
    assert (found.gradient.tolist(), found.method) == ([3.0, 4.0], "closed form")
    assert found.error.tolist() == [0.0, 0.0]
    own = Truth(torch.ones(2).double(), torch.ones(2).double(), "mine")
    assert find_truth(problem(Normal, lambda x: x, own, **values)) is own
    assert find_truth(problem(Normal, lambda x: x, None, **values)) is None


def test_behind_a_network_it_is_the_gradient_of_the_weights():
    """loc = 3 w: ∂E (x − 0.5)² / ∂w = 3 · 2 (3 w − 0.5)."""
    weights = {"w": torch.tensor(0.5, dtype=torch.float64)}
    behind = Problem(
        "weights", {"loc": 3 * weights["w"]}, lambda loc: Normal(loc, 1.0),
        lambda x: (x - 0.5).square(), weights=weights, network=lambda w: {"loc": 3 * w},
    )  # fmt: skip
    assert find_truth(behind).gradient.tolist() == pytest.approx([6.0])


def test_what_no_method_reaches_has_none():
    plane = problem(lambda loc: Independent(Normal(loc, 1.0), 1), lambda x: x.prod(-1), loc=[1, 1])
    assert find_truth(plane) is None
    jump = problem(lambda loc: Normal(loc, 1e-9), lambda x: x, loc=0.0)
    assert find_truth(jump).gradient.tolist() == pytest.approx([1.0])  # narrow, but reached


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_a_reduction_has_a_truth_for_each_k(samples):
    """E ∏ f(x_k) = (E f)ᴷ, with E f = p."""
    given = Problem(
        "product", {"logits": torch.tensor(-0.5).double()}, lambda logits: Bernoulli(logits=logits),
        lambda x: x, reduction=lambda f: f.prod(-1),
    )  # fmt: skip
    assert find_truth(given) is None
    found = truth_of_draws(given, samples)
    assert found.gradient.tolist() == pytest.approx([samples * P ** (samples - 1) * P * Q])
    assert found.method == "enumeration"
