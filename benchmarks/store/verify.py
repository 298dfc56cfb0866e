"""What is wrong in a store: lines that are no records, impossible values, files that are gone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.store.atomic_files import read_arrays
from benchmarks.store.schema import Record
from benchmarks.store.store import BESIDE, IDENTITY, Damage, files, lines

STATUSES = ("ok", "n/a", "error")
VERDICTS = ("unbiased", "biased", "undetermined", "no truth", None)
SHARES = ("bias_p", "wrong_way", "unhealthy", "zero", "nonfinite_costs")
LEAST = {"samples": 1, "budget": 1, "replicates": 1, "variance": 0, "snr": 0, "evaluations": 0}
LEAST |= {"seconds": 0, "peak_memory_bytes": 0, "work_variance": 0}
INTERVALS = [
    (f"{name}_low", name, f"{name}_high")
    for name in ("variance", "data_variance", "bias2", "seconds", "work_variance")
]
ENDS_TOLERANCE = 1e-9  # relative, at the ends of an interval


@dataclass
class Findings:
    """What a look at every line of a store found.

    How many `records` and `arrays`, the `cells` as hashes of identities, and what is `wrong` with
    which line.
    """

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
        for number, _, record in lines(file, lost):
            found.records += 1
            found.cells.add(hash(tuple(getattr(record, name) for name in IDENTITY)))
            found.wrong += [Damage(file, number, doubt) for doubt in doubts(record)]
            for name in filter(None, (getattr(record, name) for name in BESIDE)):
                found.arrays += 1
                found.wrong += [Damage(file, number, doubt) for doubt in _beside(file.parent, name)]
        found.wrong += lost
    found.wrong.sort(key=lambda damage: (damage.path, damage.line))
    return found


def doubts(record: Record) -> Iterator[str]:
    """What a record says that no measurement can have said, each as part of a sentence."""
    if record.status not in STATUSES:
        yield f"its status is {record.status[:40]!r}, not {', '.join(STATUSES)}"
    elif record.status != "ok" and not record.reason:
        yield f"it has status {record.status} without a reason"
    if record.bias_verdict not in VERDICTS:
        yield f"its verdict on bias is {record.bias_verdict[:40]!r}"
    for name, least in LEAST.items():
        if (value := getattr(record, name)) is not None and value < least:
            yield f"{name} is {value}, less than {least}"
    for name in SHARES:
        if (value := getattr(record, name)) is not None and not 0 <= value <= 1:
            yield f"{name} is {value}, not between 0 and 1"
    for ends in INTERVALS:
        low, value, high = (getattr(record, end) for end in ends)
        if low is None or value is None or high is None or low <= value <= high:
            continue
        room = ENDS_TOLERANCE * max(abs(low), abs(high))
        if not low - room <= value <= high + room:
            yield f"{ends[1]} is {value}, outside its interval [{low}, {high}]"


def _beside(folder: Path, name: str) -> Iterator[str]:
    try:
        read_arrays(folder, name)
    except (OSError, ValueError) as failure:
        yield str(failure)
