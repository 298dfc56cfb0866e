"""A cell as work: from its replicates to its measurement."""

from dataclasses import dataclass
from functools import cached_property

import torch

from benchmarks.machine import timing
from benchmarks.machine.allocator import give_back_freed_memory
from benchmarks.machine.deadline import TimeUp
from benchmarks.machine.generators import check_generator
from benchmarks.machine.memory_ceiling import memory_ceiling, want_of_memory
from benchmarks.machine.process_settings import settings_kept
from benchmarks.measuring import compiled_blocks
from benchmarks.measuring.arguments import (
    device_of,
    dtype_of,
    estimator_of,
    replicates_of,
    samples_of,
)
from benchmarks.measuring.cell import Blocks, Cell, Replicates, in_turn, replicate
from benchmarks.measuring.diagnostics import cautions
from benchmarks.measuring.fit_cost import learning
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.memory_limit import MemoryLimit, checked, refusal, shortage
from benchmarks.measuring.metrics import health, statistics
from benchmarks.measuring.prepare import Prepared
from benchmarks.measuring.shared_fits import SharedFits
from benchmarks.measuring.time_and_memory import time_and_memory
from benchmarks.measuring.written_problems import unwritten
from benchmarks.objective.definition import Problem, unvalidated
from benchmarks.objective.mixed_dtypes import way_out
from benchmarks.statistics.stopping import Plan, StoppingRule, first_look
from benchmarks.truth.uncertainty import allow_for
from benchmarks.validation.failing_pieces import failing_piece
from estimators import Estimator, Unsupported, configuration


@dataclass(frozen=True, eq=False)
class Task:
    """A cell to be measured, in which blocks, when it may stop, and within which memory.

    `prepared` is its problem, of which some things are asked once for all cells.
    """

    cell: Cell
    plan: Plan
    replicates: int
    precision: float | None
    limit: MemoryLimit
    prepared: Prepared
    admitted: bool = False  # what may refuse it was asked before, with no fewer replicates

    @classmethod
    def of(
        cls,
        prepared: Prepared,
        estimator: Estimator | str,
        *,
        samples: int = 1,
        replicates: int = 10_000,
        seed: int = 0,
        device: str | torch.device = "cpu",
        dtype: torch.dtype | str = torch.float64,
        precision: float | None = None,
        plan: Plan | None = None,
        memory_limit: "int | str | MemoryLimit | None" = None,
        generator: str | None = None,
        admitted: bool = False,
    ) -> "Task":
        """The cell of a prepared problem; arguments and errors are those of `measure`.

        `plan` are its blocks; None: those that follow from R and the problem. One that is
        `admitted` is not asked again whether it is refused.
        """
        (samples,), replicates = samples_of(samples), replicates_of(replicates)
        if precision:
            StoppingRule(precision, replicates)  # a mistake in it shows now
        device, dtype = device_of(device), dtype_of(dtype)
        check_generator(generator)
        moved = prepared.problem.to(device, dtype)
        truth = prepared.truth_of(samples)
        estimator = estimator_of(estimator)
        plan = plan or plan_of(prepared.problem, samples, replicates, precision)
        cell = Cell(
            moved, truth, estimator, samples, seed, device, generator=generator,
            shares=SharedFits.of(prepared.problem, estimator, plan),
        )  # fmt: skip
        limit = MemoryLimit.of(memory_limit, device)
        return cls(cell, plan, replicates, precision, limit, prepared, admitted)

    @property
    def facts(self) -> dict:
        """What is known of the cell before it is measured."""
        cell, truth = self.cell, self.cell.truth
        dtype = next(iter(cell.problem.parameters.values())).dtype
        return {
            "problem": cell.problem.name,
            "problem_version": cell.problem.version,
            "estimator": str(cell.estimator),
            "config": cell.estimator.config_json,
            "samples": cell.samples,
            "replicates": self.replicates,
            "budget": self.replicates,
            "precision": self.precision,
            "seed": cell.seed,
            "device": str(cell.device),
            "dtype": str(dtype).removeprefix("torch."),
            "generator": cell.generator,
            "truth_method": truth.method if truth else "none",
            "truth_note": (truth.note or None) if truth else None,
        }

    @property
    def rule(self) -> StoppingRule | None:
        """A new one, for a sequential run."""
        return StoppingRule(self.precision, self.replicates) if self.precision else None

    @cached_property
    def refusal(self) -> str | None:
        """Why the estimator cannot do it, or not within the memory limit; or None."""
        return self.inability or self.memory[0]

    @cached_property
    def inability(self) -> str | None:
        """Why the estimator cannot do it, whatever the memory of its blocks; or None."""
        return refusal(self.cell, self.limit)

    @cached_property
    def memory(self) -> tuple[str | None, float]:
        """Why its blocks do not fit, or None; and the bytes that it holds."""
        return shortage(self.cell, self.plan, self.limit)

    def pays(self, cells: int = 1) -> bool:
        """Whether compiling is worth its time for this many such cells."""
        return compiled_blocks.pays(
            cells * self.cell.problem.numbers(self.cell.samples), self.replicates
        )

    def replicated(self, spread: Blocks = in_turn, compiled: bool = False) -> Replicates:
        """All replicates, taken in; compiled where the cell is large and they are made here."""
        cell, size = self.cell, self.plan.block
        if compiled and self.pays() and not cell.learns and spread is in_turn:
            cell, _ = compiled_blocks.compiled(cell, lambda cell, i: cell.counted(i, size)[0])
        return replicate(cell, self.plan, self.rule, spread)

    def measured(
        self,
        timed: bool = True,
        compiled: bool = False,
        spread: Blocks = in_turn,
        found: Replicates | None = None,
        learned: bool = True,
    ) -> Measurement:
        """What follows from the replicates `found`, or from those made now.

        `learned` asks what learning costs and brings, too. A refusal and a failure are
        measurements too. What the cell's code changes in the process,
        or in the problem, is as before when it has ended.
        """
        facts = self.facts
        with settings_kept(), memory_ceiling(), timing.one_thread(), unvalidated():
            try:
                with unwritten(self.cell.problem):
                    self._add_measured(facts, timed, compiled, spread, found, learned)
            except (KeyboardInterrupt, TimeUp):
                raise
            except BaseException as failure:  # whatever an estimator does, also sys.exit
                facts |= ending(failure, self.cell.problem)
        return Measurement(**facts)

    def _add_measured(
        self,
        facts: dict,
        timed: bool,
        compiled: bool,
        spread: Blocks,
        found: Replicates | None,
        learned: bool,
    ) -> None:
        """Add to the facts what is measured; what was found before a failure stays there."""
        cell = self.cell
        configuration.check(cell.estimator)
        if not self.admitted and (reason := self.refusal or checked(cell, self.limit)):
            facts |= {"status": "refused", "reason": reason}
            return
        self._next_stage()
        found = found or self.replicated(spread, compiled)
        facts |= health(cell, found)
        if found.unhealthy:
            facts |= {"status": "error", "reason": _unhealthy(found)}
            return
        self._next_stage()
        facts |= statistics(cell, found)
        self._next_stage()
        facts |= allow_for(cell.truth, facts)
        if learned:
            facts |= learning(cell, self.plan)
        if cell.problem.minibatch is not None:
            facts |= self.prepared.data_noise(cell, self.plan, facts)
        known, wrong = self.prepared.cautions, self.prepared.wrong_sampler
        facts |= cautions(cell, facts, found.count, known, wrong)
        if timed:
            facts |= time_and_memory(cell, self.plan, facts, compiled)

    def _next_stage(self) -> None:
        if self.cell.is_long:
            give_back_freed_memory()


def plan_of(problem: Problem, samples: int, replicates: int, precision: float | None) -> Plan:
    """The blocks of a cell."""
    start = first_look(replicates) if precision else None
    return Plan.of(replicates, problem.numbers(samples), start, problem.size, samples)


def ending(failure: BaseException, problem: Problem | None = None) -> dict:
    """How a cell ends with an exception: its status, and the reason in one line.

    `problem` is what was measured, whose distribution may be what failed.
    """
    if isinstance(failure, Unsupported):
        return {"status": "refused", "reason": str(failure)}
    if isinstance(failure, SystemExit):
        reason = f"Its code called sys.exit({failure.code!r}), which ends a cell and not the run."
        return {"status": "error", "reason": " ".join(reason.split())}
    sentence = want_of_memory(failure)
    if sentence is None and problem is not None:
        sentence = failing_piece(problem, failure)
    if sentence:
        return {"status": "error", "reason": sentence}
    says = str(failure).strip() or type(failure).__doc__ or "no message"
    reason = f"{type(failure).__name__}: {says.splitlines()[0]}"
    if problem is not None and (dtypes := way_out(failure, problem.parameters)):
        reason = f"{reason}{dtypes}."
    return {"status": "error", "reason": reason}


def _unhealthy(replicated: Replicates) -> str:
    share = float(replicated.unhealthy) / replicated.count
    return (
        f"{share:.3%} of {replicated.count} gradients are not finite, so the variance does not "
        "exist; use float64, a higher temperature or less extreme parameters."
    )
