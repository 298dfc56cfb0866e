"""One cell: blocks of replicate gradients, streamed into moments and counts."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.machine.random_streams import compile_draws, stream, stream_key
from benchmarks.measuring.shared_fits import SharedFits
from benchmarks.measuring.still_blocks import draws_nothing, one_row
from benchmarks.objective.definition import Problem
from benchmarks.objective.truth import Truth
from benchmarks.statistics import intervals, tail_index
from benchmarks.statistics.dependent_replicates import with_noise_of_rows
from benchmarks.statistics.long_vectors import LONG, LongTable
from benchmarks.statistics.moments import Moments, Table, compiled_table
from benchmarks.statistics.stopping import Plan, StoppingRule
from estimators import Estimator, evaluate


@dataclass(frozen=True)
class Cell:
    """What is measured: a problem on its device, its truth, an estimator, K and the run's seed.

    Its random numbers come from a `generator` beside torch's, if one is named.
    """

    problem: Problem
    truth: Truth | None
    estimator: Estimator
    samples: int
    seed: int
    device: torch.device
    gradients: Callable[..., Tensor] = Problem.gradients  # or the same compiled
    generator: str | None = None  # of many random numbers; see `machine.generators`
    shares: SharedFits | None = None  # of what the estimator learns; None: each its own

    def block(
        self,
        index: int,
        replicates: int,
        counted: "CountedCost | None" = None,
        fitted: Estimator | None = None,
    ) -> Tensor:
        """The gradients of one block of replicates, from the stream that belongs to it: [R, P].

        The stream is the same for every estimator: common random numbers. What an estimator learns
        comes from a stream of its own, and is not counted.
        """
        fitted = fitted or self.fitted(index, replicates)
        with self.stream(index):
            return self.gradients(self.problem, fitted, self.samples, replicates, counted)

    def counted(self, index: int, replicates: int) -> tuple[Tensor, "Counts"]:
        """The gradients of one block, and what its cost counted."""
        cost = CountedCost(self.problem.cost)
        return self.block(index, replicates, cost), cost.counts

    def in_pieces(self, index: int, replicates: int) -> tuple[list[Tensor], "Counts"]:
        """The same, a piece [R, p] for each measured parameter."""
        return self.unjoined.counted(index, replicates)

    @property
    def unjoined(self) -> "Cell":
        """This cell, whose blocks are lists of pieces, as `in_turn` takes them in."""
        return replace(self, gradients=Problem.gradient_pieces)

    @property
    def is_long(self) -> bool:
        """Whether gradients are so long that each is gone through once, in the cache."""
        return self.problem.size > LONG

    def stream(self, index: int) -> AbstractContextManager[None]:
        """Inside, block `index` is drawn."""
        return stream(self._key("block", index), self.device, self.generator)

    @property
    def learns(self) -> bool:
        """Whether the estimator has learned parts, which are others for each block."""
        return type(self.estimator).fitted is not Estimator.fitted

    def fitted(
        self, index: int, replicates: int, counted: "CountedCost | None" = None
    ) -> Estimator:
        """The estimator with its learned parts, fitted for the replicates of block `index`."""
        if not self.learns:
            return self.estimator
        if self.shares:
            return self.shares.serving(index, replicates, replace(self, shares=None).fitted)
        problem, samples = self.problem.drawn(self.samples, counted)
        with stream(self._key("fit", index), self.device, self.generator):
            return self.estimator.fitted(problem.dist(replicates), problem.cost, samples)

    def _key(self, purpose: str, index: int) -> int:
        return stream_key(purpose, self.seed, self.problem.name, self.samples, index)


class Counts(NamedTuple):
    """Evaluations of a cost, how many of its values are not finite, and the largest absolute."""

    evaluations: int = 0
    nonfinite: Tensor | int = 0
    largest: Tensor | float = 0.0


class CountedCost:
    """A cost that counts its evaluations and values; `into` another one's counts, if given."""

    def __init__(self, cost: Callable[..., Tensor], into: "CountedCost | None" = None):
        self.cost, self.into = cost, into
        self.counts = Counts()
        if hasattr(cost, "terms"):
            self.terms = self._terms
        if hasattr(cost, "reduction"):
            self.reduction = cost.reduction
        if hasattr(cost, "given_path"):
            self.given_path = self._given_path
        if hasattr(cost, "completed"):
            self.completed = self._completed
        if hasattr(cost, "given"):
            self.given = self._given

    def __call__(self, x: Tensor, dist) -> Tensor:
        f = evaluate(self.cost, x, dist)
        self._count(f, f.numel())
        return f

    def _terms(self, x: Tensor, dist) -> Tensor:
        """The cost's `terms`, one evaluation of it for each sample."""
        own = self.cost.terms(x, dist)
        self._count(own, x.numel() // dist.event_shape.numel())
        return own

    def _given_path(self, path: Tensor, last) -> Tensor:
        """The cost's mean over a last step, one evaluation of it for each path."""
        own = self.cost.given_path(path, last)
        self._count(own, own.numel())
        return own

    def _given(self, parameters: Mapping[str, Tensor]) -> "CountedCost":
        """The cost at these values of λ, counted with this one."""
        return CountedCost(self.cost.given(parameters), self)

    def _completed(self, f: Tensor) -> None:
        """One execution of a program, whose costs are f."""
        self._count(f, f.numel())

    def _count(self, f: Tensor, evaluations: int) -> None:
        self.add(Counts(evaluations, *_nonfinite_and_largest(f.detach())))

    def add(self, more: Counts) -> None:
        """Count what was evaluated elsewhere."""
        if self.into is not None:
            return self.into.add(more)
        evaluations, nonfinite, largest = self.counts
        self.counts = Counts(
            evaluations + more.evaluations,
            nonfinite + more.nonfinite,
            torch.as_tensor(more.largest).clamp_min(largest),
        )


def _nonfinite_and_largest(f: Tensor) -> tuple[Tensor | int, Tensor]:
    """How many numbers are not finite, and the largest absolute one: in one pass if it is."""
    if type(f) is Tensor and f.device.type == "cpu" and f.is_floating_point():
        least, most = f.aminmax()
        largest = torch.maximum(-least, most)
        if math.isfinite(float(largest)):
            return 0, largest
    return (~f.isfinite()).sum(), f.abs().max()


@dataclass
class Replicates:
    """What streams out of the blocks of a cell; nothing here grows with R."""

    table: Table | LongTable
    direction: Tensor | None  # of the true gradient, if there is one
    rule: StoppingRule | None
    shared: bool = False  # whether neighbours in a row of the table share what was learned
    largest: tail_index.LargestValues = field(default_factory=tail_index.LargestValues)
    count: int = 0
    evaluations: int = 0
    nonfinite_costs: Tensor | int = 0
    largest_cost: Tensor | float = 0.0
    unhealthy: Tensor | int = 0
    zero: Tensor | int = 0
    wrong_way: Tensor | int = 0
    cosine: Tensor | float = 0.0
    satisfied: bool = False  # the rule, so that no more is needed

    @classmethod
    def of(cls, cell: Cell, plan: Plan, rule: StoppingRule | None) -> "Replicates":
        """Those of a cell, before the first."""
        direction = None
        if cell.truth is not None and cell.truth.gradient.norm() > 0:
            direction = cell.truth.gradient.to(cell.device, torch.float64)
            direction = direction / direction.norm()
        sizes = [value.numel() for value in cell.problem.measured.values()]
        shared, compiled = cell.shares is not None, cell.device.type == "cpu"
        if compiled:
            compile_draws()
        if cell.is_long:
            long = LongTable(plan.chunk, sizes=sizes, compiled=compiled)
            return cls(long, direction, rule, shared)
        table = compiled_table() if compiled else Table
        return cls(table(plan.chunk), direction, rule, shared)

    @property
    def whole(self) -> Moments:
        """Every replicate, in one row whose κ is no less than what the rows of the table say."""
        whole = self.table.whole()
        return with_noise_of_rows(whole, self.table.rows) if self.shared else whole

    @property
    def stopped(self) -> str:
        """What ended it: "replicates", or for a sequential run "precision" or "capped"."""
        if self.rule is None:
            return "replicates"
        return "precision" if self.satisfied else "capped"

    def add(self, g: Tensor | list[Tensor], counts: Counts) -> None:
        """Take in the gradients g [R, P] of one block, or its pieces [R, p]."""
        self.count += len(g if isinstance(g, Tensor) else g[0])
        self.evaluations += counts.evaluations
        self.nonfinite_costs = self.nonfinite_costs + counts.nonfinite
        self.largest_cost = torch.as_tensor(counts.largest).clamp_min(self.largest_cost)
        self.largest.add(self._take(g))
        if self.rule is not None and self.rule.due(self.count):
            whole = self.whole
            interval = intervals.variance_interval(whole)
            half = math.log(interval.high / interval.value) if interval.value > 0 else 0.0
            self.satisfied = self.rule.satisfied(self.count, half, intervals.kurtosis(whole))

    def _take(self, g: Tensor | list[Tensor]) -> Tensor:
        """Moments and health of gradients g [R, P]; their ‖g − mean‖² [R]."""
        seen = self.table.add(g, self.direction)
        unhealthy, zero, wrong_way, cosine = seen.health()
        self.unhealthy, self.zero = self.unhealthy + unhealthy, self.zero + zero
        if self.direction is not None:
            self.wrong_way, self.cosine = self.wrong_way + wrong_way, self.cosine + cosine
        return seen.spread


Block = tuple[Tensor | list[Tensor], Counts]
Blocks = Callable[["Cell", Iterable[int]], Iterator[Block]]


def in_turn(cell: Cell, sizes: Iterable[int]) -> Iterator[Block]:
    """The gradients of each block and what its cost counted, one after the other.

    Where an estimator draws nothing, as enumeration does, the second is the one for all.
    """
    pieces = cell.gradients is Problem.gradients  # which are taken in without being joined
    make = cell.in_pieces if pieces else cell.counted
    before, still = None, None
    for index, size in enumerate(sizes):
        if still and size == len(still[0][0]):
            yield still
            continue
        block = make(index, size)
        yield block
        if pieces and index == 0:
            before = block[0] if one_row(block[0]) else None
        elif index == 1 and before and all(map(torch.equal, before, block[0])):
            still = block if draws_nothing(cell) else None


def replicate(
    cell: Cell, plan: Plan, rule: StoppingRule | None = None, blocks: Blocks = in_turn
) -> Replicates:
    """Take in the blocks of a cell in order, until R is reached or the rule is satisfied.

    Whoever makes the `blocks`, they are the same and come in the same order: so are the bits.
    """
    found = Replicates.of(cell, plan, rule)
    for g, counts in blocks(cell, plan.sizes()):
        found.add(g, counts)
        if found.satisfied:
            break
    return found
