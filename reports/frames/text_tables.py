"""The tables of a report written out: every cell a text."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas

from reports.frames.load import CONTEXT
from reports.frames.rankings import SETTING, biases
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
    return [dict(zip(frame.columns, row, strict=True)) for row in values.tolist()]


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


def direction(row: Mapping) -> str:
    """What an optimiser sees of the mean: `right`, `right, × 0.25`, `off by 60 %, × 0.5`."""
    told, off = row.get("direction_verdict"), row.get("direction_bias")
    if not isinstance(told, str) or told == "no truth":
        return numbers.NOTHING
    if told == "undetermined":
        high = row.get("direction_bias_high")
        known = isinstance(high, float) and high < 1
        return f"off by < {numbers.percent(high)}" if known else told
    words = "right" if told == "parallel" else f"off by {numbers.percent(off)}"
    return f"{words}, × {numbers.number(row['scale'], 2)}" if _is_scaled(row) else words


def _is_scaled(row: Mapping) -> bool:
    """Whether the mean is shown to be longer or shorter than the gradient, and so that it shows."""
    low, high = row.get("scale_low"), row.get("scale_high")
    known = None not in (low, high) and low == low and high == high
    return known and not low <= 1 <= high and abs(row["scale"] - 1) > 0.005


def further(ranked: pandas.DataFrame) -> Table:
    """What else was measured of one setting; columns that nothing is known of are left out."""
    written = {
        "mean squared error": lambda row: numbers.number(row["mse"]),
        "variance / scale²": lambda row: numbers.interval(*_ends(row, "variance_scaled")),
        "scale": lambda row: numbers.interval(*_ends(row, "scale")),
        "direction bias": lambda row: numbers.interval(*_ends(row, "direction_bias")),
        "cosine": lambda row: numbers.number(row["cosine"]),
        "wrong way": lambda row: numbers.percent(row["wrong_way"]),
        "variance of the minibatch": lambda row: numbers.interval(*_ends(row, "data_variance")),
        "peak memory": lambda row: numbers.size(row["peak_memory_bytes"]),
        "compiling": lambda row: numbers.seconds(row["compile_seconds"]),
    }
    rows = rows_of(ranked)
    columns = {title: [write(row) for row in rows] for title, write in written.items()}
    columns = {title: cells for title, cells in columns.items() if {*cells} - {numbers.NOTHING}}
    cells = [[row["label"], *line] for row, *line in zip(rows, *columns.values(), strict=True)]
    return Table(["estimator", *columns], cells if columns else [], words=1)


def _ends(row: Mapping, name: str) -> list[float | None]:
    return [row.get(f"{name}{end}") for end in ("", "_low", "_high")]


def flags(row: dict) -> str:
    """What to beware of, in words."""
    shares = (("unhealthy", "gradients non-finite"), ("nonfinite_costs", "costs non-finite"))
    notes = ["heavy-tailed"] if row["heavy_tailed"] else []
    notes += [f"{numbers.percent(row[key])} {what}" for key, what in shares if row[key]]
    notes += ["always zero"] if row["zero"] == 1 else []
    notes += ["capped"] if row["stopped"] == "capped" else []
    return ", ".join(notes)


def measurements(ranked: pandas.DataFrame) -> Table:
    """The ranking of one setting: an estimator a row, quietest first, the variance before all else.

    What nothing is known of (learning, direction, what to beware of) has no column.
    """
    rows = rows_of(ranked)
    learned = any(row["fit_evaluations"] is not None for row in rows)
    columns = {
        title: [write(row) for row in rows]
        for title, write in MEASURED.items()
        if learned or title not in LEARNED
    }
    for title in ("direction", "beware"):
        if not {*columns[title]} - {numbers.NOTHING, ""}:
            del columns[title]
    notes = {
        place: "warning" if title == "beware" else "text"
        for place, title in enumerate(columns)
        if title in ("bias", "direction", "beware")
    }
    cells = [list(line) for line in zip(*columns.values(), strict=True)]
    return Table([*columns], cells, words=2, notes=notes)


def _place(row: dict) -> str:
    place = "" if row["rank"] is None else f"{row['rank']:.0f}"
    return f"{place}=" if place and row["tied"] and row["rank"] > 1 else place


def _before_learning(row: dict) -> str:
    unknown = row["fit_evaluations"] is None
    return "" if unknown else numbers.interval(*_ends(row, "variance_start"))


def _to_learn(row: dict) -> str:
    unknown = row["fit_evaluations"] is None
    return "" if unknown else numbers.count(row["fit_evaluations"])


LEARNED = ("before learning", "to learn")  # the variance before, and the evaluations spent on it
MEASURED: dict[str, Callable[[dict], str]] = {  # the columns of a ranking and how each is written
    "": _place,
    "estimator": lambda row: f"○ {row['label']}" if row["biased"] else row["label"],
    "variance": lambda row: numbers.interval(*_ends(row, "variance")),
    "before learning": _before_learning,
    "× quietest": lambda row: numbers.factor(row["relative"]),
    "bias": verdict,
    "direction": direction,
    "beware": flags,
    "p": lambda row: numbers.probability(row["bias_p"]),
    "time": lambda row: numbers.seconds(*_ends(row, "seconds")),
    "gradients/s": lambda row: numbers.rate(row["gradients_per_second"]),
    "evaluations": lambda row: numbers.count(row["evaluations"]),
    "to learn": _to_learn,
    "variance × s": lambda row: numbers.interval(*_ends(row, "work_variance")),
}


def setting(row: dict, several_devices: bool) -> str:
    """`K = 4` of a `row`, with the device and the precision if the report has `several_devices`."""
    where = f", {row['device']}, {row['dtype']}" if several_devices else ""
    return f"K = {row['samples']}{where}"


def rankings(ranked: pandas.DataFrame, several_devices: bool) -> list[tuple[str, Table]]:
    """One titled table per setting of the `ranked` problem; see `setting` for `several_devices`."""
    return [
        (setting(part.iloc[0], several_devices), measurements(part))
        for _, part in ranked.groupby(SETTING, dropna=False)
    ]


def further_rankings(ranked: pandas.DataFrame, several_devices: bool) -> list[tuple[str, Table]]:
    """For each setting of one problem in `ranked`, a titled table of what else was measured.

    `several_devices` says whether the titles name the device.
    """
    return [
        (setting(part.iloc[0], several_devices), further(part))
        for _, part in ranked.groupby(SETTING, dropna=False)
    ]


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
