"""One finding of a regression report in words: values in their units, what moved, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas

from reports.frames.rankings import labels
from reports.text import numbers

WORSE = ("failed", "regressed")


@dataclass(frozen=True)
class Line:
    """One finding in words."""

    problem: str
    estimator: str
    samples: str
    metric: str
    verdict: str
    base: str
    head: str
    change: str
    reason: str
    note: str  # the replicates that would decide, or why it is acknowledged
    command: str  # that reproduces it


def lines(groups: Mapping[str, Sequence[Mapping]]) -> dict[str, list[Line]]:
    """The findings of every section in words; names are told apart among all of them."""
    cells = [row for rows in groups.values() for row in rows]
    named = _labels(cells)
    several = len({(cell["device"], cell["dtype"]) for cell in cells}) > 1
    return {
        name: [_line(row, named[row["estimator"], row["config"]], several) for row in rows]
        for name, rows in groups.items()
    }


def change(row: Mapping) -> str:
    """What moved and by how much: `× 1.107 [1.092, 1.123]`, `2.0 % of ‖g‖`, `ok → error`."""
    if row["metric"] == "status":
        return f"{_value(row, 'base')} → {_value(row, 'head')}"
    if row["metric"] == "bias":
        known = row.get("change") is not None
        return f"moved by {numbers.percent(row['change'])} of ‖g‖" if known else numbers.NOTHING
    ratio = [row.get(name) for name in ("ratio", "ratio_low", "ratio_high")]
    if ratio[0] is None:
        return numbers.NOTHING
    wall = row.get("wall")
    by_wall = f" (wall clock × {numbers.number(wall)})" if wall is not None else ""
    return f"× {numbers.interval(*ratio)}{by_wall}"


def _line(row: Mapping, label: str, several_devices: bool) -> Line:
    device = f", {row['device']}, {row['dtype']}" if several_devices else ""
    return Line(
        str(row["problem"]),
        label,
        f"{row['samples']}{device}",
        str(row["metric"]),
        _verdict(row),
        _value(row, "base"),
        _value(row, "head"),
        change(row),
        _reason(row),
        _note(row),
        " ".join(str(row.get("reproduce") or "").split()),
    )


def _reason(row: Mapping) -> str:
    """What is to be said beside the change, which a reason tells too, behind a colon."""
    reason = str(row.get("reason") or "")
    if row["metric"] != "status" and row["verdict"] in ("regressed", "improved"):
        return f"{reason.partition(': ')[0]}." if ": " in reason else ""
    return reason


def _note(row: Mapping) -> str:
    if row.get("accepted"):
        return f"Acknowledged: {row['accepted']}"
    if row.get("gates") and row.get("unreproducible"):
        return f"No command reproduces it: {row['unreproducible']}."
    budget = row.get("replicates_to_decide")
    return f"R = {budget:,} would decide." if row["verdict"] == "unstable" and budget else ""


def _verdict(row: Mapping) -> str:
    if row["verdict"] in WORSE and not row.get("gates") and not row.get("accepted"):
        return f"{row['verdict']}, does not fail the report"
    return str(row["verdict"])


def _value(row: Mapping, side: str) -> str:
    value = row.get(f"{side}_value")
    if value is None:
        return numbers.NOTHING
    if isinstance(value, str):
        return value
    if row["metric"] == "bias":
        return f"{numbers.percent(value)} of ‖g‖"
    if row["metric"] == "speed":
        return numbers.seconds(value)
    if row["metric"] == "memory":
        return f"{numbers.number(value / 2**20)} MiB"
    return numbers.number(value)


def _labels(cells: Sequence[Mapping]) -> dict[tuple, str]:
    """Estimators by name; with their configuration where a name has several."""
    frame = pandas.DataFrame([{key: c[key] for key in ("estimator", "config")} for c in cells])
    if frame.empty:
        return {}
    frame = frame.drop_duplicates(ignore_index=True)
    keys = zip(frame["estimator"], frame["config"], strict=True)
    return dict(zip(keys, labels(frame), strict=True))
