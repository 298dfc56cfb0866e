"""Files of a store: lines and arrays that are wholly there or not at all.

Standard library only, but for the arrays.
"""

import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO, FileIO
from pathlib import Path

SUMMED = re.compile(r"([0-9a-f]{20})-([0-9a-f]{16})\.npz$")  # names of `write_summed`


def append(path: Path, line: bytes) -> None:
    """Add one `line`, its newline included, to `path`, and sync it to the disk; or change nothing.

    What a crash tore off is closed with a newline first. Raises OSError where it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with locked(path) as file:
        size = file.seek(0, os.SEEK_END)
        if _torn(file, size):
            line = b"\n" + line
        try:
            while line:
                line = line[file.write(line) :]
            os.fsync(file.fileno())
        except BaseException:
            file.truncate(size)  # a full disk or ctrl-C: as if it had never begun
            raise


@contextmanager
def locked(path: Path) -> Iterator[FileIO]:
    """The file, opened for appending without a buffer, while no other process appends to it."""
    while True:
        with open(path, "a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.exists(path) and os.path.samestat(os.stat(path), os.fstat(file.fileno())):
                yield file
                return
        # It was replaced while we waited for the lock.


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Write the whole file `path` of `lines`, newlines included, synced; or leave the old one."""
    with _whole(path) as file:
        file.writelines(lines)


def write_arrays(path: Path, arrays: Mapping) -> None:
    """Write `arrays` by name to `path`, an .npz file whose folder is made; or leave the old one."""
    _write(path, _packed(arrays))


def write_summed(folder: Path, stem: str, arrays: Mapping) -> str:
    """Write `arrays` to an .npz file in `folder`, and return its name: `stem`-CHECKSUM.npz.

    Whoever keeps the name keeps the checksum of what is in the file; `read_arrays` looks at it.
    """
    packed = _packed(arrays)
    name = f"{stem}-{_checksum(packed)}.npz"
    _write(folder / name, packed)
    return name


def _packed(arrays: Mapping) -> bytes:
    import numpy  # the records themselves need the standard library only

    file = BytesIO()
    numpy.savez(file, **arrays)
    return file.getvalue()


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _whole(path) as file:
        file.write(content)


def _checksum(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def read_arrays(folder: Path, name: str) -> dict:
    """The arrays of the .npz file `name` below `folder`, by their names.

    Raises ValueError for a path that leaves the folder, for a file that is not what its name has
    the checksum of and for one that holds anything else than plain arrays; FileNotFoundError where
    there is none.
    """
    import numpy

    path = inside(folder, name)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {name} in {folder}.")
    content, summed = path.read_bytes(), SUMMED.search(name)
    if summed and _checksum(content) != summed[2]:
        raise ValueError(f"{name} is not as it was written: its checksum does not match.")
    try:
        with numpy.load(BytesIO(content), allow_pickle=False) as stored:
            return dict(stored)
    except Exception as failure:  # of zipfile, numpy or the system: none is a reason to stop
        raise ValueError(f"{name} is no file of plain arrays: {failure}.") from failure


def inside(folder: Path, name: str) -> Path:
    """The path of `name` in `folder`; ValueError if it leads out of it, by a link or otherwise."""
    folder = folder.resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder) or path == folder:
        raise ValueError(f"{name!r} leads out of {folder}.")
    return path


@contextmanager
def _whole(path: Path) -> Iterator:
    handle, partial = tempfile.mkstemp(dir=path.parent, suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(partial, 0o644)
        os.replace(partial, path)
    except BaseException:
        os.unlink(partial)
        raise


def _torn(file: FileIO, size: int) -> bool:
    if size == 0:
        return False
    file.seek(size - 1)
    return file.read(1) != b"\n"
