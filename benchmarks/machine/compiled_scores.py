"""Scores of many samples, and counts by inversion: tables and sums over samples in one walk each.

The same bits as by torch: sums are added up in the order of k, as torch adds up few samples of many
numbers.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.c_loops import loop
from benchmarks.machine import inversion
from benchmarks.machine.inversion import BITS
from estimators.special import loops

CHECKED = [(2, 32, 1), (5, 64, 3), (16, 64, 10), (16, 2048, 1)]  # K, N and P whose bits must agree


def looked_up(table: NDArray, x: NDArray, out: NDArray) -> bool:
    """See `loops`."""
    return bool(loop("looked_up")(*x.shape, table.shape[1], table, x, out))


def inverted(bits: NDArray, table: NDArray, first: int, cdf: NDArray, out: NDArray) -> None:
    """See `inversion`."""
    loop("inverted")(len(out), len(cdf), 64 - BITS, bits, table, first, cdf, out)


def weighted_sums(weight: NDArray, z: NDArray, first: NDArray, second: NDArray) -> None:
    """See `loops`."""
    loop("weighted_sums")(*z.shape, weight, z, first, second)


def by_torch(weight: NDArray, z: NDArray) -> tuple[NDArray, NDArray]:
    """The same sums by torch."""
    w, z = torch.from_numpy(weight).unsqueeze(-1), torch.from_numpy(z)
    return (w * z).sum(0).numpy(), (w * z * z).sum(0).numpy()


def agrees(shape: tuple[int, int, int]) -> bool:
    """Whether sums of weights [K, N] and numbers [K, N, P] have torch's bits."""
    draw = np.random.default_rng(0)
    weight, z = draw.normal(size=shape[:2]), draw.normal(size=shape)
    ours = np.empty((2, *shape[1:]))
    weighted_sums(weight, z, *ours)
    return all(map(np.array_equal, ours, by_torch(weight, z)))


def use() -> None:
    """Use these loops from now on; for sums, if they are added up as by the torch installed."""
    inversion.look_up_by(inverted)
    loops.bring(looked_up=looked_up)
    if all(map(agrees, CHECKED)):
        loops.bring(weighted_sums=weighted_sums)
