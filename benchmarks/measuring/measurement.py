"""What is known after measuring one estimator on one problem: the columns of the results."""

import math
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from benchmarks.statistics.intervals import Interval, ratio_interval
from benchmarks.store.store import COLUMNS

NAN = math.nan


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One row of results; `benchmarks.store.store` says what each field is, and its unit."""

    problem: str
    estimator: str
    config: str
    samples: int
    replicates: int
    budget: int
    precision: float | None = None
    seed: int
    device: str
    dtype: str
    problem_version: int = 1
    status: str = "ok"
    reason: str | None = None
    variance: float = NAN
    variance_low: float = NAN
    variance_high: float = NAN
    kurtosis: float = NAN
    data_variance: float = NAN
    data_variance_low: float = NAN
    data_variance_high: float = NAN
    bias2: float = NAN
    bias2_low: float = NAN
    bias2_high: float = NAN
    bias_p: float = NAN
    bias_verdict: str | None = None
    bias_limit: float = NAN
    replicates_to_decide: int | None = None
    truth_method: str | None = None
    truth_error: float = NAN
    truth_note: str | None = None
    gradient_norm: float = NAN
    mse: float = NAN
    snr: float = NAN
    snr_low: float = NAN
    snr_high: float = NAN
    cosine: float = NAN
    wrong_way: float = NAN
    evaluations: float = NAN
    fit_evaluations: float = NAN
    variance_start: float = NAN
    variance_start_low: float = NAN
    variance_start_high: float = NAN
    seconds: float = NAN
    seconds_low: float = NAN
    seconds_high: float = NAN
    gradients_per_second: float = NAN
    compile_seconds: float = NAN
    peak_memory_bytes: int | None = None
    work_variance: float = NAN
    work_variance_low: float = NAN
    work_variance_high: float = NAN
    heavy_tailed: bool | None = None
    unhealthy: float = NAN
    zero: float = NAN
    nonfinite_costs: float = NAN
    stopped: str | None = None
    per_parameter: str | None = None
    per_block: str | None = None
    trajectory: str | None = None
    step: int | None = None
    parameters: dict[str, np.ndarray] | None = field(default=None, repr=False)
    variance_jackknife: list[float] | None = field(default=None, repr=False)
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
    for name in ("problem", "samples", "replicates", "seed", "device", "dtype"):
        if getattr(a, name) != getattr(b, name):
            raise ValueError(
                f"A ratio needs the same {name} on both sides, not {getattr(a, name)} and "
                f"{getattr(b, name)}; measure both alike."
            )
    if a.variance_jackknife is None or b.variance_jackknife is None:
        raise ValueError("A ratio needs two measurements with status ok.")
    value = a.variance / b.variance if b.variance else math.inf
    return ratio_interval(np.array(a.variance_jackknife), np.array(b.variance_jackknife), value)
