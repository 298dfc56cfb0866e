"""What is wrong in a store: lines that are no records, impossible values, files not their own."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from msgspec.structs import asdict

from benchmarks.store.atomic_files import read_arrays
from benchmarks.store.recomputed import unlike, unlike_blocks, unlike_parameters
from benchmarks.store.schema import Record
from benchmarks.store.store import BESIDE, IDENTITY, Damage, files, lines, stranger

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
            for kind, name in ((kind, getattr(record, kind)) for kind in BESIDE):
                if name:
                    found.arrays += 1
                    wrong = _beside(file.parent, record, kind, name)
                    found.wrong += [Damage(file, number, doubt) for doubt in wrong]
        found.wrong += lost
    found.wrong.sort(key=lambda damage: (damage.path, damage.line))
    return found


def doubts(record: Record) -> Iterator[str]:
    """What a record says that no measurement can have said, each as part of a sentence."""
    if record.status != "ok" and not record.reason:
        yield f"it has status {record.status} without a reason"
    yield from unlike(record)
    for ends in INTERVALS:
        low, value, high = (getattr(record, end) for end in ends)
        if low is None or value is None or high is None or low <= value <= high:
            continue
        room = ENDS_TOLERANCE * max(abs(low), abs(high))
        if not low - room <= value <= high + room:
            yield f"{ends[1]} is {value}, outside its interval [{low}, {high}]"


def _beside(folder: Path, record: Record, kind: str, name: str) -> Iterator[str]:
    """What is wrong with a file beside a record: lost, changed, of another cell, or unlike it."""
    plain = asdict(record)
    if why := stranger(plain, name):
        yield why
    try:
        arrays = read_arrays(folder, name)
    except (OSError, ValueError) as failure:
        yield str(failure)
        return
    if kind == "per_block":
        wrong = unlike_blocks(plain, arrays)
    else:
        wrong = unlike_parameters(record.variance, arrays)
    if wrong:
        yield f"the arrays in {name} are not its own: {wrong}"
