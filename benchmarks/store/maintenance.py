"""Merge stores of several machines, and prune a store to the latest record of every cell.

Nothing is overwritten: a merge makes a new folder, a prune keeps the old file beside the new one.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from benchmarks.store.atomic_files import inside, locked, write_lines
from benchmarks.store.schema import Record
from benchmarks.store.store import BESIDE, IDENTITY, STATUS, VALUES, Damage, files, lines

CONFLICTS = "conflicts"  # the folder in a merged store that holds one store per source


@dataclass
class Merged:
    """What a merge did.

    `records` written, `conflicts`: cells on which sources disagree, and `damaged` lines left out.
    """

    records: int = 0
    conflicts: int = 0
    damaged: list[Damage] = field(default_factory=list)


@dataclass
class Pruned:
    """Records a prune `kept` and `dropped`, `damaged` lines, and the old file as `backup`."""

    kept: int = 0
    dropped: int = 0
    damaged: list[Damage] = field(default_factory=list)
    backup: Path | None = None


def merge(sources: Sequence[str | Path], to: str | Path) -> Merged:
    """Write the union of the stores `sources`, by identity, to the new folder `to`.

    What two sources measured alike (the same status and values, whatever the context) stands
    there once. Where one source has all the records that another has of a cell, and more, those
    are taken. Where they disagree, none is preferred: each source's records of that cell stand in a
    store of their own, `to`/conflicts/<number of the source>.
    Raises ValueError if `to` exists, FileNotFoundError for a source without results.
    """
    to = Path(to)
    if to.exists():
        raise ValueError(f"{to} exists already; merge to a new folder, with {to} as a source.")
    merged = Merged()
    known = [_cells(source, merged.damaged) for source in sources]
    homes = _homes(known)
    merged.conflicts = sum(home is None for home in homes.values())
    to.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=to.parent, prefix=f".{to.name}."))
    try:
        for place, source in enumerate(sources):
            merged.records += _copy(source, homes, place, work)
            if any(homes[cell] is None for cell in known[place]):
                _copy(source, homes, None, work / CONFLICTS / str(place + 1))
        work.chmod(0o755)
        work.rename(to)
    except BaseException:
        shutil.rmtree(work)
        raise
    return merged


def prune(path: str | Path, dry_run: bool = False) -> Pruned:
    """Keep the latest record of every cell in the store, or .jsonl file, `path`; drop the others.

    The new file takes the place of the old one at once; the old one stays beside it, under
    another name. Other processes may append meanwhile. With `dry_run` nothing is changed.
    Raises FileNotFoundError where there is none.
    """
    path = Path(path)
    path = path / "records.jsonl" if path.is_dir() else path
    files(path)
    pruned = Pruned()
    with locked(path):
        last = {_cell(record): number for number, _, record in lines(path, pruned.damaged)}
        total = sum(1 for _ in lines(path, []))
        pruned.kept, pruned.dropped = len(last), total - len(last)
        if not dry_run and (pruned.dropped or pruned.damaged):
            pruned.backup = _free(path)
            os.link(path, pruned.backup)
            kept = (line for n, line, record in lines(path, []) if last[_cell(record)] == n)
            write_lines(path, map(_ended, kept))
    return pruned


def _free(path: Path) -> Path:
    """A name for the old file that is not taken, and that no reader of the store looks at."""
    names = (path.with_name(f"{path.name}.before-prune-{number}") for number in count(1))
    return next(name for name in names if not name.exists())


def _ended(line: bytes) -> bytes:
    """A line as it was, with the newline that the last of a file may lack."""
    return line.rstrip(b"\n") + b"\n"


def _cells(source: str | Path, damaged: list[Damage]) -> dict[bytes, set[bytes]]:
    """The records of every cell, as digests: some hundred bytes for each."""
    cells: dict[bytes, set[bytes]] = {}
    for file in files(source):
        for _, _, record in lines(file, damaged):
            values = _digest(record, (*STATUS, *VALUES))
            cells.setdefault(_cell(record), set()).add(values)
    return cells


def _cell(record: Record) -> bytes:
    return _digest(record, IDENTITY)


def _digest(record: Record, names: Iterable[str]) -> bytes:
    values = [getattr(record, name) for name in names]
    return hashlib.blake2b(json.dumps(values).encode(), digest_size=16).digest()


def _homes(known: list[dict[bytes, set[bytes]]]) -> dict[bytes, int | None]:
    """The source to take each cell from; None where sources disagree."""
    homes: dict[bytes, int | None] = {}
    for place, cells in enumerate(known):
        for cell, records in cells.items():
            before = homes.setdefault(cell, place)
            if before is None or records <= known[before][cell]:
                continue
            homes[cell] = place if records > known[before][cell] else None
    return homes


def _copy(source: str | Path, homes: dict, home: int | None, to: Path) -> int:
    """Append the records of the cells with this home, and bring what stands beside; how many."""
    to.mkdir(parents=True, exist_ok=True)
    written = 0
    with open(to / "records.jsonl", "ab") as merged:
        for file in files(source):
            for _, line, record in lines(file, []):
                if homes[_cell(record)] == home:
                    for name in filter(None, (getattr(record, name) for name in BESIDE)):
                        _bring(file.parent, to, name)
                    written += merged.write(_ended(line)) > 0
    return written


def _bring(source: Path, to: Path, name: str) -> None:
    if (original := inside(source, name)).is_file():
        copy = inside(to, name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original, copy)
