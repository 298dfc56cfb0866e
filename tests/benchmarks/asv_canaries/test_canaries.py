"""What asv tracks goes up where an estimator gets worse, and is what the suite reports."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import measure
from benchmarks.asv_canaries.canaries import CANARIES, REPLICATES, Canaries
from benchmarks.calibration.repetitions import Altered
from benchmarks.problems import load

QUICK = [
    "normal-quadratic/pathwise/1",
    "normal-quadratic/reinforce/1",
    "gamma-quadratic/implicit/1",
]


def tracked(canary, change=None):
    canaries = Canaries()
    canaries.setup(canary)
    if change is not None:
        cell = canaries.cell
        parts = (getattr(cell, name) for name in cell.__dataclass_fields__)
        canaries.cell = Altered(*parts, change=change)
    names = ("track_variance", "track_bias", "track_scale")
    return {name: getattr(canaries, name)(canary) for name in names}


@pytest.mark.parametrize("canary", QUICK)
@pytest.mark.parametrize("factor", [0.5, 2.0, -1.0, 0.0])
def test_a_wrong_length_is_worse(canary, factor):
    right, wrong = tracked(canary), tracked(canary, lambda g: factor * g)
    assert wrong["track_bias"] > right["track_bias"] + 0.3
    assert wrong["track_scale"] > right["track_scale"] + 0.3
    assert wrong["track_variance"] == pytest.approx(factor**2 * right["track_variance"])


def test_a_turned_gradient_is_worse():
    canary = "normal-quadratic/pathwise/1"
    right, wrong = tracked(canary), tracked(canary, lambda g: g.flip(-1))
    assert wrong["track_bias"] > right["track_bias"] + 0.3


def test_the_variance_is_that_of_the_suite():
    canary = "normal-quadratic/reinforce/1"
    problem, estimator, samples = CANARIES[canary]
    found = measure(load(problem), estimator, samples, REPLICATES, timed=False)
    assert tracked(canary)["track_variance"] == found.variance


@pytest.mark.parametrize("canary", CANARIES)
def test_every_canary_is_a_number(canary):
    canaries = Canaries()
    canaries.setup(canary)
    canaries.cell = replace(canaries.cell, seed=1)
    assert all(np.isfinite(value) for value in tracked(canary).values())
    canaries.time_gradient(canary)
