"""A race within so many seconds: whoever is shown to be worse stops, the rest go on.

Estimators × K are measured at R = cap / 4ⁱ, from few replicates to many; at each R everyone who is
left is measured as `measure` would with that R, and held against the others at equal time
(`benchmarks.statistics.elimination`). Whoever is shown to be worse, biased or refused stops there.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from benchmarks.machine import timing
from benchmarks.machine.deadline import Deadline
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.memory_limit import MemoryLimit
from benchmarks.measuring.quick_timing import (
    TOGETHER,
    changes,
    timed_together,
)
from benchmarks.measuring.race_arm import Arm, looked
from benchmarks.statistics.elimination import TIMING, Elimination, Stop
from benchmarks.statistics.stopping import FEWEST
from benchmarks.validation.estimator_checks import from_outside

GROWTH = 4  # from one look to the next
LEAST = 4  # replicates of a first look, where one estimate takes long
SAME = 1.3  # times the seconds of the fewest replicates: more that cost as much are taken
ALONE = 10_000  # replicates that who is left alone still gets
PROBES = (2, 8)  # replicates by which the seconds of a first look are foreseen
RATIO = ("stopped_ratio", "stopped_ratio_low", "stopped_ratio_high")
NAMED = 4  # of those that are not told apart from the best
CACHES = 0.1  # seconds of a first call that may have gone into filling caches
ROOMY = 1 / 8  # of the memory limit: with fewer samples, who holds less need not be probed
SHARE = 0.25  # of what is left, that a first look may take


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
        biased = sum(
            not arm.fair and arm.last.bias_verdict == "biased" and arm not in self.stops
            for arm in self.arms
        )
        late = sum(arm.last is None for arm in self.arms) - len(self.refused)
        ends = [(len(self.stops), "shown to be worse"), (biased, "biased"), (late, "not reached")]
        counts = ", ".join(f"{count} {how}" for count, how in ends if count)
        counts = f"; of {total}, {counts}" if counts else ""
        return f"{said}{counts}. Familywise error probability: {self.rule.alpha:.0%}."

    def _refusals(self) -> Iterator[Measurement]:
        limit, roomy = None, set()  # estimators that hold little even with more samples
        for arm in sorted(self.arms, key=lambda arm: -arm.samples):
            settings = arm.settings
            limit = limit or MemoryLimit.of(
                settings.get("memory_limit"), settings.get("device", "cpu")
            )  # what is free is asked once
            arm.settings = settings | {"memory_limit": limit}
            task, reason = arm.task(self.cap), None
            with timing.one_thread(), suppress(Exception):  # which shows when it is measured
                reason = task.inability
                if not reason and arm.estimator not in roomy:
                    reason, held = task.memory
                    roomy |= {arm.estimator} if held < ROOMY * limit.bytes else set()
                arm.admitted = not (reason or from_outside(arm.estimator))
            if reason:
                self.refused[arm] = Measurement(**task.facts, status="refused", reason=reason)
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


def _listed(arms: Sequence[Arm]) -> str:
    named = ", ".join(arm.label for arm in arms[:NAMED])
    return named if len(arms) <= NAMED else f"{named} and {len(arms) - NAMED} more"
