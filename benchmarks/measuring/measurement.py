"""What is known after measuring one estimator on one problem: the columns of the results."""

import math
from dataclasses import dataclass, field, fields, make_dataclass
from inspect import get_annotations
from typing import Any

import numpy as np

from benchmarks.statistics.intervals import Interval, ratio_interval
from benchmarks.store.schema import COLUMNS, NUMBERS, Identity, Status, Values


def _columns() -> type:
    """A dataclass of the columns of the schema: NaN is an unknown number, None anything else."""
    given = {"status": "ok", "problem_version": 1}
    unknown = {
        name: given.get(name, math.nan if name in NUMBERS else None)
        for group in (Identity, Status, Values)
        for name in get_annotations(group)
    }
    required = [(name, Any) for name in ("problem", "estimator")]
    rest = [(name, Any, field(default=unknown[name])) for name in COLUMNS[len(required) :]]
    return make_dataclass("Columns", [*required, *rest], frozen=True, kw_only=True)


@dataclass(frozen=True, kw_only=True)
class Measurement(_columns()):
    """One row of results; `benchmarks.store.schema` says what each column is, and its unit."""

    parameters: dict[str, np.ndarray] | None = field(default=None, repr=False)
    variance_jackknife: list[float] | None = field(default=None, repr=False)  # not in a row
    blocks: dict[str, np.ndarray] | None = field(default=None, repr=False)

    @property
    def record(self) -> dict[str, Any]:
        """This measurement as a record of the result store."""
        return {name: getattr(self, name) for name in COLUMNS}

    @property
    def row(self) -> dict[str, Any]:
        """This measurement as a row of a table: the record without the per-block values."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.repr}


def ratio(a: Measurement, b: Measurement) -> Interval:
    """Variance of `a` over that of `b` with its 95 % interval, paired by common random numbers.

    Both must be measured on one problem with the same samples, replicates and seed; ValueError
    otherwise.
    """
    for name in ("problem", "samples", "replicates", "seed", "device", "dtype", "generator"):
        if getattr(a, name) != getattr(b, name):
            raise ValueError(
                f"A ratio needs the same {name} on both sides, not {getattr(a, name)} and "
                f"{getattr(b, name)}; measure both alike."
            )
    if a.variance_jackknife is None or b.variance_jackknife is None:
        raise ValueError("A ratio needs two measurements with status ok.")
    value = a.variance / b.variance if b.variance else math.inf
    return ratio_interval(np.array(a.variance_jackknife), np.array(b.variance_jackknife), value)
