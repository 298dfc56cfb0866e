"""B1, S1 to S3 and H1: bias², scale and direction are covered; heavy tails are never judged."""

from collections.abc import Callable, Iterator
from itertools import product

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.calibration.normal_replicates import EPS, NormalGradient
from benchmarks.calibration.table import Line, share
from benchmarks.statistics.bias_test import MATERIAL, assess
from benchmarks.statistics.direction import assess_direction
from benchmarks.statistics.intervals import variance_interval
from benchmarks.statistics.measured_gradient import MeasuredGradient
from benchmarks.statistics.moments import Table
from benchmarks.statistics.stopping import Plan
from benchmarks.statistics.tail_index import LargestValues, is_heavy

REPLICATES = (500, 1_000, 10_000)
PARAMETERS = (1, 100, 10_000)
NOISE = (0.5, 3.0)  # √tr Cov ĝ / ‖g‖
TURN = 0.1  # direction bias above which an interval is two-sided
ANGLES = (0.0, 0.02, 0.12, 0.4, 1.2)  # radians
HEAVY = {  # weights of mean 1; the flag is for all of them
    "Pareto 1.2": lambda rng, n: (rng.pareto(1.2, n) + 1) * 0.2 / 1.2,
    "Pareto 1.6": lambda rng, n: (rng.pareto(1.6, n) + 1) * 0.6 / 1.6,
    "log-normal, σ = 2": lambda rng, n: np.exp(2 * rng.normal(size=n) - 2),
    "log-normal, σ = 4": lambda rng, n: np.exp(4 * rng.normal(size=n) - 8),
    "one in 100, squared normal": lambda rng, n: (
        100 * (rng.random(n) < 0.01) * rng.normal(size=n) ** 2
    ),
}


def lines(quick: bool, seeds: Callable[[int], range]) -> Iterator[Line]:
    """Every line of this part; a minute or two where not `quick`."""
    count = 40 if quick else 2_000
    for parameters in PARAMETERS:
        each = count if parameters < 1_000 else max(count // 16, 5)
        yield squared_bias(parameters, each, seeds)
    yield from directions(count, seeds)
    yield heavy_tails(100 if quick else 2_000, seeds)


def squared_bias(parameters: int, count: int, seeds: Callable[[int], range]) -> Line:
    """B1: intervals of ‖E ĝ − g‖², without bias and with one of 10 % along and across g."""
    hits = []
    for replicates, noise, scale in product(REPLICATES, NOISE, (1.0, 0.9)):
        angle = 0.0 if scale == 1.0 or parameters == 1 else 0.1
        law = NormalGradient.of(parameters, noise, angle, scale)
        for seed in seeds(count):
            squared = assess(law.measured(replicates, np.random.default_rng(seed))).squared
            hits.append(squared.low <= law.bias2 <= squared.high)
    what = f"intervals of bias² that cover, P = {parameters:,}, R = 500 to 10,000"
    return share("B1", what, hits, 0.94, 0.96)


def directions(count: int, seeds: Callable[[int], range]) -> Iterator[Line]:
    """S1 to S3: scale and direction at angles from 0 to 1.2; "parallel" beyond 5 %."""
    scales, near, far, wrong = [], [], [], []
    for parameters, replicates, angle in product((2, 20, 500), REPLICATES, ANGLES):
        law = NormalGradient.of(parameters, 1.0, angle, 0.5)
        for seed in seeds(max(count // 5, 10)):
            found = assess_direction(law.measured(replicates, np.random.default_rng(seed)))
            exact, sine = 0.5 * np.cos(angle), np.sin(angle)
            scales.append(found.scale.low <= exact <= found.scale.high)
            covers = found.bias.low - 1e-9 <= sine <= found.bias.high
            (far if sine > TURN else near).append(covers)
            wrong.append(
                found.verdict == ("turned" if angle == 0 else "parallel") and angle != 0.02
            )
    yield share("S1", "intervals of scale that cover", scales, 0.93, 0.97)
    yield share("S2", f"intervals of direction bias that cover, at {TURN} or less", near, 0.93)
    yield share("S2", f"intervals of direction bias that cover, above {TURN}", far, 0.93, 0.97)
    what = f'"parallel" said of what is turned by {MATERIAL:.0%} or more, "turned" of what is not'
    yield share("S3", what, wrong, 0.0, 0.001)


def heavy_tails(count: int, seeds: Callable[[int], range]) -> Line:
    """H1: an unbiased gradient times a heavy-tailed weight is called nothing, R = 1,000."""
    names, wrong = list(HEAVY), []
    for seed in seeds(count):
        rng = np.random.default_rng(seed)
        weight = HEAVY[names[seed % len(names)]](rng, 1_000)
        found = measured((1 + rng.normal(size=(1_000, 2))) * weight[:, None], np.ones(2))
        verdicts = {assess(found).verdict, assess_direction(found).verdict}
        wrong.append(verdicts != {"undetermined"})
    what = (
        f"called biased, unbiased, turned or parallel: heavy tails ({len(HEAVY)} laws), R = 1,000"
    )
    return share("H1", what, wrong, 0.0, 0.0)


def measured(g: NDArray, truth: NDArray, error: NDArray | None = None) -> MeasuredGradient:
    """Replicates g [R, P] beside the truth [P], flagged as the suite does it."""
    table, largest = Table(Plan.of(len(g), 1).chunk), LargestValues()
    largest.add(table.add(torch.from_numpy(np.asarray(g, float))).spread)
    whole = table.whole()
    heavy = is_heavy(largest, variance_interval(whole).value)
    error = np.zeros_like(truth) if error is None else error
    return MeasuredGradient(whole, table.rows, truth, error, EPS, flagged=heavy)
