"""The series of a store in asv's result format, for `asv publish` and `asv compare`.

A folder becomes an asv project: asv.conf.json, results/benchmarks.json, and for each machine
results/MACHINE/machine.json and a file of version 2 a commit. A problem and a metric are a
benchmark, whose parameters are the estimator and K.
Source: asv 0.6, asv/results.py and asv/benchmarks.py.
"""

import json
import math
import os
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from scipy.special import ndtri

from reports.frames.commit_series import Series
from reports.text.phrases import counted
from reports.text.rendering import write_whole

VERSION = {"benchmarks": 2, "machine": 1, "result": 2}
WIDER = float(ndtri(0.995) / ndtri(0.975))  # from a 95 % interval to the 99 % that asv holds
UNITS = {"variance": "gradient²", "seconds": "seconds"}
SKIPPED, FAILED = (math.nan, None, None), (None, None, None)  # as asv writes and reads them
COLUMNS = ("result", "params", "version", "started_at", "duration", "stats_ci_99_a",
           "stats_ci_99_b", "stats_q_25", "stats_q_75", "stats_number", "stats_repeat")  # fmt: skip


def export(found: Sequence[Series], folder: Path, repo: Path = Path()) -> str:
    """Write the asv project and return one sentence that says what it holds.

    `repo` is the git repository in which the commits are. Records of uncommitted changes, or
    without a commit, belong to no commit of asv and are left out.
    Raises ValueError where no record is left, or where `repo` is no repository.
    """
    top = _git(repo, "rev-parse", "--show-toplevel")
    branch = _git(repo, "rev-parse", "--abbrev-ref", "HEAD")
    measured = [one for one in found if any(_belongs(row) for row in one.rows)]
    if not measured:
        raise ValueError("No record of this store belongs to a commit; asv has nothing to show.")
    benchmarks = _benchmarks(measured)
    results = folder / "results"
    _write(folder / "asv.conf.json", _project(top, branch, folder))
    known = {name: one["declared"] for name, one in benchmarks.items()}
    _write(results / "benchmarks.json", known | {"version": VERSION["benchmarks"]})
    rows = [row for one in measured for row in one.rows if _belongs(row)]
    for machine in {_machine(row) for row in rows}:
        first = next(row for row in rows if _machine(row) == machine)
        _write(results / machine / "machine.json", _described(first) | {"version": 1})
    commits = {(_machine(row), row["commit"]): row for row in rows}
    for (machine, commit), row in commits.items():
        path = results / machine / f"{commit[:8]}-{_environment(row)}.json"
        _write(path, _result(row, machine, benchmarks))
    count = f"{counted(len(benchmarks), 'benchmark')} at {counted(len(commits), 'commit')}"
    return f"{folder}: {count}; there, run: asv publish"


def _benchmarks(found: Iterable[Series]) -> dict[str, dict]:
    """Per benchmark what asv declares, and the points of every combination of parameters."""
    groups: dict[str, list[Series]] = {}
    for one in found:
        for metric in UNITS:
            groups.setdefault(f"{one.problem}.track_{metric}", []).append(one)
    return {name: _benchmark(name, group) for name, group in sorted(groups.items())}


def _benchmark(name: str, group: list[Series]) -> dict:
    metric = name.rpartition("_")[2]
    labels = sorted({one.label for one in group})
    settings = sorted({_setting(one, group) for one in group}, key=lambda text: (len(text), text))
    params = [[repr(label) for label in labels], settings]
    declared = {
        "code": f"gradmeter run -p {group[0].problem}",
        "name": name,
        "param_names": ["estimator", "K"],
        "params": params,
        "timeout": 60,
        "type": "track",
        "unit": UNITS[metric],
        "version": str(group[0].rows[-1]["problem_version"]),
    }
    cells = {(one.label, _setting(one, group)): one for one in group}
    order = [cells.get((label, setting)) for label in labels for setting in settings]
    return {"declared": declared, "points": [_points(one, metric) for one in order]}


def _setting(one: Series, group: list[Series]) -> str:
    """K, with device and dtype where a problem has several."""
    several = len({(other.device, other.dtype) for other in group}) > 1
    return f"'{one.samples}, {one.device}, {one.dtype}'" if several else str(one.samples)


def _result(row: dict, machine: str, benchmarks: dict[str, dict]) -> dict:
    """One commit's file; `row` is one of its records."""
    commit = row["commit"]
    results = {}
    for name, one in benchmarks.items():
        points = [cell.get((machine, commit), SKIPPED) for cell in one["points"]]
        if all(point == SKIPPED for point in points):
            continue
        values, lows, highs = zip(*points, strict=True)
        version, params = one["declared"]["version"], one["declared"]["params"]
        ones = [None if low is None else 1 for low in lows]
        results[name] = [list(values), params, version, None, None, list(lows), list(highs),
                         list(lows), list(highs), ones, ones]  # fmt: skip
    return {
        "commit_hash": commit,
        "env_name": _environment(row),
        "date": int(row["time"].timestamp() * 1000),
        "params": _described(row) | {"python": row["python"]},
        "python": row["python"],
        "requirements": {"torch": row["torch"]},
        "env_vars": {},
        "result_columns": list(COLUMNS),
        "results": results,
        "durations": {},
        "version": VERSION["result"],
    }


def _points(one: Series | None, metric: str) -> dict[tuple[str, str], tuple]:
    """By machine and commit: the value and its 99 % interval, widened on the log scale."""
    points = {}
    for row, (value, low, high) in zip(one.rows, one.values(metric), strict=True) if one else ():
        if not _belongs(row):
            continue
        point = FAILED if row["status"] == "error" else SKIPPED
        if math.isfinite(value):
            half = WIDER * math.log(high / low) / 2 if low > 0 else 0.0
            point = (value, value * math.exp(-half), value * math.exp(half))
        points[_machine(row), row["commit"]] = point
    return points


def _belongs(row: dict) -> bool:
    """Whether a record is of a commit, without changes, and has a time."""
    clean = row["dirty"] is not True and isinstance(row["commit"], str)
    return clean and row["time"] == row["time"]


def _machine(row: dict) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", str(row["host"])).strip(".-") or "unknown"


def _environment(row: dict) -> str:
    return re.sub(r"[^A-Za-z0-9_.+-]+", "-", f"gradmeter-py{row['python']}-torch{row['torch']}")


def _described(row: dict) -> dict[str, str]:
    names = {"arch": "", "cpu": row["cpu"], "num_cpu": "", "os": row["platform"], "ram": ""}
    known = {name: value if isinstance(value, str) else "" for name, value in names.items()}
    return known | {"machine": _machine(row)}


def _project(top: str, branch: str, folder: Path) -> dict:
    return {
        "version": 1,
        "project": "gradmeter",
        "repo": os.path.relpath(top, folder.resolve()),
        "branches": [branch],
        "environment_type": "existing",
        "results_dir": "results",
        "html_dir": "html",
    }


def _git(repo: Path, *arguments: str) -> str:
    command = ["git", "-C", str(repo), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ValueError(f"{repo} is no git repository; say with --repo where the commits are.")
    return done.stdout.strip()


def _write(path: Path, document: dict) -> None:
    write_whole(path, json.dumps(document, indent=1) + "\n")
