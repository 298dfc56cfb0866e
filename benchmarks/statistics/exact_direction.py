"""Scale and direction of an exact mean gradient against a true one."""

import math

import numpy as np
from numpy.typing import NDArray

from benchmarks.statistics.direction import Turn
from benchmarks.statistics.intervals import Interval

ROUNDING = 1e-9  # relative; of exact means
NOTHING = 1e-13  # the same, beside the gradients that are averaged


def exact_turn(mean: NDArray, truth: NDArray, size: float) -> Turn | None:
    """Of an exact mean [P], of gradients of this root mean square `size`; None if `truth` [P] is 0.

    A mean that is nothing but the rounding of its sum has no direction.
    """
    norm2 = float(truth @ truth)
    if norm2 == 0:
        return None
    scale = float(mean @ truth) / norm2
    across = float(np.linalg.norm(mean - scale * truth)) / math.sqrt(norm2)
    nothing = np.linalg.norm(mean) <= NOTHING * size
    sine = 1.0 if scale <= 0 or nothing else across / math.hypot(across, scale)
    verdict = "turned" if sine > ROUNDING else "parallel"
    return Turn(Interval(*[scale] * 3), Interval(*[sine] * 3), verdict)
