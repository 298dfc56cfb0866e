"""The log-probability of Poisson numbers; of many, looked up."""

from functools import cache

import torch
from torch import Tensor

from estimators.special.loops import brought
from estimators.special.values import distinct, repeated

COUNTS = 2**10  # of a table of log x!, and numbers x from which it pays
LARGEST = 2**16  # numbers of a table of log p(x; rate), which stays in the second cache
REPEATED = 4  # times that each of its numbers must be looked up for it to pay


def log_poisson(x: Tensor, rate: Tensor) -> Tensor:
    """log p(x; rate), elementwise."""
    return torch.xlogy(x, rate) - (x + 1).lgamma() - rate


def log_poisson_looked_up(x: Tensor, rate: Tensor, whole: bool = False) -> Tensor:
    """The same to rounding, with log x! looked up and a logarithm of each distinct rate.

    Of rates so few that a table of it pays, all of log p is looked up: the same bits. `whole` says
    that every x is a whole number.
    """
    few = distinct(rate)
    log_rate = few.log()
    if not (x.is_floating_point() and x.numel() >= COUNTS and log_rate.isfinite().all()):
        return log_poisson(x, rate)
    least, most = (float(end) for end in x.aminmax())
    if not (least >= 0 and most < COUNTS):  # nor where there is a NaN
        return log_poisson(x, rate)
    size = int(most) + 1
    log_factorial, place, table = _log_factorials(x.dtype)[:size], x, None
    if _pays(x, rate, few.numel() * size):  # of a row for each of the rates
        counts = torch.arange(size, dtype=x.dtype)
        table = counts * log_rate.reshape(-1, 1) - log_factorial - few.reshape(-1, 1)
        found = _by_loop(table, x, few)
        if found is not None:
            return found
        place = x + torch.arange(few.numel(), dtype=x.dtype).mul_(size).view(few.shape)
    index = place.to(torch.int32)
    if not (whole or (index.to(x.dtype) == place).all()):
        return log_poisson(x, rate)
    if table is not None:
        return table.flatten().index_select(0, index.flatten()).view(x.shape)
    return x * log_rate - log_factorial.index_select(0, index.flatten()).view(x.shape) - rate


def _by_loop(table: Tensor, x: Tensor, few: Tensor) -> Tensor | None:
    """What `table` [P, size] has for x, by the loop for it; None where that cannot be."""
    loop, last = brought("looked_up"), repeated(few, x)
    if loop is None or last is None or x.dtype is not torch.float64 or not x.is_contiguous():
        return None
    out = torch.empty_like(x)
    done = loop(table.numpy(), *(part.view(-1, last).numpy() for part in (x, out)))
    return out if done else None


def _pays(x: Tensor, rate: Tensor, numbers: int) -> bool:
    """Whether a table of log p of so many `numbers` pays; places in it must be numbers like x."""
    alike = x.shape[x.ndim - rate.ndim :] == rate.shape and x.dtype.itemsize >= 4
    return alike and numbers <= min(x.numel() // REPEATED, LARGEST)


@cache
def _log_factorials(dtype: torch.dtype) -> Tensor:
    return torch.arange(1, COUNTS + 1, dtype=dtype).lgamma()
