"""The series of a store: each cell over the commits it was measured at, and where it stepped.

A step is claimed only where the intervals of the records say so; see `Series.steps`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import numpy
import pandas
from scipy.special import stdtrit

from reports.frames.load import load
from reports.frames.rankings import MARGIN, SETTING, every_run, ratio
from reports.text import numbers
from reports.text.phrases import counted

LEVEL = 0.05  # of one false step or more among all comparisons of a store (Bonferroni)
FREEDOM = 30  # degrees of freedom of an interval that does not say how many it has
METRICS = ("variance", "bias2", "seconds", "work_variance")
KEYS = ["problem", "label", *SETTING, "problem_version", "generator"]


@dataclass(frozen=True)
class Step:
    """A change at `revision` since the step before: of the variance, the bias or the status.

    `kind` is worse, better or other, `text` says it in words, and `ratio` is the new variance over
    the old with its interval, where it is one of the variance.
    """

    revision: str
    kind: str  # worse | better | other
    text: str
    ratio: tuple[float, float, float] | None = None  # new over old variance with its interval


@dataclass(frozen=True)
class Series:
    """One cell over revisions, oldest first.

    `problem`, `label` (the estimator with its configuration), `samples`, `device` and `dtype` name
    it; `rows` are its records, one a revision, and `steps` what changed on the way.
    """

    problem: str
    label: str
    samples: int
    device: str
    dtype: str
    rows: list[dict] = field(repr=False)
    steps: list[Step]

    def values(self, metric: str = "variance") -> list[tuple[float, float, float]]:
        """(value, low, high) at each revision; NaN where nothing was measured."""
        names = (metric, f"{metric}_low", f"{metric}_high")
        return [tuple(_number(row[name]) for name in names) for row in self.rows]

    @property
    def name(self) -> str:
        """`normal-quadratic · pathwise · K = 1`."""
        return f"{self.problem} · {self.label} · K = {self.samples}"


def series(frame: pandas.DataFrame) -> list[Series]:
    """Every cell of a store loaded with `latest=False`, those with most steps first.

    Revisions are ordered by the time at which each was measured first; of several records of a
    cell at one revision the last counts. A revision is a commit, with `+` behind it for
    uncommitted changes, or the version of the package where there is no commit.
    """
    frame = every_run(frame)
    frame["revision"] = frame["commit"].fillna(frame["gradmeter"]).fillna("unknown").astype(object)
    frame["revision"] += frame["dirty"].map({True: "+"}).fillna("").astype(object)
    first = frame.groupby("revision", sort=False)["time"].transform("min")
    frame = frame.assign(_first=first).sort_values(["_first", "time"], kind="stable")
    frame = frame.drop_duplicates([*KEYS, "revision"], keep="last")
    groups = list(frame.groupby(KEYS, sort=False, dropna=False))
    comparisons = max(1, len(frame) - len(groups))
    found = [_series(key, part.to_dict("records"), LEVEL / comparisons) for key, part in groups]
    return sorted(found, key=lambda one: -len(one.steps))


def chosen(
    frame: pandas.DataFrame, problems: Sequence[str], estimators: Sequence[str]
) -> pandas.DataFrame:
    """The records of `frame` whose names match patterns, such as "normal-*".

    `problems` and `estimators` are patterns, of which one has to match; none: all do.
    Raises ValueError where none does.
    """
    for column, patterns in (("problem", problems), ("estimator", estimators)):
        if patterns:
            matches = frame[column].map(lambda n: any(fnmatchcase(n, p) for p in patterns))  # noqa: B023
            if not matches.any():
                raise ValueError(f"No {column} of this store matches {' or '.join(patterns)}.")
            frame = frame[matches]
    return frame


def of_cells(store: str | Path, cells: Iterable[tuple[str, str, int]]) -> list[Series]:
    """The series of some cells of a store; none where it lacks them.

    `store` is its folder, `cells` are (problem, estimator, K).
    Raises FileNotFoundError where there is no store, ValueError where it holds no record.
    """
    cells = set(cells)
    if not cells:
        return []
    frame = load(store, latest=False)
    names = zip(frame["problem"], frame["estimator"], frame["samples"], strict=True)
    wanted = frame[[name in cells for name in names]]
    return series(wanted) if len(wanted) else []


def summary(found: list[Series]) -> str:
    """How many cells and revisions there are, and how many steps."""
    stepped = [one for one in found if one.steps]
    ends = [short(revision) for revision in revisions(found)]
    over = f"from {ends[0]} to {ends[-1]}" if len(ends) > 1 else f"at {ends[0]}"
    steps = counted(sum(len(one.steps) for one in stepped), "step")
    return (
        f"{counted(len(found), 'cell')} at {counted(len(ends), 'commit')}, {over}: {steps} in "
        f"{counted(len(stepped), 'cell')}"
    )


def revisions(found: list[Series]) -> list[str]:
    """All revisions that occur, oldest first."""
    first: dict[str, pandas.Timestamp] = {}
    for one in found:
        for row in one.rows:
            first.setdefault(row["revision"], row["_first"])
    return sorted(first, key=lambda revision: (first[revision] is pandas.NaT, first[revision]))


def short(revision: str) -> str:
    """A commit's first eight digits, with its mark; other revisions in full."""
    commit = revision.rstrip("+")
    whole = len(commit) == 40 and all(digit in "0123456789abcdef" for digit in commit)
    return commit[:8] + revision[len(commit) :] if whole else revision


def table(found: list[Series], metric: str = "variance") -> list[dict[str, str]]:
    """One row of text for each of the series `found`: its first and last value of `metric`, its
    steps.
    """
    return [
        {
            "problem": one.problem,
            "estimator": one.label,
            "K": str(one.samples),
            "commits": str(len(one.rows)),
            f"first {metric}": _written(one.values(metric)[0], metric),
            f"last {metric}": _written(one.values(metric)[-1], metric),
            "steps": "; ".join(f"{short(s.revision)}: {s.text}" for s in one.steps),
        }
        for one in found
    ]


def points(found: list[Series]) -> pandas.DataFrame:
    """One row a cell and revision, as numbers: what `gradmeter history --to x.csv` writes."""
    ends = [f"{metric}{end}" for metric in METRICS for end in ("", "_low", "_high")]
    rows = [
        {key: row[key] for key in ("revision", "time", *KEYS, "status", "bias_verdict", *ends)}
        | {"step": "; ".join(step.text for step in one.steps if step.revision == row["revision"])}
        for one in found
        for row in one.rows
    ]
    return pandas.DataFrame(rows)


def _series(key: tuple, rows: list[dict], level: float) -> Series:
    problem, label, samples, device, dtype, *_ = key
    return Series(problem, label, samples, device, dtype, rows, _steps(rows, level))


def _steps(rows: list[dict], level: float) -> list[Step]:
    """Where a record differs from that of the last step (or the first): slow drifts are seen too.

    The ratio of the variances must be more than 1 % away from 1 with its whole interval, at a level
    shared by all comparisons; verdicts on bias and statuses must differ.
    """
    found, before = [], rows[0]
    for row in rows[1:]:
        step = _status(before, row) or _bias(before, row) or _variance(before, row, level)
        if step:
            found.append(step)
            before = row
    return found


def _status(before: dict, row: dict) -> Step | None:
    if before["status"] == row["status"]:
        return None
    kinds = {"ok": "better", "error": "worse"}
    kind = kinds.get(row["status"], "other") if before["status"] != "refused" else "other"
    kind = "worse" if row["status"] == "error" else kind
    return Step(row["revision"], kind, f"{before['status']} → {row['status']}")


def _bias(before: dict, row: dict) -> Step | None:
    was, now = ((r["bias_verdict"] == "biased") is True for r in (before, row))
    if row["status"] != "ok" or was == now:
        return None
    return Step(row["revision"], "worse" if now else "better", "biased" if now else "bias gone")


def _variance(before: dict, row: dict, level: float) -> Step | None:
    if row["status"] != "ok" or not (before["variance"] > 0) or not (row["variance"] > 0):
        return None
    if row["variance"] == before["variance"]:
        return None
    value, low, high = _at_level(row, before, level)
    if high >= 1 / MARGIN and low <= MARGIN:
        return None
    doubt = ", heavy-tailed" if True in (before["heavy_tailed"], row["heavy_tailed"]) else ""
    text = f"variance × {numbers.interval(*ratio(row, before))}{doubt}"
    return Step(row["revision"], "worse" if value > 1 else "better", text, (value, low, high))


def _at_level(row: dict, before: dict, level: float) -> tuple[float, float, float]:
    """The ratio of variances with its interval, widened from 95 % to 1 − level."""
    value, low, high = ratio(row, before)
    blocks = numpy.size(row["variance_jackknife"])  # 1 where there are none
    freedom = blocks - 1 if blocks > 8 else FREEDOM
    wider = stdtrit(freedom, 1 - level / 2) / stdtrit(freedom, 0.975)
    half = math.log(high / low) / 2 * wider if low > 0 else math.inf
    if math.isnan(half) or half > 700:
        return value, 0.0, math.inf
    return value, value / math.exp(half), value * math.exp(half)


def _number(value) -> float:
    return math.nan if value is None or value is pandas.NA else float(value)


def _written(values: tuple[float, float, float], metric: str) -> str:
    return numbers.seconds(*values) if metric == "seconds" else numbers.interval(*values)
