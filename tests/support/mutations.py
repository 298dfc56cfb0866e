"""Faults planted into estimators, one at a time, and the checks that must catch each of them.

python tests/mutations.py prints the table: which check caught which fault, and caught/planted.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.distributions import Exponential, Normal

import benchmarks
import estimators
from benchmarks.calibration import exact_cells
from benchmarks.calibration.exact_cells import ExactCell
from benchmarks.objective import costs
from estimators import Estimator, capabilities, evaluate
from estimators.baselines import MovingAverage
from estimators.optimal_baseline import OptimalBaseline
from estimators.reinforce import Reinforce, ReinforceEma

WIDER = 2.0  # times the 95 % half-width: an exact variance outside it has p < 1e-4
MULTIPLE = 10.0  # of the other replicates' costs, in the check of isolation


@dataclass(frozen=True)
class Fault:
    """A fault: the exact cell of the healthy estimator, and the estimator that has the fault."""

    name: str
    exact_cell: ExactCell
    faulty: Estimator
    replicates: int = 10_000


@dataclass(frozen=True)
class Surrogate(Estimator):
    """An estimator that is one function (dist, cost, samples) → surrogate."""

    function: Callable

    def surrogate(self, dist, cost, samples=1):
        return self.function(dist, cost, samples)


PATHWISE = exact_cells.normal_quadratic(3.0, "pathwise", 16)
PATHWISE_10 = exact_cells.normal_quadratic(3.0, "pathwise", 16, 5)
SCORE = exact_cells.normal_quadratic(-3.0, "reinforce-mean", 16)
LOO = exact_cells.normal_quadratic(0.0, "reinforce-loo", 4, 5)
RELAXED = exact_cells.concrete(0.5, 10)
STRAIGHT = exact_cells.bernoulli(-2.0, 0.45, 1, "straight-through", 4)
DISCRETE = exact_cells.bernoulli(0.5, 0.45, 1, "reinforce-loo", 4)
FAR = replace(  # the costs are far from zero: float32 has no digits left for their differences
    LOO, problem=replace(LOO.problem, name="far", cost=lambda x, dist: x.square() + 1e8)
)
OPTIMAL = replace(
    exact_cells.normal_quadratic(-3.0, "reinforce", 4),
    estimator=estimators.create("reinforce-optimal"),
    variance=np.nan,  # with the pilot's noise in it, it is not known
)
EMA = replace(  # the average adds Var b E s² with Var b = Var f (1 − decay)/(1 + decay)
    exact_cells.normal_quadratic(3.0, "reinforce-mean"),
    estimator=estimators.create("reinforce-ema"),
    variance=258.0 + 3 * 18 / 19,
)
IMPLICIT = ExactCell(
    benchmarks.Problem(
        "exponential",
        {"rate": torch.tensor(2.0, dtype=torch.float64)},
        Exponential,
        costs.linear(),
        {"rate": torch.tensor(-0.25, dtype=torch.float64)},
    ),
    estimators.create("implicit"),
    1,
    2.0**-4,
)
CONTROLS = (
    PATHWISE, PATHWISE_10, SCORE, LOO, RELAXED, STRAIGHT, DISCRETE, FAR, OPTIMAL, EMA, IMPLICIT,
)  # fmt: skip

FAULTS: list[Fault] = []


def planted(name: str, exact_cell: ExactCell, replicates: int = 10_000):
    """Decorator: the function is a faulty surrogate."""

    def add(function):
        FAULTS.append(Fault(name, exact_cell, Surrogate(function), replicates))
        return function

    return add


def plant(name: str, exact_cell: ExactCell, faulty: Estimator, replicates: int = 10_000) -> None:
    """A faulty estimator that is a class or a configuration of its own."""
    FAULTS.append(Fault(name, exact_cell, faulty, replicates))


def scored(dist, cost, x, log_p, baseline=0.0, f=None):
    """REINFORCE with its parts given: [K, *B]."""
    f = evaluate(cost, x, dist) if f is None else f
    return f + (f.detach() - baseline) * (log_p - log_p.detach())


def loo(f):
    """The leave-one-out baseline."""
    return (f.sum(0) - f) / (len(f) - 1)


def times(surrogate, factor):
    """The same value with the gradient times `factor`."""
    return surrogate.detach() + factor * (surrogate - surrogate.detach())


@planted("gradient × 1.02", PATHWISE)
def _(dist, cost, samples):
    return times(evaluate(cost, dist.rsample((samples,)), dist).mean(0), 1.02)


@planted("missing minus sign", PATHWISE)
def _(dist, cost, samples):
    return times(evaluate(cost, dist.rsample((samples,)), dist).mean(0), -1.0)


@planted("mean over K dropped", PATHWISE)
def _(dist, cost, samples):
    return evaluate(cost, dist.rsample((samples,)), dist).sum(0)


@planted("one sample used K times", PATHWISE)
def _(dist, cost, samples):
    return evaluate(cost, dist.rsample((1,)).expand(samples, *dist.batch_shape), dist).mean(0)


@planted("the same noise for every replicate", PATHWISE)
def _(dist, cost, samples):
    eps = torch.randn(samples, dtype=dist.loc.dtype).reshape(-1, *[1] * dist.loc.ndim)
    return evaluate(cost, dist.loc + dist.scale * eps, dist).mean(0)


@planted("scale detached", PATHWISE)
def _(dist, cost, samples):
    x = Normal(dist.loc, dist.scale.detach()).rsample((samples,))
    return evaluate(cost, x, dist).mean(0)


@planted("cost evaluated at the mean: no noise at all", PATHWISE)
def _(dist, cost, samples):
    x = dist.loc + 0 * dist.scale
    return evaluate(cost, x.expand(samples, *x.shape), dist).mean(0)


@planted("every gradient zero", PATHWISE)
def _(dist, cost, samples):
    return times(evaluate(cost, dist.rsample((samples,)), dist).mean(0), 0.0)


@planted("antithetic pairs about zero instead of the mean", PATHWISE)
def _(dist, cost, samples):
    x = dist.rsample((samples // 2,))
    return evaluate(cost, torch.cat([x, -x]), dist).mean(0)


@planted("one coordinate of five without gradient", PATHWISE_10)
def _(dist, cost, samples):
    keep = torch.ones(dist.batch_shape, dtype=dist.loc.dtype)
    keep[..., -1] = 0.0
    loc = keep * dist.loc + (1 - keep) * dist.loc.detach()
    return evaluate(cost, Normal(loc, dist.scale).rsample((samples,)), dist).mean(0)


@planted("global generator seeded", PATHWISE)
def _(dist, cost, samples):
    torch.manual_seed(0)
    return evaluate(cost, dist.rsample((samples,)), dist).mean(0)


@planted("calls backward itself", PATHWISE)
def _(dist, cost, samples):
    surrogate = evaluate(cost, dist.rsample((samples,)), dist).mean(0)
    surrogate.sum().backward(retain_graph=True)
    return surrogate


@planted("sign of the score", SCORE)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    return scored(dist, cost, x, -dist.log_prob(x)).mean(0)


@planted("value without the cost", SCORE)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    log_p = dist.log_prob(x)
    f = evaluate(cost, x, dist).detach()
    return ((f - 17.0) * (log_p - log_p.detach())).mean(0)


@planted("samples not detached: pathwise gradient on top", SCORE)
def _(dist, cost, samples):
    x = dist.rsample((samples,))
    return scored(dist, cost, x, dist.log_prob(x.detach()), 17.0).mean(0)


@planted("sample drawn twice: cost of one, score of the other", SCORE)
def _(dist, cost, samples):
    log_p = dist.log_prob(dist.sample((samples,)))
    return scored(dist, cost, dist.sample((samples,)), log_p, 17.0).mean(0)


@planted("log density without its normaliser", SCORE)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    return scored(dist, cost, x, -((x - dist.loc) / dist.scale).square() / 2, 17.0).mean(0)


@planted("score of loc given to scale and the other way round", SCORE)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    loc = dist.loc.detach() + dist.scale - dist.scale.detach()
    scale = dist.scale.detach() + dist.loc - dist.loc.detach()
    return scored(dist, cost, x, Normal(loc, scale).log_prob(x), 17.0).mean(0)


@planted("baseline forgotten", LOO)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    return scored(dist, cost, x, dist.log_prob(x)).mean(0)


@planted("baseline added instead of subtracted", LOO)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    f = evaluate(cost, x, dist)
    return scored(dist, cost, x, dist.log_prob(x), -loo(f), f).mean(0)


@planted("baseline sees its own sample", LOO)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    f = evaluate(cost, x, dist)
    return scored(dist, cost, x, dist.log_prob(x), f.mean(0), f).mean(0)


@planted("leave-one-out sum divided by K", FAR)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    f = evaluate(cost, x, dist)
    return scored(dist, cost, x, dist.log_prob(x), (f.sum(0) - f) / samples, f).mean(0)


@planted("baseline averaged over replicates", LOO)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    f = evaluate(cost, x, dist)
    return scored(dist, cost, x, dist.log_prob(x), f.mean(), f).mean(0)


@planted("gradient clipped", LOO)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    f = evaluate(cost, x, dist)
    weight = (f - loo(f)).clamp(-1, 1)
    return (f + weight * (dist.log_prob(x) - dist.log_prob(x).detach())).mean(0)


@planted("costs accumulated in float32", FAR)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    f = evaluate(cost, x, dist).float()
    return scored(dist, cost, x, dist.log_prob(x), loo(f), f).mean(0)


@planted("score of the probability, not of the logit", DISCRETE)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    p = (dist.probs - dist.probs.detach()) / (dist.probs * (1 - dist.probs)).detach() + dist.logits
    f = evaluate(cost, x, dist)
    return scored(dist, cost, x, x * p - p.sigmoid().log(), loo(f), f).mean(0)


@planted("straight-through without the derivative of p", STRAIGHT)
def _(dist, cost, samples):
    x = dist.sample((samples,)) + dist.logits - dist.logits.detach()
    return evaluate(cost, x, dist).mean(0)


@planted("straight-through with a soft sample forward", STRAIGHT)
def _(dist, cost, samples):
    return evaluate(cost, dist.probs.expand(samples, *dist.batch_shape), dist).mean(0)


@planted("implicit derivative with the wrong sign", IMPLICIT)
def _(dist, cost, samples):
    x = capabilities.implicit(dist, dist.sample((samples,)))
    return evaluate(cost, 2 * x.detach() - x, dist).mean(0)


@planted("implicit derivative not divided by the density", IMPLICIT)
def _(dist, cost, samples):
    x = dist.sample((samples,))
    cdf = dist.cdf(x)
    return evaluate(cost, x - (cdf - cdf.detach()), dist).mean(0)


class PilotReused(OptimalBaseline):
    """The optimal baseline fitted on the samples that it is subtracted from."""

    def surrogate(self, dist, cost, samples=1):
        state = torch.get_rng_state()
        twin = replace(self, pilot=samples)
        baselines = twin._fit(dist, cost)
        torch.set_rng_state(state)
        return _Given(baselines).surrogate(dist, cost, samples)


class _Given(OptimalBaseline):
    def __init__(self, baselines):
        object.__setattr__(self, "baselines", baselines)

    def _fit(self, dist, cost):
        return self.baselines


class NeverUpdated(MovingAverage):
    """A moving average that stays as it was created: zero."""

    def __call__(self, f):
        return f.new_zeros(())

    def after(self, draw):
        return self


class IncludesCurrent(MovingAverage):
    """A moving average that takes in the present costs before it is subtracted from them."""

    def __call__(self, f):
        super().__call__(f)
        return self.total / self.weight


plant("temperature + 10 %", RELAXED, estimators.create("gumbel-softmax", temperature=0.55))
plant("hard for soft", RELAXED, estimators.create("gumbel-softmax-hard", temperature=0.5))
plant("pilot of the optimal baseline is the sample itself", OPTIMAL, PilotReused())
plant("moving average never updated", EMA, ReinforceEma(baseline=NeverUpdated()))
plant("moving average includes the present cost", EMA, ReinforceEma(baseline=IncludesCurrent()),
      100_000)  # fmt: skip
plant("constant baseline where leave-one-out is promised", LOO, Reinforce(baseline=5.0))


def caught(exact_cell: ExactCell, estimator: Estimator, replicates: int = 10_000) -> str | None:
    """The first check that `estimator` fails on the problem of `exact_cell`, or None."""
    found = benchmarks.measure(
        exact_cell.problem, estimator, exact_cell.samples, replicates, timed=False
    )
    if found.status != "ok":
        return f"status {found.status}"
    if found.bias_verdict == "biased":
        return "bias"
    if not np.isnan(exact_cell.variance) and not _near(exact_cell.variance, found):
        return "variance"
    value, expected = _value(exact_cell, estimator), _value(exact_cell, exact_cell.estimator)
    if abs(value.mean() - expected.mean()) > 5 * torch.hypot(value.std(), expected.std()) / 1e2:
        return "value"
    if not _silent(exact_cell, estimator):
        return "silence"
    return None if _isolated(exact_cell, estimator) else "isolation"


def _near(exact, found):
    """Whether the exact variance lies within twice the half-width of the interval."""
    if found.variance == 0:
        return exact == 0
    half = WIDER * np.log(found.variance_high / found.variance)
    return abs(np.log(found.variance / exact)) <= half


def _value(exact_cell, estimator):
    """Surrogates of 10,000 replicates, summed over the batch."""
    torch.manual_seed(1 + (estimator is exact_cell.estimator))
    copies = {
        k: v.expand(10_000, *v.shape).clone() for k, v in exact_cell.problem.parameters.items()
    }
    dist = exact_cell.problem.family(**{k: v.requires_grad_() for k, v in copies.items()})
    fitted = estimator.fitted(dist, exact_cell.problem.cost, exact_cell.samples)
    values = fitted.surrogate(dist, exact_cell.problem.cost, exact_cell.samples).detach()
    return values.reshape(len(values), -1).sum(1)


def _silent(exact_cell, estimator):
    """Whether a call seeds no generator and fills no `.grad`."""
    torch.manual_seed(5)
    leaves = {k: v.clone().requires_grad_() for k, v in exact_cell.problem.parameters.items()}
    estimator.surrogate(
        exact_cell.problem.family(**leaves), exact_cell.problem.cost, exact_cell.samples
    )
    return torch.initial_seed() == 5 and all(leaf.grad is None for leaf in leaves.values())


def _isolated(exact_cell, estimator):
    """Whether the first replicate keeps its bits when the others' costs are ten times as large."""

    def first(multiple):
        def cost(x, dist):
            f = evaluate(exact_cell.problem.cost, x, dist)
            weight = torch.full(dist.batch_shape, multiple, dtype=f.dtype)
            weight[0] = 1.0
            return f * weight

        torch.manual_seed(5)
        fitted = estimator.fitted(exact_cell.problem.dist(4), cost, exact_cell.samples)
        return exact_cell.problem.gradients(fitted, exact_cell.samples, 4, cost)[0]

    return torch.equal(first(1.0), first(MULTIPLE))


def main() -> int:
    """Print which check caught which fault; the exit status is the number that got away."""
    results = [caught(fault.exact_cell, fault.faulty, fault.replicates) for fault in FAULTS]
    for fault, check in zip(FAULTS, results, strict=True):
        print(f"{check or 'NOT CAUGHT':12s} {fault.name}")
    missed = results.count(None)
    print(f"caught {len(FAULTS) - missed}/{len(FAULTS)} planted")
    return missed


if __name__ == "__main__":
    sys.exit(main())
