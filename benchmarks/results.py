"""The result store: append-only JSON Lines, one record per finished cell. Standard library only.

A record is flat. Its keys fall into four groups, so that nothing is ever joined by position:
`IDENTITY` says what makes two records comparable, `STATUS` how the cell ended, `VALUES` what was
measured, and `context` (one nested object) where and when.
"""

import fcntl
import hashlib
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

SCHEMA = 1

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
    "gradient_norm",  # ‖g‖ of the truth
    "mse",
    "snr",  # ‖E ĝ‖ / √variance
    "cosine",  # mean cosine between one estimate and the truth
    "wrong_way",  # share of estimates that point away from the truth
    "evaluations",  # cost evaluations per estimate, baselines included
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
    "variance_jackknife",  # without each of the ≤ 64 blocks of replicates, for paired ratios
)
COLUMNS = (*IDENTITY, *STATUS, *VALUES)


class Store:
    """Records in `folder/records.jsonl`, appended and never rewritten.

    Each record is one write of one whole line, synced to the disk before `append` returns; a line
    torn by a crash is skipped on reading. Several processes may append at the same time.
    """

    def __init__(self, folder: str | Path):
        self.path = Path(folder) / "records.jsonl"

    def append(self, record: Mapping) -> None:
        """Add one record durably. Raises ValueError for keys that the schema does not know."""
        unknown = set(record) - set(COLUMNS) - {"context"}
        if unknown:
            raise ValueError(f"A record has no field {', '.join(sorted(unknown))}; see {__name__}.")
        line = json.dumps({"schema": SCHEMA, **_strict(record)}, allow_nan=False) + "\n"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path, "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _torn(file):
                line = "\n" + line
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())

    def beside(self, record: Mapping, arrays: Mapping) -> str:
        """Store arrays that belong to a record in an .npz file; its path within the folder.

        The file is there before the record that names it, whole or not at all.
        """
        import numpy  # the records themselves need the standard library only

        key = json.dumps([repr(part) for part in identity(record)])
        name = f"parameters/{hashlib.sha256(key.encode()).hexdigest()[:20]}.npz"
        path = self.path.parent / name
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.npz")
        numpy.savez(partial, **arrays)
        os.replace(partial, path)
        return name

    def __iter__(self) -> Iterator[dict]:
        """Every whole record, oldest first."""
        return read(self.path)

    def latest(self) -> dict[tuple, dict]:
        """The last record of every identity."""
        return {identity(record): record for record in self}


def identity(record: Mapping) -> tuple:
    """What makes two records comparable."""
    return tuple(record.get(key) for key in IDENTITY)


def read(path: str | Path) -> Iterator[dict]:
    """Yield the records of one file, leaving out lines that are not whole."""
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                record = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(record, dict) and "schema" in record:
                yield record


def _torn(file) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def _strict(value):
    """`value` with every non-finite float as None: JSON has no NaN."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return value
