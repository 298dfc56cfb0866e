"""From a result store to a frame: one row per record."""

from collections.abc import Iterable
from pathlib import Path

import pandas

from benchmarks.results import COLUMNS, IDENTITY, read

CONTEXT = (
    "commit",
    "dirty",
    "time",
    "host",
    "cpu",
    "gpu",
    "threads",
    "python",
    "torch",
    "numpy",
    "gradmeter",
    "platform",
)
TEXT = {"problem", "estimator", "config", "device", "dtype", "status", "reason"}
TEXT |= {"bias_verdict", "truth_method", "stopped", "per_parameter"}
TEXT |= set(CONTEXT) - {"dirty", "time", "threads"}
COUNTS = {"samples", "budget", "replicates", "seed", "threads"}
FLAGS = {"heavy_tailed", "dirty"}
AS_IS = {"problem_version", "variance_jackknife"}


def load(path: str | Path = "results", *, latest: bool = True) -> pandas.DataFrame:
    """Return the records of a store folder, or of one .jsonl file, as a typed frame.

    Columns are those of `benchmarks.results` and the record's context. Of several records with one
    identity only the last is kept, unless `latest=False`. A line torn by a crash is left out.

    Raises FileNotFoundError where there is no store, ValueError where it holds no record.
    """
    records = [record for file in _files(Path(path)) for record in read(file)]
    if not records:
        raise ValueError(f"{path} holds no whole record; `gradmeter run` measures some.")
    frame = complete(pandas.DataFrame([_flat(record) for record in records]))
    return (
        frame.drop_duplicates(list(IDENTITY), keep="last", ignore_index=True) if latest else frame
    )


def complete(frame: pandas.DataFrame) -> pandas.DataFrame:
    """`frame` with every column of the schema and the context, each in its type.

    Null is NaN in numbers and NA in flags. Other columns of `frame` stay behind the known ones.
    """
    known = [*COLUMNS, *CONTEXT]
    others = [name for name in frame.columns if name not in known and name != "schema"]
    return pandas.DataFrame(
        {name: _typed(name, _column(frame, name)) for name in known}
        | {name: frame[name] for name in others},
        index=frame.index,
    )


def _files(path: Path) -> Iterable[Path]:
    """The files of a store. A folder with several is read in the order of their names."""
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    if not files or not path.exists():
        raise FileNotFoundError(f"There are no results in {path}; `gradmeter run` makes some.")
    return files


def _flat(record: dict) -> dict:
    context = record.get("context") or {}
    own = {name: value for name, value in record.items() if name not in ("context", "schema")}
    return {**context, **own}


def _column(frame: pandas.DataFrame, name: str) -> pandas.Series:
    return frame[name] if name in frame else pandas.Series(None, frame.index, dtype=object)


def _typed(name: str, column: pandas.Series) -> pandas.Series:
    if name in AS_IS:
        return column.astype(object)
    if name in TEXT:
        return column.astype("string")
    if name in FLAGS:
        return column.astype("boolean")
    if name == "time":
        return pandas.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
    if name in COUNTS:
        return pandas.to_numeric(column).astype("Int64")
    return pandas.to_numeric(column).astype("float64")
