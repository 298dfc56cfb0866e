"""An audit as records of the result store: one for each term, joined by identity like any other."""

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine.environment import context
from benchmarks.statistics.intervals import jackknife_variances
from benchmarks.statistics.moments import Rows
from benchmarks.statistics.random_projections import sketch
from benchmarks.store.store import COLUMNS, Store


def append(rows: Iterable[dict[str, Any]], folder: str | Path) -> None:
    """Add the rows of an audit to the store in `folder`; OSError where it cannot be written.

    The problem is "audit:POLICY:TERM", the estimator the loss, and the configuration its settings
    with the split into micro-batches and the padding. Samples are the completions of a group.
    """
    store, shared = Store(folder), context()
    for row in rows:
        record = _record(row)
        known = {"truth": row["truth"], "truth_error": np.zeros_like(row["truth"])}
        wide = {
            name: sketch(value) for name, value in ({"mean": row["rows"]["mean"]} | known).items()
        }
        file = store.beside(record, row["rows"] | wide, "blocks")
        store.append({**record, "per_block": file, "context": shared})


def _record(row: dict[str, Any]) -> dict[str, Any]:
    how = {"micro_batches": row["micro_batches"], "padding": row["padding"]}
    found = {
        "problem": f"audit:{row['policy']}:{row['term']}",
        "estimator": row["loss"],
        "config": json.dumps(json.loads(row["config"]) | how, sort_keys=True),
        "samples": row["group"],
        "budget": row["replicates"],
        "replicates": row["replicates"],
        "seed": row["seed"],
        "device": "cpu",
        "dtype": "float64",
        "problem_version": 1,
        "status": "ok",
        "truth_method": "none" if row["verdict"] == "no truth" else "enumeration",
        "stopped": "replicates",
        "bias_verdict": _bias_verdict(row),
        "gradient_norm": float(np.linalg.norm(row["truth"])),
        "variance_jackknife": _left_out(**row["rows"]),
        **_bias2(row),
    }
    known = {name: row[name] for name in COLUMNS if name in row and name not in found}
    return found | {name: _plain(value) for name, value in known.items()}


def _bias_verdict(row: dict[str, Any]) -> str:
    """What the store calls a gradient that is turned, or parallel but of another length."""
    if row["verdict"] in ("no truth", "undetermined"):
        return row["verdict"]
    right = row["scale_low"] - 1e-9 <= 1 <= row["scale_high"] + 1e-9
    return "unbiased" if row["verdict"] == "parallel" and right else "biased"


def _bias2(row: dict[str, Any]) -> dict[str, float]:
    """‖E ĝ − g‖² with its noise taken out, and without an interval where it is exact."""
    mean = row["rows"]["mean"]
    off = mean.mean(0) - row["truth"]
    noise = float(mean.var(0, ddof=1).sum()) / len(mean)
    value = float(off @ off) - noise
    exact = {"bias2_low": value, "bias2_high": value} if row["method"] == "exact" else {}
    return {"bias2": value, **exact}


def _left_out(count: np.ndarray, mean: np.ndarray, m2: np.ndarray) -> list[float]:
    """tr Cov ĝ without each row, for paired ratios."""
    rows = Rows(*(torch.as_tensor(x) for x in (count, mean, m2[:, None])))
    return jackknife_variances(rows).tolist()


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
