"""What is wrong in a store: lines that are no records, values that cannot be, files that are gone.

Standard library only, but for the files of arrays.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.results import BESIDE, COLUMNS, Damage, files, identity, numbered
from benchmarks.store_files import read_arrays

STATUSES = ("ok", "n/a", "error")
VERDICTS = ("unbiased", "biased", "undetermined", "no truth", None)
COUNTED = ("samples", "budget", "replicates")
NOT_NEGATIVE = ("variance", "snr", "evaluations", "seconds", "peak_memory_bytes", "work_variance")
SHARES = ("bias_p", "wrong_way", "unhealthy", "zero", "nonfinite_costs")
INTERVALS = ("variance", "data_variance", "bias2", "seconds", "work_variance")
ROUNDING = 1e-9  # relative, at the ends of an interval


@dataclass
class Findings:
    """What a look at every line of a store found. `cells` are hashes of identities."""

    records: int = 0
    cells: set[int] = field(default_factory=set)
    arrays: int = 0
    wrong: list[Damage] = field(default_factory=list)


def verify(path: str | Path) -> Findings:
    """Look at every line of a store and at every file beside it.

    Memory grows with the cells and with what is wrong, not with the records. Raises
    FileNotFoundError where there is no store.
    """
    found = Findings()
    for file in files(path):
        lost: list[Damage] = []
        for number, record in numbered(file, lost):
            found.records += 1
            found.cells.add(hash(identity(record)))
            found.wrong += [Damage(file, number, doubt) for doubt in doubts(record)]
            for name in filter(None, map(record.get, BESIDE)):
                found.arrays += 1
                found.wrong += [Damage(file, number, doubt) for doubt in _beside(file.parent, name)]
        found.wrong += lost
    found.wrong.sort(key=lambda damage: (damage.path, damage.line))
    return found


def doubts(record: Mapping) -> Iterator[str]:
    """What a record says that no measurement can have said, each as part of a sentence."""
    for name in record.keys() - {*COLUMNS, "context", "schema"}:
        yield f"it has an unknown field {name[:40]!r}"
    if record["status"] not in STATUSES:
        yield f"its status is {record['status'][:40]!r}, not {', '.join(STATUSES)}"
    elif record["status"] != "ok" and not record.get("reason"):
        yield f"it has status {record['status']} without a reason"
    if record.get("bias_verdict") not in VERDICTS:
        yield f"its verdict on bias is {record['bias_verdict'][:40]!r}"
    for name in COUNTED:
        if _number(record, name, 1.0) < 1:
            yield f"{name} is {record[name]}, less than one"
    for name in NOT_NEGATIVE:
        if not 0 <= _number(record, name, 0.0) < float("inf"):
            yield f"{name} is {record[name]}, which is negative or not finite"
    for name in SHARES:
        if not 0 <= _number(record, name, 0.0) <= 1:
            yield f"{name} is {record[name]}, not between 0 and 1"
    for name in INTERVALS:
        yield from _interval(
            name, *(_number(record, f"{name}{end}") for end in ("_low", "", "_high"))
        )


def _number(record: Mapping, name: str, otherwise: float | None = None) -> float | None:
    value = record.get(name)
    return otherwise if value is None else value


def _interval(
    name: str, low: float | None, value: float | None, high: float | None
) -> Iterator[str]:
    if low is None or value is None or high is None:
        return
    room = ROUNDING * max(abs(low), abs(high))
    if not low - room <= value <= high + room:
        yield f"{name} is {value}, outside its interval [{low}, {high}]"


def _beside(folder: Path, name: str) -> Iterator[str]:
    try:
        read_arrays(folder, name)
    except (OSError, ValueError) as failure:
        yield str(failure)
