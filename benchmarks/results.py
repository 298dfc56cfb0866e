"""The result store: append-only JSON Lines, one record per finished cell. Standard library only.

A record is flat. Its keys fall into four groups, so that nothing is ever joined by position:
`IDENTITY` says what makes two records comparable, `STATUS` how the cell ended, `VALUES` what was
measured, and `context` (one nested object) where and when.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from benchmarks import store_files
from benchmarks.store_kinds import FLAG, NUMBER, SCALARS, TEXT, WHOLE, Kinds
from benchmarks.store_lines import SCHEMA, Damaged, decode, encode, strict

__all__ = ["BESIDE", "COLUMNS", "CONTEXT", "COUNTS", "FLAGS", "IDENTITY", "LISTS", "SCHEMA"]
__all__ += ["STATUS", "TEXTS", "VALUES", "Damage", "Store", "files", "identity", "mistake"]
__all__ += ["numbered", "read", "say_damaged", "strict"]

IDENTITY = (
    "problem",
    "estimator",
    "config",  # the estimator's fields as sorted JSON
    "samples",  # K, per estimate
    "budget",  # R asked for: what is reached, unless `precision` stops before
    "precision",  # relative half-width of the variance interval at which to stop, or null
    "seed",
    "device",
    "dtype",
    "problem_version",
)
STATUS = (
    "status",  # ok | n/a | error
    "reason",  # one sentence, unless ok
)
VALUES = (
    "replicates",  # R measured
    "variance",  # trace of the covariance of one estimate, over all of λ
    "variance_low",
    "variance_high",
    "kurtosis",  # of one estimate: E s² / (E s)², s = ‖ĝ − E ĝ‖²
    "data_variance",  # what the choice of the minibatch adds, where there are minibatches
    "data_variance_low",
    "data_variance_high",
    "bias2",  # ‖E ĝ − g‖², sampling noise taken out: may be slightly negative
    "bias2_low",
    "bias2_high",
    "bias_p",  # of "unbiased", all parameters together
    "bias_verdict",  # unbiased | biased | undetermined | no truth
    "bias_limit",  # upper 95 % limit of ‖bias‖ / ‖g‖ (of ‖bias‖ / √variance where g = 0)
    "replicates_to_decide",  # R at which an undetermined verdict would be decided
    "truth_method",  # closed form | enumeration | quadrature | reference | none
    "truth_error",  # ‖its standard error‖ / ‖g‖
    "truth_note",  # how a truth was made, where that takes words
    "gradient_norm",  # ‖g‖ of the truth
    "mse",
    "snr",  # ‖E ĝ‖ / √variance
    "snr_low",
    "snr_high",
    "cosine",  # mean cosine between one estimate and the truth
    "wrong_way",  # share of estimates that point away from the truth
    "evaluations",  # cost evaluations per estimate, baselines included
    "fit_evaluations",  # cost evaluations spent once on what it learned, where it learns anything
    "variance_start",  # before anything was learned, of at most 2 000 replicates
    "variance_start_low",
    "variance_start_high",
    "seconds",  # per estimate in the batched loop
    "seconds_low",
    "seconds_high",
    "gradients_per_second",
    "peak_memory_bytes",  # of one block of the batched loop
    "work_variance",  # variance × seconds
    "work_variance_low",
    "work_variance_high",
    "heavy_tailed",  # the variance interval may be too short
    "unhealthy",  # share of non-finite gradients
    "zero",  # share of gradients that are exactly zero
    "nonfinite_costs",  # share of cost values that are not finite
    "stopped",  # replicates | precision | capped
    "per_parameter",  # the file beside the store with each parameter's numbers, if asked for
    "per_block",  # the file beside the store with the means of blocks, for paired changes
    "variance_jackknife",  # without each of the ≤ 64 blocks of replicates, for paired ratios
    "trajectory",  # the problem's plain name, where it is a stage of a training
    "step",  # of that training
)
COLUMNS = (*IDENTITY, *STATUS, *VALUES)
CONTEXT = (
    "commit",
    "dirty",
    "time",
    "host",
    "cpu",
    "cores",
    "gpu",
    "threads",
    "python",
    "torch",
    "numpy",
    "gradmeter",
    "platform",
    "isolated",  # timed, with no other work of the run beside it
)
# Types of the fields. What is not listed here is a number.
BESIDE = ("per_parameter", "per_block")  # paths of files, within the folder of the store
TEXTS = {"problem", "estimator", "config", "device", "dtype", "status", "reason", "bias_verdict"}
TEXTS |= {"truth_method", "truth_note", "stopped", "trajectory", *BESIDE}
TEXTS |= {*CONTEXT} - {"dirty", "cores", "threads", "isolated"}
COUNTS = {"samples", "budget", "replicates", "seed", "step", "cores", "threads"}
FLAGS = {"heavy_tailed", "dirty", "isolated"}
LISTS = {"variance_jackknife"}  # of numbers


@dataclass(frozen=True)
class Damage:
    """A line that is no record."""

    path: Path
    line: int  # counted from 1
    reason: str


class Store:
    """Records in `folder/records.jsonl`, appended and never rewritten.

    Each record is one whole line, synced to the disk before `append` returns, or nothing. A line
    torn by a crash is left out on reading. Several processes may append at the same time.
    """

    def __init__(self, folder: str | Path):
        self.path = Path(folder) / "records.jsonl"
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
        wrong = mistake(decode(line))
        if wrong is not None:
            raise ValueError(f"This is no record: {wrong}; see {__name__}.")
        store_files.append(self.path, line)

    def beside(self, record: Mapping, arrays: Mapping, folder: str = "parameters") -> str:
        """Store arrays that belong to a record in an .npz file; its path within the folder.

        The file is there before the record that names it, whole or not at all.
        """
        key = json.dumps([repr(part) for part in identity(record)])
        name = f"{folder}/{hashlib.sha256(key.encode()).hexdigest()[:20]}.npz"
        store_files.write_arrays(self.path.parent / name, arrays)
        return name

    def arrays(self, name: str) -> dict:
        """The arrays that a record names in `per_parameter`, by name.

        Raises ValueError for a path that leaves the folder and for a file that holds anything else
        than plain arrays, FileNotFoundError where there is none.
        """
        return store_files.read_arrays(self.path.parent, name)

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
    """Yield the records of one file. Lines that are none are left out and added to `damaged`.

    Records of one run may share their context: do not change it.
    """
    for _, record in numbered(path, [] if damaged is None else damaged):
        yield record


def numbered(path: str | Path, damaged: list[Damage]) -> Iterator[tuple[int, dict]]:
    """Yield the records of one file with the numbers of their lines."""
    sound = None
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                record = decode(line)
                wrong = mistake(record, sound)
            except Damaged as damage:
                record, wrong = {}, str(damage)
            if wrong is None:
                sound = record.get("context")
                yield number, record
            elif not line.isspace():
                damaged.append(Damage(Path(path), number, wrong))


def say_damaged(damaged: list[Damage], named: int = 5) -> str:
    """One sentence about the lines that were left out."""
    each = [f"{damage.path} line {damage.line}: {damage.reason}" for damage in damaged[:named]]
    each += [f"and {len(damaged) - named} more"] if len(damaged) > named else []
    count = "1 line is" if len(damaged) == 1 else f"{len(damaged):,} lines are"
    return f"{count} no record and left out ({'; '.join(each)})."


def mistake(record: Mapping, sound: dict | None = None) -> str | None:
    """What keeps a mapping from being a record, as part of a sentence; None if nothing does.

    `sound` is a context that was looked at before, as records of one run share theirs.
    """
    wrong = RECORD.mistake(record)
    if wrong is None and not _is_object(record.get("config")):
        wrong = "config is not a JSON object"
    for name in BESIDE:
        if wrong is None and not _is_inside(record.get(name)):
            wrong = f"{name} leads out of the store"
    if wrong is not None or record.get("context") is sound:
        return wrong
    return None if record.get("context") is None else CONTEXTS.mistake(record["context"])


@lru_cache(maxsize=1024)
def _is_object(text: str | None) -> bool:
    if text is None:
        return True
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _is_inside(name: str | None) -> bool:
    return name is None or not (name.startswith("/") or ".." in name or "\0" in name)


def _kind(name: str) -> frozenset[type]:
    tables = ((TEXTS, TEXT), (COUNTS, WHOLE), (FLAGS, FLAG), (LISTS, {list}))
    return frozenset(next((kind for names, kind in tables if name in names), NUMBER))


RECORD = Kinds(
    {name: _kind(name) for name in COLUMNS}
    | {"problem_version": frozenset(WHOLE | TEXT), "context": frozenset({dict})},
    required=frozenset({"problem", "estimator", "status"}),
    others=SCALARS | {list},  # later versions may add fields
)
CONTEXTS = Kinds({name: _kind(name) for name in CONTEXT})
