"""What a folder was built of, so that a page is written again only if what it shows has changed.

`.built` in the folder holds for each file the fingerprint of what it was made of, its code and
templates included, and the digest of what was written.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import pandas

from benchmarks.store.store import LISTS
from reports.pages.forked import results
from reports.text.rendering import write_whole

NAME = ".built"


class File(NamedTuple):
    """A file at a `path` in the folder: `make()` is its text.

    `made_of` is anything whose `repr` says all that the text depends on.
    """

    path: str
    made_of: object
    make: Callable[[], str]


class Built:
    """The files of a folder, written where they are not what they would be.

    `written` names those that were; `keep` stores what all were made of.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.before = _read(folder / NAME)
        self.after: dict[str, list[str]] = {}
        self.written: list[str] = []

    def write(self, files: Iterable[File]) -> None:
        """Write those of the files that are not there, or were not made of the same."""
        stale = []
        for one in files:
            mark, before = fingerprint([one.made_of]), self.before.get(one.path)
            file = self.folder / one.path
            if before and before[0] == mark and file.is_file() and _digest(file) == before[1]:
                self.after[one.path] = before
            else:
                stale.append((one, mark))
        digests = results([partial(self._made, one) for one, _ in stale])
        for (one, mark), digest in zip(stale, digests, strict=True):
            self.after[one.path] = [mark, digest]
            self.written.append(one.path)

    def _made(self, one: File) -> str:
        file = self.folder / one.path
        write_whole(file, one.make())
        return _digest(file)

    def keep(self) -> None:
        """Store what the files were made of, and forget those that this build did not have."""
        write_whole(self.folder / NAME, json.dumps(self.after, indent=0, sort_keys=True))


def fingerprint(parts: Iterable[object]) -> str:
    """Hexadecimal digits that stand for the `repr` of all parts and for the code of the reports."""
    found = hashlib.sha256(_code())
    for part in parts:
        found.update(repr(part).encode(errors="surrogatepass") + b"\0")
    return found.hexdigest()[:32]


def row_marks(frame: pandas.DataFrame) -> pandas.Series:
    """A number for each row of a frame that stands for its values, lists aside."""
    plain = frame.drop(columns=[*LISTS], errors="ignore")
    objects = plain.select_dtypes("object").columns
    plain = plain.assign(**{name: plain[name].map(repr) for name in objects})
    return pandas.util.hash_pandas_object(plain, index=False)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:32]


def _read(file: Path) -> dict[str, list[str]]:
    """What was kept; nothing where there is no file, or one that is not ours."""
    try:
        kept = json.loads(file.read_text())
        return {path: [str(mark), str(digest)] for path, (mark, digest) in kept.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


@cache
def _code() -> bytes:
    """A digest of every file that pages are made with."""
    home = Path(__file__).parents[1]
    ends = {".py", ".j2", ".css", ".js"}
    found = hashlib.sha256()
    for path in sorted(path for path in home.rglob("*") if path.suffix in ends):
        found.update(path.relative_to(home).as_posix().encode() + path.read_bytes())
    return found.digest()
