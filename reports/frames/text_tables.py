"""The tables of a report written out: every cell a text."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas

from reports.frames.load import CONTEXT
from reports.frames.rankings import biases
from reports.text import numbers
from reports.text.phrases import listed


@dataclass(frozen=True)
class Table:
    """Column `titles` and cells, `rows` by row, all text.

    The first `words` columns are not numbers, nor are those at the places in `notes`, which says
    of each whether it is "text" or a "warning".
    """

    titles: list[str]
    rows: list[list[str]]
    words: int = 1
    notes: Mapping[int, str] = field(default_factory=dict)

    def is_text(self, place: int) -> bool:
        """Whether a column holds words and no numbers."""
        return place < self.words or place in self.notes


def rows_of(frame: pandas.DataFrame) -> list[dict]:
    """The rows as dictionaries, with None for what is not known."""
    if "variance_jackknife" in frame:
        frame = frame.drop(columns="variance_jackknife")
    values = frame.to_numpy(dtype=object, copy=True)
    values[pandas.isna(values)] = None
    names = frame.columns.tolist()
    return [dict(zip(names, row, strict=True)) for row in values.tolist()]


def verdict(row: dict) -> str:
    """The verdict on bias with what it rests on: `unbiased, < 1.3 %`."""
    limit = numbers.percent(row["bias_limit"])
    if row["biased"]:
        return "biased"
    if row["bias_verdict"] == "biased":
        return "suspected"  # by itself, but not after Holm's correction
    if row["bias_verdict"] == "unbiased" and limit != numbers.NOTHING:
        of = "" if row["gradient_norm"] is None or row["gradient_norm"] > 0 else " of √variance"
        return f"unbiased, < {limit}{of}"
    return row["bias_verdict"] or numbers.NOTHING


def setting(row: dict, several_devices: bool) -> str:
    """`K = 4` of a `row`, with the device and the precision if the report has `several_devices`."""
    where = f", {row['device']}, {row['dtype']}" if several_devices else ""
    return f"K = {row['samples']}{where}"


def reasons(frame: pandas.DataFrame) -> Table:
    """Who was refused or failed, at which K, and why."""
    rows = [
        [row["label"], listed(row["samples"], 6), row["reason"] or "no reason was given"]
        for row in rows_of(frame)
    ]
    return Table(["estimator", "K", "reason"], rows, words=3)


def bias_table(frame: pandas.DataFrame) -> Table:
    """Every cell shown to be biased, worst first."""
    titles = ["estimator", "problem", "truth", "K", "bias", "relative to", "p, corrected"]
    rows = [
        [
            row["label"],
            row["problem"],
            row["truth_method"] or numbers.NOTHING,
            str(row["samples"]),
            numbers.interval(*[row[f"relative_bias{end}"] for end in ("", "_low", "_high")]),
            row["of"],
            numbers.probability(row["bias_p_holm"]),
        ]
        for row in rows_of(biases(frame))
    ]
    return Table(titles, rows, words=3)


def configurations(frame: pandas.DataFrame) -> Table:
    """The fields of every estimator, as they were run."""
    pairs = frame[["estimator", "config"]].fillna("{}").drop_duplicates().sort_values("estimator")
    rows = [[name, config] for name, config in pairs.itertuples(index=False) if config != "{}"]
    return Table(["estimator", "configuration"], rows, words=2)


def environment(frame: pandas.DataFrame) -> Table:
    """Where, when and with what the records were made; every value that occurs."""
    titles = {name: name for name in CONTEXT} | {"dirty": "checkout"}
    rows = [[title, _values(frame[name])] for name, title in titles.items()]
    return Table(["", "value"], [row for row in rows if row[1]], words=2)


def _values(column: pandas.Series) -> str:
    known = column.dropna()
    if known.empty:
        return ""
    if column.name == "time":
        first, last = (f"{end:%Y-%m-%d %H:%M}" for end in (known.min(), known.max()))
        return f"{first} to {last} UTC" if first != last else f"{first} UTC"
    if column.name == "dirty":
        known = known.map({True: "uncommitted changes", False: "clean"})
    return listed(known.unique(), 6)
