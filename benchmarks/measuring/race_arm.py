"""One estimator with its K in a race: what was measured of it, and the next look at it."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

import estimators as registry
from benchmarks.machine import timing
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.prepare import Prepared
from benchmarks.measuring.quick_timing import NORMAL, TOGETHER, ClockedBlocks, Pass, timed_quickly
from benchmarks.measuring.rare_events import NO_VERDICT, draws_nothing
from benchmarks.measuring.task import Task, ending, plan_of
from benchmarks.objective.definition import unvalidated
from benchmarks.statistics.elimination import Look
from benchmarks.statistics.stopping import FEWEST, Plan
from estimators import Estimator

SURE = 1_000  # replicates from which a claim to be unbiased can be refuted: fewer miss rare events
ROUNDING = 1e-24  # variance / ‖g‖² that is rounding error alone


@dataclass(eq=False)
class Arm:
    """An estimator with its K in a race, and what was measured of it by R."""

    prepared: Prepared
    estimator: Estimator
    samples: int
    settings: dict  # seed, device, dtype and memory limit, as `Task.of` takes them
    seen: dict[int, Measurement] = field(default_factory=dict)
    looks: dict[int, Look] = field(default_factory=dict)
    seconds: dict[int, float] = field(default_factory=dict)  # of its looks, on the wall
    exact: bool = False  # no noise, as it draws nothing
    timed: Pass | None = None  # what was timed in the last look
    admitted: bool = False  # nothing refuses it, at any R of the race

    def task(self, replicates: int) -> Task:
        """The cell with R = `replicates`, which may be few."""
        problem = self.prepared.problem
        plan = Plan.of(
            replicates, problem.numbers(self.samples), None, problem.size, self.samples,
            fewest=min(FEWEST, replicates),
        )  # fmt: skip
        return Task.of(
            self.prepared, self.estimator, samples=self.samples, replicates=replicates, plan=plan,
            admitted=self.admitted, **self.settings,
        )  # fmt: skip

    @property
    def last(self) -> Measurement | None:
        """With most replicates."""
        return self.seen[max(self.seen)] if self.seen else None

    @property
    def reached(self) -> int:
        """R so far."""
        return max(self.seen, default=0)

    @property
    def label(self) -> str:
        """The estimator and its K."""
        return f"{self.estimator} (K = {self.samples})"

    @property
    def fair(self) -> bool:
        """Whether it may win: measured or still to be, finite, not vanished, not biased."""
        last = self.last
        if last is None:
            return True
        return last.status == "ok" and last.bias_verdict != "biased" and last.zero != 1

    @property
    def trusted(self) -> bool:
        """Whether others may be stopped for it: nothing is left to be found out about its mean."""
        last = self.last
        known = self.estimator.unbiased or last.bias_verdict in ("unbiased", "no truth")
        return self.fair and known

    @property
    def turn(self) -> tuple:
        """When it is its turn in a look: the best so far; then what is usual and learns nothing."""
        learns = type(self.estimator).fitted is not Estimator.fitted
        return *self.work, learns, self.samples, str(self.estimator) not in registry.names("quick")

    @property
    def work(self) -> tuple[float, float]:
        """Variance × seconds; where there is no variance, seconds."""
        last = self.last
        if last is None or math.isnan(last.seconds):
            return math.inf, math.inf
        return last.work_variance, last.seconds

    def foreseen(self, replicates: int) -> float:
        """Seconds of a look at R, by the last two; by one, as long as that; 0 by none."""
        known = sorted(self.seconds.items())[-2:]
        if len(known) < 2:
            return known[0][1] if known else 0.0
        (r0, s0), (r1, s1) = known
        return s1 + max(s1 - s0, 0.0) / (r1 - r0) * (replicates - r1)

    def take(self, replicates: int, found: Measurement) -> None:
        """Take in what was measured at R."""
        self.seen[replicates] = found
        self.admitted |= found.status == "ok"
        if found.status != "ok" or math.isnan(found.seconds):
            return
        noise = found.variance > ROUNDING * np.nan_to_num(found.gradient_norm) ** 2
        error = math.log(found.seconds_high / found.seconds_low) / 2 / NORMAL
        self.looks[replicates] = Look(
            found.variance if noise else 0.0,
            found.kurtosis,
            found.replicates,
            np.array(found.variance_jackknife),
            found.seconds,
            max(error, TOGETHER),
        )
        if not noise:
            with timing.one_thread(), unvalidated():
                self.exact = draws_nothing(self.task(replicates).cell)


def looked(task: Task, cap: int, known: Pass | None = None) -> tuple[Measurement, Pass | None]:
    """One look: measured as by itself, timed quickly; and what may be timed again.

    `known` is what was timed before. What learning costs and how much memory a block takes is
    found out with `cap` replicates only.
    """
    cell, blocks, whole = task.cell, ClockedBlocks(), task.replicates == cap
    found = task.measured(timed=False, spread=blocks, learned=whole)
    if found.status != "ok":
        return found, None
    if said := _too_few(found, task.cell.estimator.unbiased):
        found = replace(found, **_no_verdict(found), reason=said)
    plan = plan_of(cell.problem, cell.samples, cap, None)
    with timing.one_thread(), unvalidated():
        try:
            seconds, one = timed_quickly(cell, found, plan, blocks, known)
            peak = timing.peak_memory(one.block, cell.device) if one and whole else math.nan
            return replace(found, **seconds, peak_memory_bytes=peak), one
        except Exception as failure:  # whatever an estimator does, it must not stop a race
            return replace(found, **ending(failure)), None


def _too_few(found: Measurement, claims: bool) -> str | None:
    """Why so few estimates give no verdict, or None; `claims` to be unbiased need more of them."""
    if found.replicates < FEWEST:
        return f"From {found.replicates} estimates: too few for an interval or a verdict."
    if claims and found.bias_verdict == "biased" and found.replicates < SURE:
        return (
            f"From {found.replicates} estimates: too few to refute that {found.estimator} is "
            "unbiased, as rare large ones may be missing."
        )
    return None


def _no_verdict(found: Measurement) -> dict:
    return {} if found.bias_verdict == "no truth" else NO_VERDICT
