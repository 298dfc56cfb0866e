"""Integers by inversion of their cdf, which is looked up in a table: exact to 2⁻⁵².

They are made of 64 random bits each, of which the first 52 are a uniform number u in [0, 1).
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

BITS = 12  # of u that say in which piece of [0, 1) it lies
PIECES = 2**BITS  # in the table, which stays in the first cache
REACH, FURTHER = 12, 40  # standard deviations and integers from the mean that are in it
MANY = 2**12  # numbers of one law from which its table pays
LARGEST = 2**14  # rate or trials up to which it does
_loop: Callable | None = None


def pays(size: Tensor, out: Tensor) -> bool:
    """Whether tables pay for rates or trials `size` [P] and numbers `out` [P, n]."""
    return out.shape[1] >= MANY and float(size.max()) <= LARGEST


def look_up_by(loop: Callable | None) -> None:
    """Look up by `loop`, with the arguments and integers of `_look_up`; None: by NumPy."""
    global _loop
    _loop = loop


def poissons(bits: NDArray, rate: float, out: NDArray) -> None:
    """Fill `out` [n], of int32, with Poisson numbers of random `bits` [n], of uint64."""
    _look_up(bits, *_table("poisson", rate), out)


def binomials(bits: NDArray, trials: int, probs: float, out: NDArray) -> None:
    """The same with binomial numbers."""
    _look_up(bits, *_table("binom", trials, probs), out)


def _look_up(bits: NDArray, table: NDArray, first: int, cdf: NDArray, out: NDArray) -> None:
    if _loop is not None:
        _loop(bits, table, first, cdf, out)
        return
    place = (bits >> np.uint64(64 - BITS)).view(np.int64)
    table.take(place, out=out, mode="clip")  # none is, but to look for any takes a buffer
    doubtful = np.flatnonzero(out < 0)
    u = (bits[doubtful] >> np.uint64(12)) * 2.0**-52
    out[doubtful] = cdf.searchsorted(u, side="right") + first


@lru_cache(maxsize=4096)
def _table(law: str, *parameters: float) -> tuple[NDArray, int, NDArray]:
    """For each piece of [0, 1) the integer, or −1 where there are several; the first; the cdf."""
    from scipy import stats  # a second, which most runs do not need

    dist = getattr(stats, law)(*parameters)
    first = max(int(dist.mean() - REACH * dist.std()), 0)
    last = min(int(dist.mean() + REACH * dist.std() + FURTHER), dist.support()[1])
    cdf = dist.cdf(np.arange(first, int(last) + 1))
    steps = np.searchsorted(cdf, np.arange(PIECES + 1) / PIECES, side="right")
    whole = (steps[1:] == steps[:-1]) & (steps[:-1] < len(cdf))
    table = np.where(whole, steps[:-1] + first, -1).astype(np.int32)
    return table, first, cdf[:-1]
