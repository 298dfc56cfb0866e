"""Variances of pairs of strategies against sums, moments of normals and quadrature by hand."""

import itertools
import math

import numpy
import pytest
import torch
from torch.distributions import Bernoulli, Normal

from benchmarks import Program
from estimators.programs import Strategies

REPLICATES = 40_000
A, M, W = 0.2, 0.7, -0.4


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


P = sigmoid(A)
Q = {b: sigmoid(W + M * b) for b in (0, 1)}


def bits(draw, a, w):
    b = draw("b", Bernoulli(logits=a))
    c = draw("c", Bernoulli(logits=w + M * b))
    return f(b, c)


def f(b, c):
    return (c - 0.3) ** 2 * (1 + b) + 0.5 * b * c


def mixed(draw, a, w):
    b = draw("b", Bernoulli(logits=a))
    z = draw("z", Normal(M * b + w, 1.0))
    return (z - 1).square() * (1 + b)


def normals(draw, a, m):
    x = draw("x", Normal(a, 1.0))
    z = draw("z", Normal(m * x, 1.0))
    return x * z


PROGRAMS = {
    "bits": Program("bits", {"a": torch.tensor(A), "w": torch.tensor(W)}, bits),
    "mixed": Program("mixed", {"a": torch.tensor(A), "w": torch.tensor(W)}, mixed),
    "normals": Program("normals", {"a": torch.tensor(A), "m": torch.tensor(M)}, normals),
}


def of_outcomes(outcomes):
    """Variances of a finite list of (probability, gradient)."""
    p = numpy.array([p for p, _ in outcomes])
    g = numpy.array([g for _, g in outcomes])
    assert abs(p.sum() - 1) < 1e-12
    return p @ g**2 - (p @ g) ** 2


def of_normals(gradient):
    """Variances of a polynomial of two standard normals, exact by Gauss–Hermite."""
    nodes, weights = numpy.polynomial.hermite_e.hermegauss(24)
    weights = weights / weights.sum()
    x, e = numpy.meshgrid(nodes, nodes, indexing="ij")
    p, g = numpy.outer(weights, weights), numpy.stack(gradient(x, e))
    return (p * g**2).sum((1, 2)) - (p * g).sum((1, 2)) ** 2


def each(probability, value):
    return probability if value else 1 - probability


def scores_of_bits():
    outcomes = itertools.product((0, 1), (0, 1))
    return of_outcomes(
        [(each(P, b) * each(Q[b], c), (f(b, c) * (b - P), f(b, c) * (c - Q[b])))
         for b, c in outcomes]
    )  # fmt: skip


def sum_then_score():
    found = []
    for c0, c1 in itertools.product((0, 1), (0, 1)):
        of_a = P * (1 - P) * (f(1, c1) - f(0, c0))
        of_w = (1 - P) * f(0, c0) * (c0 - Q[0]) + P * f(1, c1) * (c1 - Q[1])
        found.append((each(Q[0], c0) * each(Q[1], c1), (of_a, of_w)))
    return of_outcomes(found)


def inner(b):
    """F(b) and its derivative in w."""
    return (
        Q[b] * f(b, 1) + (1 - Q[b]) * f(b, 0),
        Q[b] * (1 - Q[b]) * (f(b, 1) - f(b, 0)),
    )


def score_then_sum():
    return of_outcomes([(each(P, b), (inner(b)[0] * (b - P), inner(b)[1])) for b in (0, 1)])


def disarm_then_sum():
    """u in (1 − p, p) gives a pair of ones (p > ½), else one of each."""
    same = P - (1 - P)
    difference = 0.5 * (inner(1)[0] - inner(0)[0]) * P
    mean = (inner(0)[1] + inner(1)[1]) / 2
    return of_outcomes([(same, (0.0, inner(1)[1])), (1 - same, (difference, mean))])


D = {b: M * b + W - 1 for b in (0, 1)}  # E z − 1


def sum_then_path():
    both = [4 * D[b] ** 2 + 2 for b in (0, 1)]  # of (z − 1)²
    of_a = (P * (1 - P)) ** 2 * (both[0] + 4 * both[1])
    return numpy.array([of_a, 4 * (1 - P) ** 2 + 16 * P**2])


def score_then_path():
    fourth = [D[b] ** 4 + 6 * D[b] ** 2 + 3 for b in (0, 1)]
    second = [D[b] ** 2 + 1 for b in (0, 1)]
    of_a = (1 - P) * fourth[0] * P**2 + P * 4 * fourth[1] * (1 - P) ** 2
    of_a -= (P * (1 - P) * (2 * second[1] - second[0])) ** 2
    of_w = (1 - P) * 4 * second[0] + P * 16 * second[1]
    return numpy.array([of_a, of_w - ((1 - P) * 2 * D[0] + P * 4 * D[1]) ** 2])


def sum_then_score_of_normal():
    both = [4 * D[b] ** 2 + 2 for b in (0, 1)]
    of_a = (P * (1 - P)) ** 2 * (both[0] + 4 * both[1])
    weighed = [D[b] ** 4 + 18 * D[b] ** 2 + 15 - (2 * D[b]) ** 2 for b in (0, 1)]
    return numpy.array([of_a, (1 - P) ** 2 * weighed[0] + P**2 * 4 * weighed[1]])


PAIRS = [
    ("bits", "reinforce", "reinforce", 1, scores_of_bits),
    ("bits", "enumeration", "reinforce", 1, sum_then_score),
    ("bits", "reinforce", "enumeration", 1, score_then_sum),
    ("bits", "disarm", "enumeration", 2, disarm_then_sum),
    ("bits", "enumeration", "enumeration", 1, lambda: numpy.zeros(2)),
    ("mixed", "enumeration", "pathwise", 1, sum_then_path),
    ("mixed", "reinforce", "pathwise", 1, score_then_path),
    ("mixed", "enumeration", "reinforce", 1, sum_then_score_of_normal),
    ("normals", "pathwise", "pathwise", 1, lambda: of_normals(
        lambda x, e: (2 * M * (A + x) + e, (A + x) ** 2))),
    ("normals", "pathwise", "reinforce", 1, lambda: of_normals(
        lambda x, e: ((1 + (A + x) * e * M) * (M * (A + x) + e),
                      (A + x) ** 2 * (M * (A + x) + e) * e))),
    ("normals", "reinforce", "pathwise", 1, lambda: of_normals(
        lambda x, e: ((A + x) * (M * (A + x) + e) * x, (A + x) ** 2))),
    ("normals", "reinforce", "reinforce", 1, lambda: of_normals(
        lambda x, e: ((A + x) * (M * (A + x) + e) * x,
                      (A + x) ** 2 * (M * (A + x) + e) * e))),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "first", "second", "samples", "variance"),
    PAIRS,
    ids=[f"{name}: {first}, {second}" for name, first, second, *_ in PAIRS],
)
def test_the_variance_is_the_closed_form(name, first, second, samples, variance):
    program = PROGRAMS[name].to("cpu", torch.float64)
    strategies = Strategies.of(
        dict(zip(program.nodes, (first, second), strict=True)),
        dict(zip(program.nodes, (samples, 1), strict=True)),
    )
    with torch.random.fork_rng():
        torch.manual_seed(3)
        g = program.gradients(strategies, 1, REPLICATES).detach()
    square = (g - g.mean(0)).square()
    error = square.std(0) / REPLICATES**0.5
    assert ((square.mean(0) - torch.tensor(variance())).abs() < 5 * error + 1e-12).all()
