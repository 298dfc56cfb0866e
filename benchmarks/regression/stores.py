"""Compare two result stores: what was measured once, joined by identity.

There is no code to run again, so nothing can be confirmed with fresh seeds; Holm's correction over
all tests keeps the report at one false alarm in a hundred instead.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np

from benchmarks.regression.accepted import Acceptance
from benchmarks.regression.audit_command import audit_command, is_audit
from benchmarks.regression.effects import Effect, Summary
from benchmarks.regression.judging import Pair, findings
from benchmarks.regression.report import FAIL_ON, Comparison, command, document
from benchmarks.regression.schema import Document, Side
from benchmarks.regression.worktrees import is_checkout
from benchmarks.store import atomic_files
from benchmarks.store.store import IDENTITY, Damage, files, identity, read

FAMILY = 0.01  # of a false alarm anywhere in the report
NAMED = 5  # damaged lines of a file that are named
LOOSE = ("seed", "problem_version", "budget", "precision")  # need not agree to be one cell


@dataclass(frozen=True)
class Chosen:
    """Which cells to compare, and what makes the report fail."""

    problems: Sequence[str] = ()
    estimators: Sequence[str] = ()
    fail_on: Sequence[str] = FAIL_ON

    def has(self, record: Mapping) -> bool:
        """Whether the record is of a chosen cell."""
        pairs = (self.problems, record["problem"]), (self.estimators, record["estimator"])
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
    level = holm([effect for pair in pairs for effect in pair.effects()])
    found = [finding for pair in pairs for finding in findings(pair, None, level)]
    named = [_side(name, side.values()) for name, side in zip((base, head), sides, strict=True)]
    settings = {
        "levels": {"family": FAMILY, "each": level},
        "confirmation": "Holm's correction over all tests",
    }
    comparison = Comparison(
        *named, pairs, found, settings, chosen.fail_on, accepted, lost=lost
    )  # fmt: skip
    return document(comparison, lambda pair: _reproduce(named, pair))


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
        for record in read(file, damaged):
            if chosen.has(record):
                found[identity(record)] = (file.parent, record)
        if damaged:
            lost.append(_lines_lost(file, damaged))
    return {key: _summary(*place, lost) for key, place in found.items()}


def _lines_lost(file: Path, damaged: Sequence[Damage]) -> str:
    each = [f"line {damage.line}: {damage.reason}" for damage in damaged[:NAMED]]
    each += [f"and {len(damaged) - NAMED} more"] if len(damaged) > NAMED else []
    count = "1 line is no record" if len(damaged) == 1 else f"{len(damaged):,} lines are no records"
    return f"{file}: {count} and left out ({'; '.join(each)})."


def _summary(folder: Path, record: dict, lost: list[str]) -> Summary:
    """A record with the means of its blocks, if the file beside the store is there and whole."""
    name = record.get("per_block")
    if not name or not (folder / name).is_file():
        return Summary.of(record, None)
    try:
        return Summary.of(record, atomic_files.read_arrays(folder, name))
    except (ValueError, KeyError) as mistake:
        why = str(mistake).rstrip(".")
        lost.append(f"{folder / name}: the means of a cell's blocks are left out ({why}).")
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


def _reproduce(sides: Sequence[Side], pair: Pair) -> str | None:
    """The command that measures one cell again, where the commits are known; or an audit."""
    record = (pair.after or pair.before).record
    if is_audit(record):
        return audit_command(record)
    if not all(side.commit for side in sides):
        return None
    seeds = [s.record["seed"] for s in (pair.before, pair.after) if s]
    settings = {"seed": seeds[0], "head_seed": seeds[-1]}
    return command(sides[0].commit[:12], sides[1].commit[:12], pair, settings)
