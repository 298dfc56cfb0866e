"""Scores of many samples, and counts by inversion: tables and sums over samples in one walk each.

Needs numba, of the extra `fast`. The same bits as by torch: sums are added up in the order of k, as
torch adds up few samples of many numbers.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.machine import inversion
from benchmarks.machine.inversion import BITS
from benchmarks.statistics.machine_code import compiled
from estimators.special import loops

U = np.uint64
CHECKED = [(2, 32, 1), (5, 64, 3), (16, 64, 10), (16, 2048, 1)]  # K, N and P whose bits must agree


@compiled()
def looked_up(table, x, out):
    """See `loops`."""
    broken = 0
    for n in range(x.shape[0]):
        for p in range(x.shape[1]):
            place = np.int32(x[n, p])
            broken += place != x[n, p]
            out[n, p] = table[p, np.uint32(place)]  # of which none counts from the end
    return broken == 0


@compiled()
def inverted(bits, table, first, cdf, out):
    """See `inversion`."""
    for i in range(len(out)):
        value = table[bits[i] >> U(64 - BITS)]
        if value < 0:
            u = (bits[i] >> U(12)) * 2.0**-52
            value = first + np.searchsorted(cdf, u, side="right")
        out[i] = value


@compiled()
def weighted_sums(weight, z, first, second):
    """See `loops`."""
    for n in range(z.shape[1]):
        a, b = first[n], second[n]
        a[:], b[:] = 0.0, 0.0
        for k in range(z.shape[0]):
            w, row = weight[k, n], z[k, n]
            for p in range(len(row)):
                term = w * row[p]
                a[p] += term
                b[p] += term * row[p]


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
