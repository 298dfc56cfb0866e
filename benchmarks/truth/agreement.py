"""Whether two runs have one expectation, and how far apart theirs may be for all that was seen."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import fdtrc, stdtr, stdtrit

EXCLUDED = 1e-3  # the chance that `limit` is too small
ROUNDING = 1e-12  # relative, of means in float64


@dataclass(frozen=True)
class Agreement:
    """What M rows of differences between two runs say about ‖E difference‖.

    `p` is of "no difference"; `limit` is the largest ‖difference‖ that is not excluded at 99.9 %;
    `noise` is tr Cov of the mean difference.
    """

    p: float
    limit: float
    noise: float


def compare_rows(ours: NDArray, theirs: NDArray) -> Agreement:
    """Hold the row means [M, P] of two runs against each other, row by row.

    Rows are independent of one another; the two runs may share random numbers within a row.
    """
    rows = ours - theirs
    m, parameters = rows.shape
    off = rows.mean(0)
    rounding = ROUNDING * (np.abs(ours).mean(0) + np.abs(theirs).mean(0))
    error = np.hypot(rows.std(0, ddof=1) / np.sqrt(m), rounding)  # [P]
    centred = rows - off
    flat = centred if parameters < m else centred.T  # the smaller of two with one spectrum
    gram = flat.T @ flat / (m - 1) / m  # its eigenvalues are those of Cov(off)
    trace = float(np.square(error).sum())
    trace2 = float(np.square(gram).sum() - np.trace(gram) ** 2 / (m - 1))  # tr Cov(off)²
    trace2 = max(trace2, float((error**4).sum()), trace**2 / max(parameters, m))
    if trace == 0:
        return Agreement(1.0, 0.0, 0.0)
    largest = max(float(np.linalg.eigvalsh(gram)[-1]), float(np.square(error).max()))
    p = 2 * min(_one_parameter(off, error, m), _all_together(off, trace, trace2, m))
    by_square = _limit(float(off @ off) - trace, trace2, largest, m)
    return Agreement(min(p, 1.0), min(by_square, _limit_by_parameter(off, error, m)), trace)


def _one_parameter(off: NDArray, error: NDArray, m: int) -> float:
    """max |t|, which sees one parameter that differs."""
    t = np.divide(np.abs(off), error, out=np.zeros_like(off), where=error > 0)
    return min(1.0, len(off) * 2 * float(stdtr(m - 1, -t.max())))


def _all_together(off: NDArray, trace: float, trace2: float, m: int) -> float:
    """‖off‖² / tr Cov(off), which sees small differences in many parameters.

    About F with tr² / tr(Cov²) degrees of freedom, and M − 1 times as many (Box 1954).
    """
    freedom = trace**2 / trace2
    return float(fdtrc(freedom, freedom * (m - 1), float(off @ off) / trace))


def _limit(square: float, trace2: float, largest: float, m: int) -> float:
    """b of b² − t √(2 tr Cov² + 4 λ₁ b²) = the estimate of ‖difference‖², or 0 if that is more."""
    t = float(stdtrit(m - 1, 1 - EXCLUDED / 2))
    half = max(square, 0.0) + t**2 * 2 * largest
    return float(np.sqrt(half + np.sqrt(half**2 - max(square, 0.0) ** 2 + 2 * t**2 * trace2)))


def _limit_by_parameter(off: NDArray, error: NDArray, m: int) -> float:
    """The farthest corner of the box of intervals that hold together: sharp for few parameters."""
    t = float(stdtrit(m - 1, 1 - EXCLUDED / 4 / len(off)))
    return float(np.linalg.norm(np.abs(off) + t * error))
