"""A truth where no other is reached: two unbiased estimators of different kinds that agree."""

import json
import math
import time

import torch
from torch import Tensor

from benchmarks.measuring.streams import stream, stream_key
from benchmarks.problem import Problem, unvalidated
from benchmarks.truth import Truth
from estimators import Estimator, Unsupported, create
from estimators.programs import Joint, Strategies

# Kinds rest on different identities, so that one mistake does not go through two of them.
KINDS = (
    ("pathwise", "implicit"),
    ("reinforce-loo",),
    ("measure-valued", "disarm", "rebar", "stochastic-triples"),
)
SAMPLES = 16
BLOCK = 64  # replicates at a time
SECONDS = 4.0  # for each of the two
MOST = 20_000  # replicates; a run of these takes as long as a cell
DISAGREE = 5.0  # standard errors, of any parameter
SEED = 1_000_003  # far from those of measurements, so that a truth shares no noise with them


def agreed_truth(problem: Problem, seconds: float = SECONDS) -> Truth | None:
    """The mean of two long runs that agree, weighted by precision; None if there are no two.

    Takes about 2 × `seconds`. The note says which estimators, how many replicates, and how well
    they agree. None also where they disagree: then one of them is biased here.
    """
    if problem.truth != "auto" or problem.reduction is not None or problem.minibatch is not None:
        return None
    problem = problem.to("cpu", torch.float64)
    runs = {}
    for kind in (*_nodewise(problem), *KINDS):
        for name in kind:
            found = _run(problem, name, seconds)
            if found is not None:
                runs[str(name)] = found
                break
        if len(runs) == 2:
            return _combined(runs)
    return None


def _nodewise(problem: Problem) -> list[list[Estimator]]:
    """Of a program, paths at continuous nodes and sums or scores at discrete ones."""
    dist = problem.dist()
    if not isinstance(dist, Joint):
        return []
    found = {}
    for place in dist.layout.places:
        score = "enumeration" if place.table is not None and len(place.table) <= 16 else "reinforce"
        found[place.name] = score if place.discrete else "pathwise"
    return [[Strategies.of(found)]]


def _combined(runs: dict[str, tuple[Tensor, Tensor, int]]) -> Truth | None:
    (mean, error, _), (other, other_error, _) = runs.values()
    both = torch.hypot(error, other_error).clamp_min(1e-300)
    apart = float(((mean - other).abs() / both).max())
    if apart > DISAGREE + math.log10(len(mean)):
        return None
    weight = other_error.square() / both.square()
    note = {
        "runs": {name: replicates for name, (_, _, replicates) in runs.items()},
        "samples": SAMPLES,
        "largest |z|": round(apart, 2),
    }
    return Truth(
        torch.where(both > 1e-300, weight * mean + (1 - weight) * other, mean),
        error * other_error / both,
        "reference",
        json.dumps(note),
    )


def _run(
    problem: Problem, name: str | Estimator, seconds: float
) -> tuple[Tensor, Tensor, int] | None:
    """Mean [P], its standard error [P] and the replicates of a run, or None if it refuses."""
    estimator, sums = create(name) if isinstance(name, str) else name, []
    with unvalidated():
        if estimator.unsupported(problem.differentiable_dist(), SAMPLES):
            return None
        start = time.monotonic()
        while len(sums) * BLOCK < MOST and (time.monotonic() - start < seconds or len(sums) < 8):
            with stream(stream_key("truth", SEED, problem.name, str(name), len(sums))):
                try:
                    g = problem.gradients(estimator, SAMPLES, BLOCK)
                except (Unsupported, RuntimeError):
                    return None
            sums.append(g.detach().mean(0))
    means = torch.stack(sums)
    if not means.isfinite().all():
        return None
    return means.mean(0), means.std(0) / math.sqrt(len(means)), BLOCK * len(means)
