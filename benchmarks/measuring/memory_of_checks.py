"""The memory limit while a problem is checked and its truth is looked for."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch

from benchmarks.machine.memory import Guard, OverLimit, in_words, peak_within
from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.measuring.memory_limit import ROOM, MemoryLimit
from benchmarks.objective.definition import Problem, ProblemError
from benchmarks.validation.sampler_checks import draws_of
from estimators import evaluate

FEW = 2  # copies of λ and samples, whose memory is measured
SEEN = 0.7  # of what checks hold, at least, is in tensors that operations return
COPIES = 10  # of all samples, that checks hold at one time, and of λ


@contextmanager
def guarded(problem: Problem, limit: MemoryLimit) -> Iterator[None]:
    """Inside, a problem is checked within the limit; ProblemError where that cannot be done."""
    try:
        with capped(problem, limit):
            yield
    except (OverLimit, ProblemError) as failure:
        over = failure if isinstance(failure, OverLimit) else failure.__cause__
        if not isinstance(over, OverLimit):
            raise
        way_out = limit.setting(over.bytes * ROOM / SEEN)
        raise ProblemError(
            f"The checks of problem {problem.name!r} would hold {in_words(over.bytes)} or more, "
            f"over {limit}; {way_out}, or let the cost hold less for each sample."
        ) from None


def capped(problem: Problem, limit: MemoryLimit) -> AbstractContextManager:
    """Inside, OverLimit is raised before more is held; costs nothing where a problem is small."""
    most = int(limit.bytes * SEEN)
    if COPIES * _reckoned(problem, most) <= limit.bytes:
        return nullcontext()
    return Guard(most)


def no_truth(needed: int, limit: MemoryLimit) -> str:
    """The caution where a truth was not looked for."""
    return (
        f"No exact gradient was looked for, since that would hold {in_words(needed)} or more, over "
        f"{limit}: {limit.setting(needed * ROOM / SEEN)}, or give the problem its `truth`."
    )


def _reckoned(problem: Problem, most: int) -> int:
    """Bytes of the samples that checks draw, their costs, and the parameters of some copies.

    Raises OverLimit for those of a few samples alone.
    """
    try:
        dist = problem.dist()
        with stream(stream_key("memory", problem.name)):
            held = peak_within(lambda: _costs(problem), most)
    except OverLimit:
        raise
    except Exception:  # what is wrong is said by the checks
        return most
    return held // FEW**2 * draws_of(dist) + 8 * 32 * problem.size


def _costs(problem: Problem) -> None:
    dist = problem.dist(FEW)
    with torch.no_grad():
        evaluate(problem.cost, dist.sample((FEW,)), dist)
