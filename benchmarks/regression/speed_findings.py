"""Which cells of two revisions are timed, those first that matter, and the verdicts on them."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.regression.effects import CONFIRM, Effect
from benchmarks.regression.judging import Confirmation, Pair, judge
from benchmarks.regression.schema import Finding
from benchmarks.regression.selection import Selection
from benchmarks.regression.speed import (
    CONFIRMING,
    SCREENING,
    Effort,
    launches,
    memory_effect,
    speed_effect,
)
from benchmarks.regression.worktrees import Code
from benchmarks.running.cell_spec import CellSpec


def _nothing(cell: str) -> None:
    """No step to tell of."""


@dataclass
class Timing:
    """Times the cells that work on both sides, those first whose estimator's code changed."""

    codes: Sequence[Code]
    selection: Selection
    sides: Sequence[dict]
    starting: Callable[[str], None]

    def __post_init__(self):
        self.interrupted = False
        self.lost: list[str] = []
        self.seconds = self.selection.seconds or math.inf
        self.start = time.monotonic()

    def run(self, pairs: Sequence[Pair]) -> list[Finding]:
        """The verdicts on speed and memory."""
        by_spec = {
            CellSpec(p.cell["problem"], p.spec, p.cell["samples"], p.cell["budget"]): p
            for p in pairs
            if p.statuses == ("ok", "ok")
        }
        cells = sorted(by_spec, key=self._unchanged)
        try:
            first = self._effects(cells, SCREENING, self.seconds / 2, self.starting)
            suspects = [c for c, both in first.items() if any(e.suspicious for e in both)]
            left = self.seconds - (time.monotonic() - self.start)
            again = self._effects(suspects, CONFIRMING, left) if suspects else {}
        except KeyboardInterrupt:
            self.interrupted = True
            return []
        if self.seconds < math.inf and len(first) < len(cells):
            self.lost.append(
                f"Speed was measured in {len(first)} of {len(cells)} cells, those first whose "
                f"estimator's code changed: {self.seconds:g} seconds are over."
            )
        found = []
        for cell, each in first.items():
            second = Confirmation(effects={effect.metric: effect for effect in again.get(cell, ())})
            found += [_timing(by_spec[cell], effect, second) for effect in each]
        return found

    def _effects(
        self, cells: Sequence[CellSpec], effort: Effort, seconds: float, step: Callable = _nothing
    ) -> dict[CellSpec, tuple[Effect, Effect]]:
        chosen = self.selection
        each = launches(self.codes, cells, effort, chosen.device, chosen.seed, step, seconds)
        return {cell: (speed_effect(e), memory_effect(e)) for cell, e in each.items()}

    def _unchanged(self, cell: CellSpec) -> bool:
        names = cell.registered
        before, after = ([side["sources"].get(n) for n in names] for side in self.sides)
        return before == after


def _timing(pair: Pair, effect: Effect, second: Confirmation) -> Finding:
    finding = judge(pair, effect, second, CONFIRM)
    same = effect.metric == "memory" and effect.change == 0
    return replace(finding, verdict="identical") if same else finding
