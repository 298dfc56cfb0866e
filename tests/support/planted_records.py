"""Planted records for the tests of `reports`: a suite in which the right answers are known."""

import json
import zlib

import numpy
import pandas

from reports.frames.rankings import prepare

CONTEXT = {
    "commit": "0123456789abcdef0123456789abcdef01234567",
    "dirty": False,
    "time": "2026-11-22T15:47:00+00:00",
    "host": "bench",
    "cpu": "AMD EPYC 7B13",
    "gpu": None,
    "threads": 2,
    "python": "3.11.7",
    "torch": "2.13.0",
    "numpy": "2.4.6",
    "gradmeter": "0.1.0",
    "platform": "Linux-6.1-x86_64",
}
ESTIMATORS = {  # variance as a multiple of pathwise, µs per estimate, bias relative to ‖g‖
    "pathwise": (1.0, 1.1, 0),
    "implicit": (1.0, 2.9, 0),
    "reinforce": (30.0, 0.9, 0),
    "reinforce-ema": (14.0, 1.0, 0),
    "reinforce-loo": (9.0, 1.2, 0),
    "reinforce-optimal": (7.0, 3.1, 0),
    "gumbel-softmax": (0.4, 1.9, 0.33),
    "gumbel-softmax-hard": (0.7, 2.0, 0.33),
    "straight-through": (0.2, 0.8, 0.5),
}
DISCRETE = ("gumbel-softmax", "gumbel-softmax-hard", "straight-through")
PROBLEMS = {  # pathwise variance at K = 1
    "normal-quadratic": 16.0,
    "normal-cosine": 0.0392851,
    "gamma-linear": 2.5e-7,
    "bernoulli-quadratic": 0.0159,
    "vae-digits": 1546.0,
}


def record(problem: str, estimator: str, samples: int = 1, **values) -> dict:
    """One whole record: an estimator of variance 1 that is unbiased, unless `values` says so."""
    variance = values.setdefault("variance", 1.0)
    tick = values.setdefault("seconds", 1e-6)
    digest = numpy.random.default_rng(zlib.crc32(f"{problem}{estimator}{samples}".encode()))
    noise = digest.normal(1, 0.002, 32)
    known = variance if variance == variance else 0.0
    return {
        "schema": 1,
        "problem": problem,
        "estimator": estimator,
        "config": json.dumps({"temperature": 0.5} if estimator in DISCRETE else {}),
        "samples": samples,
        "budget": 10_000,
        "precision": None,
        "replicates": 10_000,
        "seed": 0,
        "device": "cpu",
        "dtype": "float64",
        "problem_version": "1",
        "status": "ok",
        "reason": None,
        "variance_low": variance * 0.97,
        "variance_high": variance * 1.031,
        "bias2": 1e-6 * known,
        "bias2_low": -1e-5 * known,
        "bias2_high": 3e-5 * known,
        "bias_p": 0.4,
        "bias_verdict": "unbiased",
        "bias_limit": 0.013,
        "truth_method": "closed form",
        "gradient_norm": 1.0,
        "evaluations": samples,
        "seconds_low": tick * 0.95,
        "seconds_high": tick * 1.04,
        "gradients_per_second": 1 / tick,
        "work_variance": variance * tick,
        "work_variance_low": variance * tick * 0.93,
        "work_variance_high": variance * tick * 1.07,
        "heavy_tailed": False,
        "unhealthy": 0.0,
        "zero": 0.0,
        "nonfinite_costs": 0.0,
        "stopped": "replicates",
        "variance_jackknife": list(variance * noise / noise.mean()),
        "context": CONTEXT,
    } | values


def refused(problem: str, estimator: str, samples: int = 1, status="refused", reason=None) -> dict:
    """A record without numbers."""
    whole = record(problem, estimator, samples)
    keys = ("schema", "problem", "estimator", "config", "samples", "budget", "seed")
    kept = {key: whole[key] for key in (*keys, "device", "dtype", "problem_version", "context")}
    return kept | {"status": status, "reason": reason or f"{estimator} cannot do {problem}."}


def suite(problems: dict[str, float] = PROBLEMS, samples=(1, 4, 16)) -> list[dict]:
    """A small suite: pathwise loses to REINFORCE on normal-cosine; gumbel-softmax is biased."""
    return [
        _cell(problem, scale, estimator, k)
        for problem, scale in problems.items()
        for estimator in ESTIMATORS
        for k in samples
    ]


def _cell(problem: str, scale: float, estimator: str, k: int) -> dict:
    multiple, micros, bias = ESTIMATORS[estimator]
    discrete = problem.startswith("bernoulli")
    if (estimator in DISCRETE) != discrete and not estimator.startswith("reinforce"):
        return refused(problem, estimator, k)
    if estimator == "reinforce-loo" and k == 1:
        return refused(problem, estimator, k, reason="Leave-one-out needs two samples or more.")
    if problem == "vae-digits" and estimator == "implicit":
        return refused(problem, estimator, k, "error", "The cost returned NaN.")
    if problem == "normal-cosine" and estimator.startswith("reinforce"):
        multiple /= 100
    values = {"variance": scale * multiple / k, "seconds": micros * 1e-6 * (1 + 0.2 * k)}
    if bias:
        square = bias**2 * scale
        values |= {"bias2": square, "bias2_low": 0.9 * square, "bias2_high": 1.1 * square}
        values |= {"bias_p": 1e-40, "bias_verdict": "biased", "bias_limit": 1.05 * bias}
        values |= {"gradient_norm": scale**0.5}
    if estimator == "reinforce" and problem == "vae-digits":
        values |= {"heavy_tailed": True}
    return record(problem, estimator, k, **values)


def framed(records: list[dict]) -> pandas.DataFrame:
    """The records as `load` would return them."""
    return prepare(pandas.DataFrame([{**row["context"], **row} for row in records]))
