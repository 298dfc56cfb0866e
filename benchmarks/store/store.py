"""The result store: append-only JSON Lines, one record per finished cell.

A record is flat, but for its `context`; `benchmarks.store.schema` says what each field is.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import asdict

from benchmarks.store import atomic_files
from benchmarks.store.record_lines import SCHEMA, Damaged, decode, encode, strict
from benchmarks.store.schema import (
    BESIDE,
    COLUMNS,
    CONTEXT,
    COUNTS,
    FLAGS,
    IDENTITY,
    LISTS,
    STATUS,
    TEXTS,
    VALUES,
    Record,
)

__all__ = ["BESIDE", "COLUMNS", "CONTEXT", "COUNTS", "FLAGS", "IDENTITY", "LISTS", "SCHEMA"]
__all__ += ["STATUS", "TEXTS", "VALUES", "Damage", "Store", "files", "identity", "lines", "read"]
__all__ += ["say_damaged", "strict"]


@dataclass(frozen=True)
class Damage:
    """A line that is no record: `path` of its file, its number `line` from 1, and the `reason`."""

    path: Path
    line: int  # counted from 1
    reason: str


class Store:
    """Records in `folder/records.jsonl`, appended and never rewritten.

    Each record is one whole line, synced to the disk before `append` returns, or nothing. A line
    torn by a crash is left out on reading. Several processes may append at the same time.
    """

    def __init__(self, folder: str | Path):
        folder = Path(folder).absolute()  # wherever the process goes later
        self.path = folder / "records.jsonl"
        self.truths = folder / "truths"  # those that took long to find
        self.damaged: list[Damage] = []  # the lines that the last reading left out

    def append(self, record: Mapping) -> None:
        """Add one record durably.

        Raises ValueError for fields that the schema does not know, or not with such a value;
        OSError where the file cannot be written.
        """
        unknown = set(record) - set(COLUMNS) - {"context"}
        if unknown:
            raise ValueError(f"A record has no field {', '.join(sorted(unknown))}; see {__name__}.")
        line = encode(record)
        try:
            decode(line)
        except Damaged as wrong:
            raise ValueError(f"This is no record: {wrong}; see {__name__}.") from wrong
        atomic_files.append(self.path, line)

    def beside(self, record: Mapping, arrays: Mapping, folder: str = "parameters") -> str:
        """Store arrays that belong to a record in an .npz file; its path within the folder.

        The name is made of the record's identity and of the checksum of the arrays, so that the
        record carries it, and no other measurement of the cell takes its place.

        - `record`: the cell that the arrays are of.
        - `arrays`: arrays by name, with whatever NumPy turns into one.
        - `folder`: below the store, such as "parameters" or "blocks".

        The file is there before the record that names it, whole or not at all.
        """
        within = self.path.parent / folder
        return f"{folder}/{atomic_files.write_summed(within, digest(record), arrays)}"

    def arrays(self, name: str) -> dict:
        """The arrays that a record names in `per_parameter`, by name.

        Raises ValueError for a path that leaves the folder, for a file that is not as it was
        written and for one that holds anything else than plain arrays, FileNotFoundError where
        there is none.
        """
        return atomic_files.read_arrays(self.path.parent, name)

    def __iter__(self) -> Iterator[dict]:
        """Every whole record, oldest first; `damaged` then says which lines are none."""
        self.damaged = []
        return read(self.path, self.damaged)

    def latest(self) -> dict[tuple, dict]:
        """The last record of every identity."""
        return {identity(record): record for record in self}


def identity(record: Mapping) -> tuple:
    """What makes two records comparable."""
    return tuple(record.get(key) for key in IDENTITY)


def digest(record: Mapping) -> str:
    """Twenty hexadecimal digits that stand for the identity of a record in names of files."""
    key = json.dumps([repr(part) for part in identity(record)])
    return hashlib.sha256(key.encode()).hexdigest()[:20]


def stranger(record: Mapping, name: str) -> str | None:
    """Why a file beside a store is not of a record that names it, or None."""
    named = atomic_files.SUMMED.search(name)
    if named and named[1] != digest(record):
        return f"{name} is of another cell"
    return None


def files(path: str | Path) -> list[Path]:
    """The files of a store folder in the order of their names; of one .jsonl file, that file.

    Raises FileNotFoundError where there is none.
    """
    path = Path(path)
    found = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not found or not path.exists():
        raise FileNotFoundError(f"There are no results in {path}; `gradmeter run` makes some.")
    return found


def read(path: str | Path, damaged: list[Damage] | None = None) -> Iterator[dict]:
    """Yield the records of one file.

    - `path`: of a .jsonl file.
    - `damaged`: a list to which the lines that are no record are added; None: they are forgotten.

    Fields that a line does not have are None. Records of one run may share their context: do not
    change it.
    """
    for _, _, record in lines(path, [] if damaged is None else damaged):
        yield asdict(record)


def lines(path: str | Path, damaged: list[Damage]) -> Iterator[tuple[int, bytes, Record]]:
    """Yield the records of one file, each as (number of its line, line, record).

    `path` is a .jsonl file; the lines that are no record are added to `damaged`.
    """
    with open(path, "rb", buffering=2**20) as file:  # a line is some kilobytes long
        for number, line in enumerate(file, 1):
            try:
                record = decode(line)
            except Damaged as damage:
                if not line.isspace():
                    damaged.append(Damage(Path(path), number, str(damage)))
            else:
                yield number, line, record


def say_damaged(damaged: list[Damage], named: int = 5) -> str:
    """One sentence about the `damaged` lines that were left out, with the first `named` of them."""
    each = [f"{damage.path} line {damage.line}: {damage.reason}" for damage in damaged[:named]]
    each += [f"and {len(damaged) - named} more"] if len(damaged) > named else []
    count = "1 line is" if len(damaged) == 1 else f"{len(damaged):,} lines are"
    return f"{count} no record and left out ({'; '.join(each)})."
