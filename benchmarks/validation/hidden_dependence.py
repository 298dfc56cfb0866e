"""What `detach` hides: the derivative of a cost by autograd and by differences."""

import contextlib
from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.objective.definition import Problem
from estimators import evaluate
from estimators.arity import takes_dist
from estimators.core import bound

DRAWS = 64
NUMBERS = 2**20  # held at once, about
COPIES = 16  # of λ, each moved its own way, at most
FEWEST = 2  # of them, and of the draws
STEPS = 1e-4, 1e-5  # relative; where both differences agree, they are believed
AGREE = 1e-2  # relative
SHARE = 0.25  # of the places, where autograd must be wrong


def hidden(problem: Problem) -> Iterator[str]:
    """A sentence for each thing on which the objective depends behind autograd's back.

    `problem` is in float64. Costs and a reduction are looked at along random directions: a kink, a
    jump or what has no derivative at all is none of it.
    """
    for look in (_in_samples, _in_parameters, _in_reduction):
        with contextlib.suppress(Exception):  # whatever breaks here breaks again, with a sentence
            yield from look(problem)


def _in_samples(problem: Problem) -> Iterator[str]:
    """In x, on the segments between samples, which lie in a convex support."""
    dist, draws = problem.dist(), _draws(problem)
    x, towards = dist.sample((draws,)), dist.sample((draws,))
    if not x.is_floating_point() or dist.support.is_discrete:
        return
    middle, direction = (x + towards) / 2, towards - x
    leaf = middle.clone().requires_grad_()
    with torch.enable_grad():
        f = evaluate(problem.cost, leaf, dist)
        gradient = torch.autograd.grad(f.sum(), leaf)[0]
    by_graph = (gradient * direction).reshape(*f.shape, -1).sum(-1)

    def value(step: float) -> Tensor:
        return evaluate(problem.cost, middle + step * direction, dist)

    if found := _disagreement(by_graph, value):
        yield (
            f"The cost of problem {problem.name!r} hides from autograd how it depends on x: along "
            f"a segment between two samples its derivative is {found[0]:.4g}, autograd says "
            f"{found[1]:.4g}; estimators that differentiate the cost go by the latter."
        )


def _in_parameters(problem: Problem) -> Iterator[str]:
    """In λ, through the distribution that the cost is given, at samples that stay."""
    if not takes_dist(problem.cost):
        return
    size = sum(value.numel() for value in problem.parameters.values())
    copies = max(min(COPIES, 4 * NUMBERS // size), FEWEST)
    leaves = {k: v.detach().expand(copies, *v.shape) for k, v in problem.parameters.items()}
    x = problem.family(**leaves).sample((_draws(problem),))
    for name, given in leaves.items():
        leaf = given.clone().requires_grad_()
        direction = (given.abs() + 1e-3) * torch.randn_like(given)

        def of(value: Tensor, name=name) -> Tensor:
            moved = leaves | {name: value}
            f = evaluate(bound(problem.cost, moved), x, problem.family(**moved))
            return f.transpose(0, 1).reshape(copies, -1).mean(1)

        with torch.enable_grad():
            f = of(leaf)
            by_graph = torch.zeros_like(f)
            if f.requires_grad:
                gradient = torch.autograd.grad(f.sum(), leaf, materialize_grads=True)[0]
                by_graph = (gradient * direction).reshape(copies, -1).sum(1)
        if found := _disagreement(
            by_graph, lambda h, of=of, given=given, d=direction: of(given + h * d)
        ):
            yield (
                f"The cost of problem {problem.name!r} hides from autograd how it depends on "
                f"{name!r} through the distribution: along a random direction its derivative is "
                f"{found[0]:.4g}, autograd says {found[1]:.4g}; every estimator goes by the latter."
            )


def _in_reduction(problem: Problem) -> Iterator[str]:
    if problem.reduction is None:
        return
    dist, draws = problem.dist(), _draws(problem)
    f = evaluate(problem.cost, dist.sample((draws * 3,)), dist)
    f = f.reshape(draws, 3, -1).transpose(1, 2)  # [draws, *B, K]
    f = f + 0.1 * f.std() * torch.randn_like(f)  # where costs tie, what sorts them has a kink
    direction = torch.randn_like(f) * f.std()
    leaf = f.clone().requires_grad_()
    with torch.enable_grad():
        value = problem.reduction(leaf)
        by_graph = torch.zeros_like(value)
        if value.requires_grad:
            by_graph = (torch.autograd.grad(value.sum(), leaf)[0] * direction).sum(-1)
    if found := _disagreement(by_graph, lambda h: problem.reduction(f + h * direction)):
        yield (
            f"The reduction of problem {problem.name!r} hides from autograd how it depends on the "
            f"costs: along a random direction its derivative is {found[0]:.4g}, autograd says "
            f"{found[1]:.4g}; detach nothing in it."
        )


def _draws(problem: Problem) -> int:
    numbers = problem.numbers(1)
    return max(min(DRAWS, NUMBERS // (COPIES * numbers)), min(4, max(4 * NUMBERS // numbers, 2)))


@torch.no_grad()
def _disagreement(by_graph: Tensor, value) -> tuple[float, float] | None:
    """The derivatives by differences and by autograd at a place where they differ, or None."""
    ends = [(value(step), value(-step)) for step in STEPS]
    coarse, fine = ((a - b) / (2 * step) for (a, b), step in zip(ends, STEPS, strict=True))
    rounding = 1e3 * torch.finfo(fine.dtype).eps * ends[0][0].abs() / STEPS[-1]
    size = torch.maximum(fine.abs(), by_graph.abs())
    known = size.isfinite() & ((coarse - fine).abs() <= AGREE / 10 * size) & (size > 0)
    if not known.any():
        return None
    floor = 1e-6 * size[known].median()
    wrong = known & ((fine - by_graph).abs() > AGREE * size + floor + rounding)
    if wrong.float().mean() < SHARE:
        return None
    at = int((fine - by_graph).abs().where(wrong, -1).argmax())
    return float(fine.flatten()[at]), float(by_graph.flatten()[at])
