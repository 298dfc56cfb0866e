"""F4, E1, E2 and D2: the verdicts about bias are wrong as rarely, and right as often, as said."""

from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.calibration import exact_cells
from benchmarks.calibration.repetitions import affordable, repeated
from benchmarks.calibration.table import Line, share
from benchmarks.statistics.bias_test import MATERIAL

RARE = 1000  # parameters and replicates
LEVEL = 0.01
SCALE = 1.02
STANDARD_ERRORS = 300  # ‖g‖ in standard errors, from which a scale of 1.02 must be found


def rare_events(count: int, seeds: Callable[[int], range]) -> Line:
    """F4: 1000 Bernoullis of p = 0.02 at R = 1000, tested at 1 %."""
    p = [r.facts["bias_p"] for r in repeated(exact_cells.rare_events(RARE), seeds(count), RARE)]
    what = "unbiased rejected at 1 %: 1000 rare events, R = 1000"
    return share("F4", what, np.array(p) < LEVEL, 0.0, 0.015)


def equivalence(quick: bool, seeds: Callable[[int], range]) -> Iterator[Line]:
    """E1 and E2, at R = 25 NSR / δ²: where the limit should just be decided."""
    false, right = [], []
    for exact_cell in _decidable(quick):
        replicates = _needed(exact_cell)
        count = affordable(exact_cell, replicates, 0.15 if quick else 3.0, 5, 500)
        right += _unbiased(exact_cell, seeds(count), replicates, flagged=False)
        for change in _wrong_by(exact_cell, MATERIAL):
            false += _unbiased(exact_cell, seeds(count), replicates, change)
    yield share("E1", "bias of exactly 5 % certified as below 5 %", false, 0.0, 0.06)
    yield share("E2", "unbiased estimators certified at R = 25 NSR / δ², if unflagged", right, 0.95)


def scaled(quick: bool, seeds: Callable[[int], range]) -> Line:
    """D2: a gradient × 1.02 is called biased where ‖g‖ is 300 standard errors."""
    hits = []
    for exact_cell in _decidable(quick):
        gradient2 = float(exact_cell.truth.gradient.square().sum())
        replicates = int(np.ceil(STANDARD_ERRORS**2 * exact_cell.variance / gradient2))
        count = affordable(exact_cell, replicates, 0.25 if quick else 3.0, 5, 200)
        for r in repeated(exact_cell, seeds(count), replicates, lambda g: SCALE * g):
            hits.append(r.facts["bias_verdict"] == "biased")
    return share("D2", "gradient × 1.02 called biased at ‖g‖ = 300 standard errors", hits, 0.95)


def _decidable(quick: bool) -> list[exact_cells.ExactCell]:
    """Cells whose noise-to-signal ratio lets R = 25 NSR / δ² be between 600 and 50,000."""
    if quick:
        return [
            exact_cell
            for exact_cell in exact_cells.every_cell()
            if 600 <= _needed(exact_cell) <= 15_000
        ][::2]
    return [
        exact_cell
        for exact_cell in exact_cells.every_cell()
        if 600 <= _needed(exact_cell) <= 50_000
    ]


def _needed(exact_cell: exact_cells.ExactCell) -> int:
    gradient2 = float(exact_cell.truth.gradient.square().sum())
    return int(np.ceil(25 * exact_cell.variance / gradient2 / MATERIAL**2))


def _unbiased(
    exact_cell: exact_cells.ExactCell,
    seeds: range,
    replicates: int,
    change=None,
    flagged: bool = True,
) -> list[bool]:
    """Which repetitions were called unbiased; those `flagged` as heavy-tailed never are."""
    facts = (r.facts for r in repeated(exact_cell, seeds, replicates, change))
    kept = (one for one in facts if flagged or not one["heavy_tailed"])
    return [one["bias_verdict"] == "unbiased" for one in kept]


def _wrong_by(exact_cell: exact_cells.ExactCell, size: float) -> Iterator[Callable]:
    """Changes that make the bias `size` ‖g‖: along g, in one coordinate, and dense."""
    gradient = exact_cell.truth.gradient
    yield lambda g: (1 + size) * g
    if len(gradient) > 1:
        norm = gradient.norm()
        one = torch.zeros_like(gradient)
        one[-1] = size * norm
        yield lambda g: g + one
        signs = torch.ones_like(gradient)
        signs[::2] = -1
        yield lambda g: g + size * norm * signs / len(signs) ** 0.5
