"""The ranking of a problem written out: what was measured of each estimator, and what else."""

from collections.abc import Callable, Mapping

import pandas

from reports.frames.rankings import SETTING
from reports.frames.text_tables import Table, rows_of, setting, verdict
from reports.text import numbers


def direction(row: Mapping) -> str:
    """What an optimiser sees of the mean: `right`, `right, × 0.25`, `off by 60 %, × 0.5`."""
    told, off = row.get("direction_verdict"), row.get("direction_bias")
    if not isinstance(told, str) or told == "no truth":
        return numbers.NOTHING
    if told == "undetermined":
        high = row.get("direction_bias_high")
        known = isinstance(high, float) and 0 < high < 1  # of one parameter it is 0 or 1
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
