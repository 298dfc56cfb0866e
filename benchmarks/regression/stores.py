"""Compare two result stores: what was measured once, joined by identity.

There is no code to run again, so nothing can be confirmed with fresh seeds; Holm's correction over
all tests keeps the report at one false alarm in a hundred instead. "Unchanged" is what lies inside
the margin with its whole interval; the rest is open.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from operator import attrgetter
from pathlib import Path

import numpy as np
from msgspec.structs import asdict

from benchmarks.regression import recorded_speed
from benchmarks.regression.accepted import Acceptance
from benchmarks.regression.effects import Effect, Summary
from benchmarks.regression.judging import Pair, findings, judge
from benchmarks.regression.report import FAIL_ON, Comparison, document
from benchmarks.regression.reproduction import reproduction
from benchmarks.regression.schema import Document, Finding, Side
from benchmarks.regression.worktrees import is_checkout
from benchmarks.store import atomic_files
from benchmarks.store.recomputed import unlike_blocks
from benchmarks.store.store import IDENTITY, Damage, files, lines, stranger

FAMILY = 0.01  # of a false alarm anywhere in the report
NAMED = 5  # damaged lines of a file that are named
KEY = attrgetter(*IDENTITY)
LOOSE = ("seed", "problem_version", "budget", "precision")  # need not agree to be one cell


@dataclass(frozen=True)
class Chosen:
    """Which cells to compare, and what makes the report fail."""

    problems: Sequence[str] = ()
    estimators: Sequence[str] = ()
    fail_on: Sequence[str] = FAIL_ON
    timed: bool = True  # whether seconds and bytes are compared, where they can be

    def has(self, problem: str, estimator: str) -> bool:
        """Whether a record of this problem and estimator is of a chosen cell."""
        pairs = (self.problems, problem), (self.estimators, estimator)
        return all(not p or any(fnmatchcase(name, one) for one in p) for p, name in pairs)


def is_store(name: str) -> bool:
    """Whether the name is a result store: a folder with records, or a file of them."""
    path = Path(name)
    if path.is_dir():
        return any(path.glob("*.jsonl")) and not is_checkout(name)
    return path.is_file() and path.suffix == ".jsonl"


def compare_stores(
    base: str, head: str, chosen: Chosen, accepted: Sequence[Acceptance] = ()
) -> Document:
    """The report on the records of `head` against those of `base`; the last of a cell counts."""
    lost: list[str] = []
    sides = [_records(Path(name), chosen, lost) for name in (base, head)]
    pairs = _joined(*sides)
    timed, untimed = _timed(pairs) if chosen.timed else ([], {"It was not asked for": len(pairs)})
    tests = [effect for pair in pairs for effect in pair.effects()]
    level = holm([*tests, *(effect for _, effect in timed)])
    found = [finding for pair in pairs for finding in findings(pair, None, level)]
    found += [_timing(pair, effect, level) for pair, effect in timed]
    named = [_side(name, side.values()) for name, side in zip((base, head), sides, strict=True)]
    settings = {
        "levels": {"family": FAMILY, "each": level},
        "confirmation": "none: what is significant by Holm's correction over all tests is said",
        "margins between runs": recorded_speed.MARGINS,
    }
    comparison = Comparison(
        *named, pairs, found, settings, chosen.fail_on, accepted, lost=lost, fresh=False,
        unapplied=_unapplied(chosen.fail_on, pairs, found, untimed),
    )  # fmt: skip
    gate = [] if chosen.fail_on == FAIL_ON else ["--fail-on", ",".join(chosen.fail_on)]
    return document(comparison, lambda pair: reproduction(named, pair, gate))


def _timed(pairs: Sequence[Pair]) -> tuple[list[tuple[Pair, Effect]], Counter[str]]:
    """How seconds and bytes moved, and how many pairs cannot be compared for which reason."""
    ok = [pair for pair in pairs if pair.statuses == ("ok", "ok") and not pair.mismatch]
    reasons = {id(pair): recorded_speed.why_not(pair) for pair in ok}
    alike = [pair for pair in ok if reasons[id(pair)] is None]
    return recorded_speed.timing_effects(alike), Counter(
        reason for reason in reasons.values() if reason
    )


def _timing(pair: Pair, effect: Effect, level: float) -> Finding:
    finding = judge(pair, effect, None, level)
    same = effect.metric == "memory" and effect.change == 0
    return replace(finding, verdict="identical") if same else finding


def _unapplied(
    fail_on: Sequence[str], pairs: Sequence[Pair], found: Sequence[Finding], untimed: Mapping
) -> list[str]:
    """A sentence for each metric of the gate on which nothing could be decided."""
    said = []
    for metric in fail_on if any(pair.statuses == ("ok", "ok") for pair in pairs) else ():
        each = [f.verdict for f in found if f.metric == metric]
        if set(each) - {"incomparable", "unstable"}:
            continue
        if "unstable" in each:
            said.append(f"The gate on {metric} decided nothing: no interval is within the margin.")
            continue
        why = "no cell has what it takes on both sides"
        if metric in ("speed", "memory") and untimed:
            why = max(untimed, key=untimed.get)
        elif metric == "bias":
            why = "no cell has the means of its blocks on both sides"
        said.append(f"The gate on {metric} cannot be applied: {why}.")
    return said


def holm(effects: Iterable[Effect]) -> float:
    """The level below which p-values are rejected at family-wise 1 % by Holm 1979."""
    p = np.sort([effect.p for effect in effects])
    passed = p <= FAMILY / np.arange(len(p), 0, -1)
    rejected = len(p) if passed.all() else int(np.argmin(passed))
    return FAMILY / max(len(p) - rejected, 1)


def _records(path: Path, chosen: Chosen, lost: list[str]) -> dict[tuple, Summary]:
    """The last record of every cell; what could not be read is told in `lost`."""
    found = {}
    for file in files(path):
        damaged: list[Damage] = []
        for _, _, record in lines(file, damaged):
            if chosen.has(record.problem, record.estimator):
                found[KEY(record)] = (file.parent, record)
        if damaged:
            lost.append(_lines_lost(file, damaged))
    return {key: _summary(folder, asdict(row), lost) for key, (folder, row) in found.items()}


def _lines_lost(file: Path, damaged: Sequence[Damage]) -> str:
    each = [f"line {damage.line}: {damage.reason}" for damage in damaged[:NAMED]]
    each += [f"and {len(damaged) - NAMED} more"] if len(damaged) > NAMED else []
    count = "1 line is no record" if len(damaged) == 1 else f"{len(damaged):,} lines are no records"
    return f"{file}: {count} and left out ({'; '.join(each)})."


def _summary(folder: Path, record: dict, lost: list[str]) -> Summary:
    """A record with the means of its blocks, if the file beside the store is there and whole."""
    name = record.get("per_block")
    if not name:
        return Summary.of(record, None)
    try:
        blocks = atomic_files.read_arrays(folder, name)
        wrong = stranger(record, name) or unlike_blocks(record, blocks)
        if wrong:
            raise ValueError(wrong)
        return Summary.of(record, blocks)
    except (OSError, ValueError) as mistake:
        why = str(mistake).rstrip(".")
        cell = f"{record['problem']} · {record['estimator']} · K={record['samples']}"
        lost.append(
            f"{folder / name}: the means of the blocks of {cell} are left out ({why}); its "
            "variance is compared, its mean is not."
        )
        return Summary.of(record, None)


def _joined(base: Mapping, head: Mapping) -> list[Pair]:
    """Cells of the same identity; then those that differ in seed, R, precision or version only."""
    pairs = [_pair(base[key], head[key]) for key in base if key in head]
    left, right = ({_loose(k): s for k, s in a.items() if k not in b}
                   for a, b in ((base, head), (head, base)))  # fmt: skip
    done = {_loose(key) for key in base if key in head}
    for key in {**left, **right}:
        if key not in done:
            pairs.append(_pair(left.get(key), right.get(key)))
    return pairs


def _loose(key: tuple) -> tuple:
    return tuple(part for name, part in zip(IDENTITY, key, strict=True) if name not in LOOSE)


def _pair(before: Summary | None, after: Summary | None) -> Pair:
    mismatch = None
    if before and after:
        for name in ("budget", "precision"):
            a, b = before.record.get(name), after.record.get(name)
            if a != b:
                mismatch = f"The base has {name} {a}, the head {b}."
    return Pair((after or before).record["estimator"], before, after, mismatch)


def _side(name: str, summaries: Iterable[Summary]) -> Side:
    contexts = [s.record.get("context") or {} for s in summaries]
    context = contexts[-1] if contexts else {}
    return Side(str(Path(name)), context.get("commit"), context)
