"""Checks of an estimator from outside this package, on the problem and K that are measured.

Each replicate must be what the estimator is in use, where there is only one: of the right shape,
from the block's random numbers alone, and with nothing of another replicate in it.
"""

import contextlib
import copy
import dataclasses
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.objective.definition import Problem
from benchmarks.validation.recorded_noise import RecordedNoise, repeated
from estimators import Estimator, Unsupported, create, evaluate
from estimators.core import bound

KEPT = 1  # the replicate that must keep its bits
CALLS = 2  # in a row, so that what the first leaves behind shows in the second
STREAMS = 12  # in which all replicates are alike, or all numbers those of another
PRIMES = (5, 7, 11, 13, 17, 19, 23)


class EstimatorError(RuntimeError):
    """An estimator whose replicates are not what it is in use: one sentence with the way out."""


def check_estimator(problem: Problem, estimator: Estimator, samples: int) -> None:
    """Raise for the first of its faults that an estimator from outside this package shows.

    `problem` is on the device and in the dtype that are measured, `samples` is K. Raises
    Unsupported for a surrogate of the wrong shape, EstimatorError for replicates that share
    anything and for noise that is not the stream's. What fails anyhow is left to the measurement.
    """
    if not from_outside(estimator):
        return
    trial = _Trial.of(problem, estimator, samples)
    try:
        first = trial.run()
    except _WrongShape as wrong:
        raise Unsupported(str(wrong)) from None
    except Exception:  # it shows again when it is measured
        return
    for sentence in (_of_noise(trial, first), _of_isolation(trial, first)):
        if sentence:
            raise EstimatorError(sentence)


def from_outside(estimator: Estimator) -> bool:
    """Whether a class or function of somebody else is in an estimator."""
    fields = [getattr(estimator, f.name) for f in dataclasses.fields(estimator)]
    parts = [type(estimator), *(f if hasattr(f, "__qualname__") else type(f) for f in fields)]
    known = ("estimators", "builtins", "torch")
    return any(part.__module__.partition(".")[0] not in known for part in parts)


class _WrongShape(Exception):
    pass


@dataclasses.dataclass
class _Run:
    """`CALLS` calls: surrogate and gradients of each [R, 1 + P], and the noise that was drawn."""

    rows: list[Tensor]
    noise: RecordedNoise


@dataclasses.dataclass
class _Trial:
    """A few replicates of an estimator on a problem, to be run in several ways."""

    problem: Problem
    estimator: Estimator
    samples: int
    replicates: int

    @classmethod
    def of(cls, problem: Problem, estimator: Estimator, samples: int) -> "_Trial":
        drawn, draws = problem.drawn(samples)
        dist = drawn.dist()
        shapes = [dist.batch_shape, dist.event_shape, *(v.shape for v in drawn.parameters.values())]
        sizes = {size for shape in shapes for size in shape} | {samples, draws}
        return cls(drawn, estimator, draws, min(set(PRIMES) - sizes, default=29))

    def run(
        self,
        key: str = "first",
        loud: bool = False,
        known: RecordedNoise | None = None,
        own: Estimator | None = None,
    ) -> _Run:
        """From the stream `key`; `loud`: the others' cost is ten times as large.

        With `known` noise, the others also have other parameters and other noise.
        """
        leaves = {k: self._copies(v, known is not None) for k, v in self.problem.parameters.items()}
        cost = self._louder(self.problem.cost) if loud else self.problem.cost
        noise = RecordedNoise(self.replicates, KEPT, known.drawn if known else None)
        rows, device = [], next(iter(leaves.values())).device
        # one of its own for each run: what it learns from call to call belongs to the run
        own = own or _copied(self.estimator)
        with stream(stream_key("trial", key), device), torch.enable_grad(), noise:
            fitted = own.fitted(self.problem.family(**leaves), cost, self.samples)
            for _ in range(CALLS):
                rows.append(self._rows(fitted, leaves, cost))
        return _Run(rows, noise)

    def _rows(self, fitted: Estimator, leaves: dict, cost: Callable) -> Tensor:
        dist = self.problem.family(**leaves)
        surrogate = fitted.surrogate(dist, bound(cost, leaves), self.samples)
        shape = tuple(surrogate.shape) if isinstance(surrogate, Tensor) else None
        if shape != tuple(dist.batch_shape):
            got = f"has shape {shape}" if shape is not None else f"is a {type(surrogate).__name__}"
            raise _WrongShape(
                f"The surrogate of {self.estimator} {got} where {tuple(dist.batch_shape)} was "
                "expected, a value for each element of dist.batch_shape; reduce the axis of the "
                "samples only, as in .mean(0)."
            )
        grads = torch.autograd.grad(
            surrogate.sum(), list(leaves.values()), allow_unused=True, materialize_grads=True
        )
        parts = [surrogate.detach(), *grads]
        return torch.cat([part.reshape(self.replicates, -1) for part in parts], 1)

    def _copies(self, value: Tensor, others_changed: bool) -> Tensor:
        copies = value.detach().expand(self.replicates, *value.shape).clone()
        if others_changed:
            copies *= 1.001
            copies[KEPT] = value.detach()
        return copies.requires_grad_()

    def _louder(self, cost: Callable) -> Callable:
        """`cost`, and its terms, ten times as large for all replicates but one."""

        def loud(x, dist):
            return self._times_ten(evaluate(cost, x, dist))

        if hasattr(cost, "terms"):
            loud.terms = lambda x, dist: self._times_ten(cost.terms(x, dist))
        if hasattr(cost, "reduction"):
            loud.reduction = cost.reduction
        if hasattr(cost, "given"):
            loud.given = lambda parameters: self._louder(cost.given(parameters))
        return loud

    def _times_ten(self, f: Tensor) -> Tensor:
        axes = [axis for axis, size in enumerate(f.shape) if size == self.replicates]
        if len(axes) != 1:
            return f
        factor = torch.full((self.replicates,), 10.0, dtype=f.dtype, device=f.device)
        factor[KEPT] = 1.0
        return f * factor.reshape(-1, *[1] * (f.ndim - axes[0] - 1))


def _of_noise(trial: _Trial, first: _Run) -> str | None:
    """Whether the same stream gives the same numbers, and another stream other ones."""
    with contextlib.suppress(Exception):
        if not _same(first.rows, trial.run().rows):
            return (
                f"{trial.estimator} gives other numbers for the same random stream: its noise is "
                "not torch's, or it keeps something from one call to the next outside of itself; "
                "draw all noise with torch, in each call."
            )
        own = _copied(trial.estimator)
        runs = [trial.run(own=own)]
        for index in range(STREAMS):
            runs.append(trial.run(f"stream {index}", own=own))
            if repeated(runs[0].noise.drawn, runs[-1].noise.drawn):
                return (
                    f"{trial.estimator} draws the same numbers whatever the random stream: it "
                    "seeds torch, or has a generator of its own; take the noise from torch's "
                    "generator as it stands, without seeds."
                )
            fresh = [not _same(runs[0].rows, run.rows) for run in runs[1:]]
            shared = all(_alike(run.rows) for run in runs)
            if any(fresh) and not shared:
                return None
        if not any(fresh) and not shared:
            return (
                f"{trial.estimator} gives the same numbers for every random stream: its noise is "
                "kept from an earlier call, or from its making; draw it in each call."
            )
        if any(fresh) and shared:
            return (
                f"{trial.estimator} gives all replicates the same noise, so that they are one: "
                "draw noise of the shape [samples, *dist.batch_shape, ...]."
            )
    return None


def _of_isolation(trial: _Trial, first: _Run) -> str | None:
    """Whether one replicate keeps its numbers while everything of the others changes."""
    for what, changed in _changes(trial, first):
        if not _same(first.rows, changed, KEPT):
            return (
                f"{trial.estimator} mixes replicates: {what} changed a replicate that kept its "
                "own; in use, with one of them, it is another estimator. Reduce only the axis of "
                "the samples, the first, as in f.mean(0), and no axis of the batch."
            )
    return None


def _changes(trial: _Trial, first: _Run) -> Iterator[tuple[str, list[Tensor]]]:
    with contextlib.suppress(Exception):
        yield "ten times the cost of the others", trial.run(loud=True).rows
    with contextlib.suppress(Exception):
        changed = trial.run("others", loud=True, known=first.noise)
        if not changed.noise.lost and _keeps_to_itself(trial):
            yield "other parameters and noise of the others", changed.rows


def _keeps_to_itself(trial: _Trial) -> bool:
    """Whether the distribution, under an estimator of ours, passes what is asked."""
    for name in ("reinforce", "pathwise"):
        ours = dataclasses.replace(trial, estimator=create(name))
        with contextlib.suppress(Exception):
            known = ours.run()
            changed = ours.run("others", loud=True, known=known.noise)
            return not changed.noise.lost and _same(known.rows, changed.rows, KEPT)
    return False


def _same(rows: list[Tensor], others: list[Tensor], replicate: int | None = None) -> bool:
    """Whether two runs agree, in all replicates or one, to the rounding of other rows."""
    kept = slice(None) if replicate is None else replicate
    return all(
        torch.allclose(x[kept], y[kept], rtol=0.0, atol=_slack(x[kept]), equal_nan=True)
        for x, y in zip(rows, others, strict=True)
    )


def _alike(rows: list[Tensor]) -> bool:
    """Whether the replicates of a run agree among themselves."""
    return all(torch.allclose(x, x[:1], rtol=0.0, atol=_slack(x), equal_nan=True) for x in rows)


def _slack(x: Tensor) -> float:
    return torch.finfo(x.dtype).eps ** 0.75 * float(x.nan_to_num(0.0, 0.0, 0.0).abs().max())


def _copied(estimator: Estimator) -> Estimator:
    try:
        return copy.deepcopy(estimator)
    except Exception:  # it holds what cannot be copied
        return estimator
