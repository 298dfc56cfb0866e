"""Compare two revisions: measure both with the same seeds, confirm with fresh ones, then time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.regression.accepted import Acceptance
from benchmarks.regression.effects import CONFIRM, SCREENS, Effect, Summary
from benchmarks.regression.judging import Confirmation, Pair, findings, judge
from benchmarks.regression.report import FAIL_ON, Comparison, Reproduction, command, document
from benchmarks.regression.schema import Document, Finding, Side
from benchmarks.regression.speed import (
    CONFIRMING,
    SCREENING,
    Effort,
    launches,
    memory_effect,
    speed_effect,
)
from benchmarks.regression.worktrees import Worker, WorkerKilled, checkouts, is_checkout, workers
from benchmarks.running.cell_spec import CellSpec
from benchmarks.running.selection import Membership, choose, suite_cells

MORE = 4  # times the replicates, to confirm
FRESH = 1_000_003  # added to the seeds, to confirm


@dataclass(frozen=True)
class Selection:
    """Which cells, with how many replicates and which seeds, and what makes the report fail."""

    suite: str = "quick"
    problems: tuple[str, ...] = ()
    estimators: tuple[str, ...] = ()
    samples: tuple[int, ...] = (1, 4)
    replicates: int | None = None  # the problem says, unless given
    seed: int = 0
    head_seed: int | None = None  # as the base's, unless given
    device: str = "cpu"
    fail_on: tuple[str, ...] = FAIL_ON
    timed: bool = True
    plugins: tuple[str, ...] = ()

    @property
    def seeds(self) -> tuple[int, int]:
        """Of the base and of the head."""
        return self.seed, self.seed if self.head_seed is None else self.head_seed

    @property
    def options(self) -> list[str]:
        """What the command that repeats a cell is given, to end as this one does."""
        gate = [] if self.fail_on == FAIL_ON else ["--fail-on", ",".join(self.fail_on)]
        return gate + ([] if self.timed else ["--no-speed"])


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
        with workers(*roots) as both:
            plugins = [str(Path(p).resolve()) for p in selection.plugins]
            sides = _ask(both, "about", plugins=plugins)
            cells = _cells(selection, sides)
            progress.total(len(cells) * (1 + SCREENING.launches * selection.timed))
            measured = _Measured(both, selection, sides, plugins)
            interrupted = measured.run(cells, progress)
        found = measured.findings
        if selection.timed and not interrupted:
            timed, interrupted = _timed(roots, plugins, measured.pairs, selection, progress)
            found = [*found, *timed]
    settings = _settings(selection)
    comparison = Comparison(
        _side(base, sides[0]), _side(head, sides[1]), measured.pairs, found, settings,
        selection.fail_on, accepted, interrupted,
    )  # fmt: skip
    more = selection.plugins, selection.options

    def reproduce(pair: Pair) -> Reproduction:
        return Reproduction(command(base, head, pair, settings, *more))

    return document(comparison, reproduce)


@dataclass
class _Measured:
    """Runs cells on both sides at once and judges them."""

    both: Sequence[Worker]
    selection: Selection
    sides: Sequence[dict]
    plugins: Sequence[str]

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
            problem in side["problems"] and spec.partition(":")[0] in side["estimators"]
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
        common |= {"estimator": spec.partition(":")[0], "device": self.selection.device}
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
            worker.close()
            worker.start()
            worker("about", plugins=self.plugins)
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


def _timed(
    roots: Sequence[Path],
    plugins: Sequence[str],
    pairs: Sequence[Pair],
    selection: Selection,
    progress: Progress,
) -> tuple[list[Finding], bool]:
    """The verdicts on speed and memory, and whether it was interrupted."""
    by_spec = {
        CellSpec(p.cell["problem"], p.spec, p.cell["samples"], p.cell["budget"]): p
        for p in pairs
        if p.statuses == ("ok", "ok")
    }

    def of(cells: Sequence[CellSpec], effort: Effort, step: Callable = lambda cell: None) -> dict:
        each = launches(roots, plugins, cells, effort, selection.device, selection.seed, step)
        return {cell: (speed_effect(e), memory_effect(e)) for cell, e in each.items()}

    try:
        first = of(list(by_spec), SCREENING, progress.step)
        suspects = [c for c, both in first.items() if any(effect.suspicious for effect in both)]
        again = of(suspects, CONFIRMING) if suspects else {}
    except KeyboardInterrupt:
        return [], True
    found = []
    for cell, each in first.items():
        second = Confirmation(effects={effect.metric: effect for effect in again.get(cell, ())})
        found += [_timing(by_spec[cell], effect, second) for effect in each]
    return found, False


def _timing(pair: Pair, effect: Effect, second: Confirmation) -> Finding:
    finding = judge(pair, effect, second, CONFIRM)
    same = effect.metric == "memory" and effect.change == 0
    return replace(finding, verdict="identical") if same else finding


def _cells(selection: Selection, sides: Sequence[dict]) -> list[CellSpec]:
    """Every cell that either side has: problem, estimator, K, R."""
    base, head = sides
    budgets = base["problems"] | head["problems"]
    names = list(base["estimators"] | head["estimators"])
    members = _membership(sides)
    in_suite = {*base["suites"][selection.suite], *head["suites"][selection.suite]}
    problems = [name for name in budgets if selection.problems or name in in_suite]
    shelf = [name for name in names if selection.suite == "full" or name in members.quick]
    chosen = selection.estimators and choose("estimator", selection.estimators, names)
    return suite_cells(
        choose("problem", selection.problems, problems),
        selection.samples,
        lambda problem: selection.replicates or budgets[problem],
        lambda problem: chosen or members.estimators_of(problem, shelf),
    )


def _membership(sides: Sequence[dict]) -> Membership:
    """What is in a suite on either side."""
    also: dict[str, tuple[str, ...]] = {}
    for side in sides:
        for problem, added in side["also"].items():
            also[problem] = (*also.get(problem, ()), *added)
    quick, narrow = (
        frozenset().union(*(side[key] for side in sides)) for key in ("quick", "narrow")
    )
    return Membership(quick, narrow, also)


def _ask(both: Sequence[Worker], request: str, **arguments) -> list:
    for worker in both:
        worker.ask(request, **arguments)
    return [worker.answer() for worker in both]


def _side(name: str, about: dict) -> Side:
    shown = str(Path(name).resolve()) if is_checkout(name) else name
    return Side(shown, about["context"]["commit"], about["context"])


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
        "launches": SCREENING.launches if selection.timed else 0,
        "confirm_launches": CONFIRMING.launches if selection.timed else 0,
        "pairs": SCREENING.pairs,
        "confirm_pairs": CONFIRMING.pairs,
        "device": selection.device,
    }
