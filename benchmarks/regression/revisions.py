"""Compare two revisions: measure both with the same seeds, confirm with fresh ones, then time."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.regression.accepted import Acceptance
from benchmarks.regression.effects import CONFIRM, SCREENS, Summary
from benchmarks.regression.judging import Confirmation, Pair, findings
from benchmarks.regression.report import Comparison, Reproduction, command, document
from benchmarks.regression.schema import Document, Finding, Side
from benchmarks.regression.selection import Selection, cells_of
from benchmarks.regression.sides import gate_of, sides_of, state_of
from benchmarks.regression.speed import CONFIRMING, SCREENING
from benchmarks.regression.speed_findings import Timing
from benchmarks.regression.worktrees import (
    Code,
    Worker,
    WorkerKilled,
    checkouts,
    is_checkout,
    workers,
)
from benchmarks.running.cell_spec import CellSpec, by_node

MORE = 4  # times the replicates, to confirm
FRESH = 1_000_003  # added to the seeds, to confirm


class Progress:
    """What is told while it goes on; does nothing."""

    def total(self, cells: int) -> None:
        """How many steps there will be."""

    def step(self, cell: str) -> None:
        """A step is about to be made."""


def compare_revisions(
    base: str,
    head: str,
    selection: Selection,
    accepted: Sequence[Acceptance] = (),
    repository: Path = Path(),
    progress: Progress | None = None,
) -> Document:
    """The report on `head` against `base`, each a git revision or a folder with the code.

    An interruption ends it early; what was finished is in the report. Raises WorkerFailed if a
    side is not the code that was asked for, or cannot be measured at all.
    """
    progress = progress or Progress()
    with checkouts((base, head), repository) as roots:
        codes = sides_of((base, head), roots, repository, selection.plugins)
        selection = selection.with_gate(gate_of(codes))
        with workers(*codes) as both:
            sides = _load(both)
            cells = cells_of(selection, sides)
            progress.total(len(cells) * (1 + SCREENING.launches * selection.speed))
            measured = _Measured(both, selection, sides)
            interrupted = measured.run(cells, progress)
        found, lost = measured.findings, []
        if selection.speed and not interrupted:
            timing = Timing(codes, selection, sides, progress.step)
            found = [*found, *timing.run(measured.pairs)]
            interrupted, lost = timing.interrupted, timing.lost
        named = [_side(*each) for each in zip((base, head), codes, sides, strict=True)]
    settings = _settings(selection)
    comparison = Comparison(
        *named, measured.pairs, found, settings, selection.fail_on, accepted, interrupted, lost
    )
    at = [_fixed(side) for side in named]  # also when branches have moved on
    more = selection.plugins, selection.options

    def reproduce(pair: Pair) -> Reproduction:
        return Reproduction(command(*at, pair, settings, *more))

    return document(comparison, reproduce)


@dataclass
class _Measured:
    """Runs cells on both sides at once and judges them."""

    both: Sequence[Worker]
    selection: Selection
    sides: Sequence[dict]

    def __post_init__(self):
        self.pairs: list[Pair] = []
        self.findings: list[Finding] = []

    def run(self, cells: Sequence[CellSpec], progress: Progress) -> bool:
        """Measure and judge every cell; whether it was interrupted."""
        try:
            for cell in cells:
                progress.step(str(cell))
                first = self._pair(cell, self.selection.seeds)
                second = None
                if _suspicious(first):
                    fresh = tuple(seed + FRESH for seed in self.selection.seeds)
                    again = self._pair(cell._replace(replicates=MORE * cell.replicates), fresh)
                    second = Confirmation(
                        again, {effect.metric: effect for effect in again.effects()}
                    )
                found = findings(first, second or Confirmation())
                self.pairs.append(first)
                self.findings += found
        except KeyboardInterrupt:
            return True
        return False

    def _pair(self, cell: CellSpec, seeds: tuple[int, int]) -> Pair:
        problem, spec, samples, replicates = cell
        here = [
            problem in side["problems"]
            and all(name in side["estimators"] for name in cell.registered)
            and (not by_node(spec) or side.get("strategies", False))
            for side in self.sides
        ]
        for worker, seed, has in zip(self.both, seeds, here, strict=True):
            if has:
                worker.ask(
                    "measure", problem=problem, estimator=spec, samples=samples,
                    replicates=replicates, seed=seed, device=self.selection.device,
                )  # fmt: skip
        asked = zip(self.both, here, strict=True)
        records = [self._answer(worker) if has else None for worker, has in asked]
        common = {"problem": problem, "samples": samples, "budget": replicates, "dtype": "float64"}
        common |= {"estimator": cell.name, "device": self.selection.device}
        common |= {"problem_version": None, "config": None}
        whole = [r and common | {"seed": seed} | r for r, seed in zip(records, seeds, strict=True)]
        known = [r["config"] for r in whole if r and r["config"]]
        version = [r["problem_version"] for r in whole if r and r["problem_version"]]
        return Pair(spec, *(r and _summary(r, known, version) for r in whole))

    def _answer(self, worker: Worker) -> dict:
        """The record of a cell; one that kills its process is a cell that fails."""
        try:
            record = worker.answer()
            refused = record["status"] == "n/a"  # says a revision from before 0.2
            return record | {"status": "refused"} if refused else record
        except WorkerKilled as crash:
            worker.restart()
            return {"status": "error", "reason": str(crash)}


def _summary(record: dict, configs: list, versions: list) -> Summary:
    """A record that lacks what only a working side can say takes it from the other."""
    record["config"] = record["config"] or next(iter(configs), "{}")
    record["problem_version"] = record["problem_version"] or next(iter(versions), 1)
    return Summary.of(record, record.pop("blocks", None))


def _suspicious(pair: Pair) -> bool:
    if pair.statuses[0] == "ok" and pair.statuses[1] in ("error", "refused"):
        return not pair.same_randomness
    return any(effect.suspicious for effect in pair.effects())


def _load(both: Sequence[Worker]) -> list[dict]:
    """What each side has registered, loaded side by side."""
    for worker in both:
        worker.ask("about", plugins=list(worker.code.plugins))
    return [worker.answer() for worker in both]


def _side(name: str, code: Code, about: dict) -> Side:
    shown = str(Path(name).resolve()) if is_checkout(name) else name
    context = about["context"]
    if code.repository is not None:
        context = context | state_of(code.root)
    return Side(shown, context["commit"], context)


def _fixed(side: Side) -> str:
    """What stands for a side in a command: its commit, or the folder that was named."""
    return side.name if is_checkout(side.name) else side.commit[:12]


def _settings(selection: Selection) -> dict:
    seed, head_seed = selection.seeds
    return {
        "suite": selection.suite,
        "levels": {"screen": SCREENS, "confirm": CONFIRM},
        "confirmation": f"fresh seeds, {MORE} × the replicates; fresh launches",
        "seed": seed,
        "head_seed": head_seed,
        "confirm_seed": seed + FRESH,
        "replicates": selection.replicates,
        "launches": SCREENING.launches if selection.speed else 0,
        "confirm_launches": CONFIRMING.launches if selection.speed else 0,
        "pairs": SCREENING.pairs,
        "confirm_pairs": CONFIRMING.pairs,
        "device": selection.device,
    }
