"""R1 to R3: the same bits whoever works on the blocks, exact merging, no colliding streams."""

import random
from collections.abc import Iterator

import numpy as np
import torch

from benchmarks.calibration import exact_cells
from benchmarks.calibration.repetitions import cell
from benchmarks.calibration.table import Line, exact
from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.statistics.moments import Moments, Table
from benchmarks.statistics.stopping import Plan

WORKERS = (1, 2, 3, 7, 64)
FAR = 1e6  # mean / sd of the numbers whose moments are merged


def lines(streams: int, seed: int) -> Iterator[Line]:
    """The three lines; `streams` is how many keys are compared."""
    results = [_dealt(workers, seed) for workers in WORKERS]
    differing = sum(not _same(results[0], other) for other in results[1:])
    what = "numbers of workers (1, 2, 3, 7, 64; any order) with other bits"
    yield exact("R1", what, differing, len(WORKERS), 0, "0")
    yield exact(
        "R2", "largest relative error of merged moments, mean / sd = 10⁶", merge_error(seed),
        4, 1e-10, "≤ 1e-10",
    )  # fmt: skip
    keys = {stream_key("block", seed, "problem", 1, index) for index in range(streams)}
    first = {_first_numbers(index) for index in range(streams // 100)}
    collisions = streams - len(keys) + streams // 100 - len(first)
    yield exact("R3", "colliding streams", collisions, streams, 0, "0")


def _dealt(workers: int, seed: int) -> Moments:
    """A cell whose blocks were made by so many workers, each in an order of its own."""
    one = cell(exact_cells.normal_quadratic(0.0, "reinforce-loo", 4, 50), seed)
    sizes = list(Plan.of(9_000, one.problem.numbers(4)).sizes())
    order = list(range(len(sizes)))
    random.Random(workers).shuffle(order)
    blocks = {}
    for worker in range(workers):
        torch.rand(worker)  # whatever else the worker has drawn
        for index in order[worker::workers]:
            blocks[index] = one.block(index, sizes[index])
    table = Table(Plan.of(9_000, one.problem.numbers(4)).chunk)
    for index in range(len(sizes)):
        table.add(blocks[index])
    return table.whole()


def _same(a: Moments, b: Moments) -> bool:
    names = ("count", "mean", "m2", "m3", "m4", "q3", "q4")
    return all(torch.equal(getattr(a, name), getattr(b, name)) for name in names)


def merge_error(seed: int) -> float:
    """The largest relative error of mean, m2, m3 and m4 against sums in extended precision."""
    rng = np.random.default_rng(seed)
    x = FAR + rng.exponential(size=(50_000, 3))
    table = Table(chunk=64)
    for block in np.array_split(x, 137):
        table.add(torch.from_numpy(block))
    whole, long = table.whole(), x.astype(np.longdouble)
    d = long - long.mean(0)
    direct = {"mean": long.mean(0), **{f"m{k}": (d**k).sum(0) for k in (2, 3, 4)}}
    return max(
        float(np.abs(getattr(whole, name)[0].numpy() / value - 1).max())
        for name, value in direct.items()
    )


def _first_numbers(index: int) -> bytes:
    with stream(stream_key(index)):
        return torch.rand(2, dtype=torch.float64).numpy().tobytes()
