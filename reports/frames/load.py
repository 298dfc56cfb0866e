"""From a result store to a frame: one row per record."""

from itertools import islice
from pathlib import Path

import numpy
import pandas
from msgspec.structs import astuple

from benchmarks.store.schema import NUMBERS, Record
from benchmarks.store.store import (
    COLUMNS,
    CONTEXT,
    COUNTS,
    FLAGS,
    IDENTITY,
    LISTS,
    TEXTS,
    Damage,
    files,
    lines,
    say_damaged,
)
from reports.frames.collecting import uncollected

AS_IS = {"problem_version", *LISTS}
CHUNK = 20_000  # records held as Python objects at a time


def load(
    path: str | Path = "results",
    *,
    latest: bool = True,
    lists: bool = True,
    damaged: list[Damage] | None = None,
) -> pandas.DataFrame:
    """Return the records of a store as a typed frame.

    - `path`: a store folder, or one .jsonl file.
    - `latest`: of several records with one identity keep only the last.
    - `lists`: whether to read the values per block of replicates; without, half the memory will do.
    - `damaged`: a list to which lines that are no records, such as one torn by a crash, are added.

    Columns are those of `benchmarks.store.schema` and the record's context.
    Raises FileNotFoundError where there is no store, ValueError where it holds no record.
    """
    damaged = [] if damaged is None else damaged
    records = (record for file in files(path) for _, _, record in lines(file, damaged))
    rows = (_row(record, lists) for record in records)
    parts = []
    with uncollected():
        while chunk := list(islice(rows, CHUNK)):
            parts.append(_frame(chunk))
    if not parts:
        what = f" {say_damaged(damaged)}" if damaged else ""
        raise ValueError(f"{path} holds no whole record; `gradmeter run` measures some.{what}")
    frame = pandas.concat(parts, ignore_index=True)
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


def _row(record: Record, lists: bool) -> tuple:
    """The values of a record, its context and schema."""
    for name in LISTS:
        values = getattr(record, name) if lists else None
        setattr(record, name, values if values is None else numpy.array(values, dtype=float))
    return astuple(record)


def _frame(rows: list[tuple]) -> pandas.DataFrame:
    *columns, contexts, _ = zip(*rows, strict=True)
    own = {name: _values(name, column) for name, column in zip(COLUMNS, columns, strict=True)}
    different = {id(context): context or {} for context in contexts}  # most records share theirs
    where = pandas.DataFrame([*different.values()], [*different])
    places = where.index.get_indexer([id(context) for context in contexts])
    names = [*CONTEXT, *sorted(set(where) - {*CONTEXT, *COLUMNS})]
    where = {name: _typed(name, _column(where, name)).array.take(places) for name in names}
    return pandas.DataFrame(own | where)


def _values(name: str, column: tuple) -> pandas.api.extensions.ExtensionArray | numpy.ndarray:
    """A column in its type. Many hold nothing, which is soon seen and soon made."""
    if name not in LISTS and column[0] is None and column.count(None) == len(column):
        return _typed(name, pandas.Series([None], dtype=object)).array.repeat(len(column))
    if name in NUMBERS:
        return numpy.array(column, dtype=float)
    return _typed(name, pandas.Series(column, dtype=object)).array


def _column(frame: pandas.DataFrame, name: str) -> pandas.Series:
    return frame[name] if name in frame else pandas.Series(None, frame.index, dtype=object)


def _typed(name: str, column: pandas.Series) -> pandas.Series:
    if name in AS_IS or name not in (*COLUMNS, *CONTEXT):
        return column.astype(object)
    if name in TEXTS - {"time"}:
        return column.astype("string")
    if name in FLAGS:
        return column.astype("boolean")
    if name == "time":
        return pandas.to_datetime(column, utc=True, errors="coerce", format="ISO8601")
    if name in COUNTS:
        return pandas.to_numeric(column).astype("Int64")
    return pandas.to_numeric(column).astype("float64")
