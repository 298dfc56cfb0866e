"""From a result store to a frame: one row per record."""

from itertools import islice
from pathlib import Path

import numpy
import pandas

from benchmarks.results import (
    COLUMNS,
    CONTEXT,
    COUNTS,
    FLAGS,
    IDENTITY,
    LISTS,
    TEXTS,
    Damage,
    files,
    read,
    say_damaged,
)

AS_IS = {"problem_version", *LISTS}
NUMBERS = set(COLUMNS) - TEXTS - COUNTS - FLAGS - AS_IS
CHUNK = 20_000  # records held as Python objects at a time


def load(
    path: str | Path = "results",
    *,
    latest: bool = True,
    lists: bool = True,
    damaged: list[Damage] | None = None,
) -> pandas.DataFrame:
    """Return the records of a store folder, or of one .jsonl file, as a typed frame.

    Columns are those of `benchmarks.results` and the record's context. Of several records with one
    identity only the last is kept, unless `latest=False`. Without `lists`, the values per block of
    replicates are left out, which halves the memory. Lines that are no records, such as one torn by
    a crash, are left out and added to `damaged`.

    Raises FileNotFoundError where there is no store, ValueError where it holds no record.
    """
    damaged = [] if damaged is None else damaged
    rows = (_row(record, lists) for file in files(path) for record in read(file, damaged))
    parts = []
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


def _row(record: dict, lists: bool) -> tuple:
    """The values of a record and its context. As a dictionary it would take ten times the room."""
    for name in LISTS:
        values = record.get(name) if lists else None
        record[name] = values if values is None else numpy.array(values, dtype=float)
    return (*map(record.get, COLUMNS), record.get("context") or {})


def _frame(rows: list[tuple]) -> pandas.DataFrame:
    *columns, contexts = zip(*rows, strict=True)
    own = {
        name: _typed(name, pandas.Series(column, dtype=float if name in NUMBERS else object))
        for name, column in zip(COLUMNS, columns, strict=True)
    }
    different = {id(context): context for context in contexts}  # most records share theirs
    places = {key: place for place, key in enumerate(different)}
    where = pandas.DataFrame(list(different.values()), range(len(places)))
    names = [*CONTEXT, *sorted(set(where) - {*CONTEXT, *COLUMNS})]
    codes = numpy.array([places[id(context)] for context in contexts])
    where = {name: _typed(name, _column(where, name)).array.take(codes) for name in names}
    return pandas.DataFrame(own | where)


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
