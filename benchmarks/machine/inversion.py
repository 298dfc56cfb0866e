"""Integers by inversion of their cdf, which is looked up in a table: exact to 2⁻⁵²."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

PIECES = 2**12  # of [0, 1) in the table; it stays in the first cache
REACH, FURTHER = 12, 40  # standard deviations and integers from the mean that are in it
MANY = 2**12  # numbers of one law from which its table pays
LARGEST = 2**14  # rate or trials up to which it does


def pays(size: Tensor, out: Tensor) -> bool:
    """Whether tables pay for rates or trials `size` [P] and numbers `out` [P, n]."""
    return out.shape[1] >= MANY and float(size.max()) <= LARGEST


def poissons(u: Tensor, rate: float, out: Tensor) -> Tensor:
    """Fill `out` [n], of int32, with Poisson numbers from uniform u [n] in [0, 1)."""
    return _looked_up(u, *_table("poisson", rate), out)


def binomials(u: Tensor, trials: int, probs: float, out: Tensor) -> Tensor:
    """The same with binomial numbers."""
    return _looked_up(u, *_table("binom", trials, probs), out)


def _looked_up(u: Tensor, table: Tensor, first: int, cdf: Tensor, out: Tensor) -> Tensor:
    torch.index_select(table, 0, (u * PIECES).to(torch.int32), out=out)
    (doubtful,) = (out < 0).nonzero(as_tuple=True)
    exact = torch.bucketize(u[doubtful], cdf, right=True, out_int32=True)
    return out.index_copy_(0, doubtful, exact + first)


@lru_cache(maxsize=4096)
def _table(law: str, *parameters: float) -> tuple[Tensor, int, Tensor]:
    """For each piece of [0, 1) the integer, or −1 where there are several; the first; the cdf."""
    from scipy import stats  # a second, which most runs do not need

    dist = getattr(stats, law)(*parameters)
    first = max(int(dist.mean() - REACH * dist.std()), 0)
    last = min(int(dist.mean() + REACH * dist.std() + FURTHER), dist.support()[1])
    cdf = dist.cdf(np.arange(first, int(last) + 1))
    steps = np.searchsorted(cdf, np.arange(PIECES + 1) / PIECES, side="right")
    whole = (steps[1:] == steps[:-1]) & (steps[:-1] < len(cdf))
    table = np.where(whole, steps[:-1] + first, -1).astype(np.int32)
    return torch.from_numpy(table), first, torch.from_numpy(cdf[:-1])
