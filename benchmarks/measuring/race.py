"""A race within so many seconds: whoever is shown to be worse stops, the rest go on.

Estimators × K are measured at R = cap / 4ⁱ, from few replicates to many; at each R everyone who is
left is measured as `measure` would with that R, and held against the others at equal time
(`benchmarks.statistics.elimination`). Whoever is shown to be worse, biased or refused stops there.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

import estimators as registry
from benchmarks.machine import timing
from benchmarks.machine.deadline import Deadline
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.prepare import Prepared
from benchmarks.measuring.quick_timing import (
    NORMAL,
    TOGETHER,
    ClockedBlocks,
    Pass,
    changes,
    timed_quickly,
    timed_together,
)
from benchmarks.measuring.rare_events import NO_VERDICT, draws_nothing
from benchmarks.measuring.task import Task, ending, plan_of
from benchmarks.objective.definition import unvalidated
from benchmarks.statistics.elimination import TIMING, Elimination, Look, Stop
from benchmarks.statistics.stopping import FEWEST, Plan
from estimators import Estimator

GROWTH = 4  # from one look to the next
LEAST = 4  # replicates of a first look, where one estimate takes long
SAME = 1.3  # times the seconds of the fewest replicates: more that cost as much are taken
ALONE = 10_000  # replicates that who is left alone still gets
ROUNDING = 1e-24  # variance / ‖g‖² that is rounding error alone
PROBES = (2, 8)  # replicates by which the seconds of a first look are foreseen
RATIO = ("stopped_ratio", "stopped_ratio_low", "stopped_ratio_high")
NAMED = 4  # of those that are not told apart from the best
CACHES = 0.1  # seconds of a first call that may have gone into filling caches
SHARE = 0.25  # of what is left, that a first look may take


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

    def task(self, replicates: int) -> Task:
        """The cell with R = `replicates`, which may be few."""
        problem = self.prepared.problem
        plan = Plan.of(
            replicates, problem.numbers(self.samples), None, problem.size, self.samples,
            fewest=min(FEWEST, replicates),
        )  # fmt: skip
        return Task.of(
            self.prepared, self.estimator, samples=self.samples, replicates=replicates, plan=plan,
            **self.settings,
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


class Race:
    """Arms of one problem that share the seconds of a `deadline`; `cap` is the most R of each.

    `records` is where what was measured is kept and found again, or None.
    """

    def __init__(self, arms: Sequence[Arm], cap: int, deadline: Deadline, records=None):
        self.arms, self.cap, self.deadline, self.records = arms, cap, deadline, records
        self.rungs = rungs(cap)
        self.stops: dict[Arm, Stop] = {}
        self.refused: dict[Arm, Measurement] = {}
        self.late: set[Arm] = set()  # for whose next look the seconds do not do
        self.rule = Elimination(len(arms), len(self.rungs))

    def run(self) -> Iterator[Measurement]:
        """Measure until it is decided, everyone has `cap`, or the seconds are over.

        Yields every measurement as it is made.
        """
        yield from self._refusals()
        first = self._first()
        while (turn := self._next(first)) is not None:
            replicates, arms = turn
            for arm in sorted(arms, key=lambda arm: arm.turn):
                found = self._measured(arm, replicates)
                if found is None:
                    self.late.add(arm)
                    continue
                arm.take(replicates, found)
                yield found
            if replicates > first:
                self._time_together(arms, replicates)
            self._judge()

    @property
    def results(self) -> list[Measurement]:
        """What is known of each arm now, in their order: the last measurement, and how it ended."""
        return [self._ended(arm) for arm in self.arms]

    @property
    def left(self) -> list[Arm]:
        """Who may still be the best, the best so far first."""
        return sorted(
            (a for a in self.arms if a not in self.refused and a.fair and a not in self.stops),
            key=lambda arm: arm.work,
        )

    @property
    def sentence(self) -> str:
        """Who is left, who stopped, and how sure that is."""
        left, total = [arm for arm in self.left if arm.looks], len(self.arms) - len(self.refused)
        if not left:
            return "Nothing was measured in these seconds that is not shown to be biased."
        best, *tied = left
        said = f"The race leaves {best.label}"
        if tied:
            said += f", and {len(tied)} not told apart from it: {_listed(tied)}"
        biased = sum(not arm.fair and arm.last.bias_verdict == "biased" for arm in self.arms)
        late = sum(arm.last is None for arm in self.arms) - len(self.refused)
        ends = [(len(self.stops), "shown to be worse"), (biased, "biased"), (late, "not reached")]
        counts = ", ".join(f"{count} {how}" for count, how in ends if count)
        counts = f"; of {total}, {counts}" if counts else ""
        return f"{said}{counts}. Familywise error probability: {self.rule.alpha:.0%}."

    def _refusals(self) -> Iterator[Measurement]:
        for arm in self.arms:
            task = arm.task(self.cap)
            if _refuses(task):
                self.refused[arm] = task.measured(timed=False)
                yield self.refused[arm]
        self.rule = Elimination(len(self.arms) - len(self.refused), len(self.rungs))

    def _first(self) -> int:
        """The R of the first look: at least 100, unless that takes too long."""
        usual = next((r for r in self.rungs if r >= FEWEST), self.cap)
        early = [r for r in self.rungs if r <= usual]
        if self.records:
            for replicates in early:
                if any(self.records.find(arm.task(replicates)) for arm in self.left):
                    return replicates
        if not self.left:
            return usual
        few, many = (self._probed(replicates) for replicates in PROBES)
        if few < CACHES:
            few = self._probed(PROBES[0])
        each = max(many - few, 0.0) / (PROBES[1] - PROBES[0])
        least = few + each * early[0]
        enough = max(SHARE * self.deadline.left / len(self.left), SAME * least)
        return next(r for r in reversed(early) if few + each * r <= enough or r == early[0])

    def _probed(self, replicates: int) -> float:
        """Seconds of a block of the first arm in turn; infinite where there is no answer."""
        cell = min(self.left, key=lambda arm: arm.turn).task(FEWEST).cell
        start = self.deadline.spent
        limit = self.deadline.at_most(SHARE * self.deadline.left / 2)
        with limit as state, timing.one_thread(), suppress(Exception):  # it shows when measured
            cell.block(0, replicates)
        return math.inf if state.cut else self.deadline.spent - start

    def _next(self, first: int) -> tuple[int, list[Arm]] | None:
        """The smallest R that somebody who is left lacks, and all who lack it; None at the end."""
        left = self.left
        goal = min(self.cap, next(r for r in self.rungs if r >= min(self.cap, ALONE)))
        wanted = {}
        for arm in left:
            if len(left) > 1:
                goal = next((r for r in self.rungs if r >= first and r > arm.reached), self.cap)
            if arm.reached < goal and arm not in self.late:
                wanted[arm] = goal
        if not wanted:
            return None
        replicates = min(wanted.values())
        return replicates, [arm for arm, r in wanted.items() if r == replicates]

    def _measured(self, arm: Arm, replicates: int) -> Measurement | None:
        """The measurement of an arm at R, kept or made now; None where the seconds are over."""
        task = arm.task(replicates)
        kept = self.records and self.records.find(task)
        if kept:
            arm.timed = None
            spent = self.records.spent(task)
            self.deadline.advance(spent)
            if not spent and kept.status == "ok":  # of a run, which timed it at another moment
                kept = replace(kept, **changes(kept, kept.seconds, TIMING))
            return kept
        if arm.foreseen(replicates) >= self.deadline.left:
            return None
        start = self.deadline.spent
        with self.deadline.at_most() as state:
            found, arm.timed = looked(task, self.cap, arm.timed)
        if state.cut:
            return None
        arm.seconds[replicates] = self.deadline.spent - start
        self._keep(arm, found)
        return found

    def _keep(self, arm: Arm, found: Measurement) -> None:
        if self.records:
            self.records.keep(found, arm.estimator.unbiased, self.deadline.spent)

    def _time_together(self, arms: Sequence[Arm], replicates: int) -> None:
        """Time once more, in turns, those of a look that were measured now."""
        arms = [arm for arm in arms if arm.timed and arm.reached == replicates]
        if len(arms) < 2:
            return
        with self.deadline.at_most() as state:
            seconds = timed_together([arm.timed for arm in arms])
        for arm in arms if not state.cut else ():
            one = seconds.pop(0)
            found = replace(arm.last, **changes(arm.last, one, TOGETHER))
            arm.take(replicates, found)
            self._keep(arm, found)

    def _judge(self) -> None:
        """Find out anew who is shown to be worse, by all looks."""
        looks = {arm: arm.looks for arm in self.arms if arm.looks}
        rivals = {arm: arm.exact for arm in looks if arm.trusted}
        self.stops = {arm: stop for arm, stop in self.stops.items() if stop.by in rivals}
        open_ = [arm for arm in looks if arm not in self.stops]
        self.stops |= self.rule.worse(open_, looks, rivals)
        fair = [arm for arm in looks if arm.fair]
        if fair and all(arm in self.stops for arm in fair):  # each by another: nothing is shown
            del self.stops[min(fair, key=lambda arm: arm.work)]

    def _ended(self, arm: Arm) -> Measurement:
        """The last measurement of an arm, with what ended it."""
        if arm in self.refused:
            return self.refused[arm]
        last = arm.last
        if last is None:
            said = f"Not measured: the {self.deadline.seconds:g} s were over before its turn."
            return Measurement(**arm.task(self.cap).facts, status="refused", reason=said)
        if arm in self.stops and last.status == "ok":
            stop = self.stops[arm]
            ends = dict(zip(RATIO, stop.ratio, strict=True))
            return replace(last, stopped="worse", stopped_by=stop.by.label, **ends)
        if last.status == "ok" and arm.reached < self.cap:
            if not arm.fair:
                return replace(last, stopped="biased")
            if arm in self.late:
                return replace(last, stopped="seconds")
        return last


def rungs(cap: int) -> list[int]:
    """The R at which everyone is looked at, upwards to `cap`."""
    found = [cap]
    while found[-1] > LEAST:
        found.append(max(found[-1] // GROWTH, LEAST))
    return found[::-1]


def looked(task: Task, cap: int, known: Pass | None = None) -> tuple[Measurement, Pass | None]:
    """One look: measured as by itself, timed quickly; and what may be timed again.

    `known` is what was timed before. What learning costs and how much memory a block takes is
    found out with `cap` replicates only.
    """
    cell, blocks, whole = task.cell, ClockedBlocks(), task.replicates == cap
    found = task.measured(timed=False, spread=blocks, learned=whole)
    if found.status != "ok":
        return found, None
    if found.replicates < FEWEST:
        said = f"From {found.replicates} estimates: too few for an interval or a verdict."
        found = replace(found, **_no_verdict(found), reason=said)
    plan = plan_of(cell.problem, cell.samples, cap, None)
    with timing.one_thread(), unvalidated():
        try:
            seconds, one = timed_quickly(cell, found, plan, blocks, known)
            peak = timing.peak_memory(one.block, cell.device) if one and whole else math.nan
            return replace(found, **seconds, peak_memory_bytes=peak), one
        except Exception as failure:  # whatever an estimator does, it must not stop a race
            return replace(found, **ending(failure)), None


def _no_verdict(found: Measurement) -> dict:
    return {} if found.bias_verdict == "no truth" else NO_VERDICT


def _listed(arms: Sequence[Arm]) -> str:
    named = ", ".join(arm.label for arm in arms[:NAMED])
    return named if len(arms) <= NAMED else f"{named} and {len(arms) - NAMED} more"


def _refuses(task: Task) -> bool:
    try:
        return bool(task.refusal)
    except Exception:  # which shows when it is measured
        return False
