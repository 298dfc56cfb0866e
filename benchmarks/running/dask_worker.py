"""What a worker of a cluster does: whole cells, and blocks of the large ones of others."""

import signal
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from pathlib import Path
from threading import Lock
from uuid import uuid4

from distributed import get_client, worker_client
from torch import Tensor

from benchmarks.machine.allocator import keep_freed_memory
from benchmarks.machine.environment import context, note_file
from benchmarks.machine.timing import one_thread
from benchmarks.measuring.cell import Cell, Counts
from benchmarks.measuring.measurement import Measurement
from benchmarks.objective.definition import unvalidated
from benchmarks.objective.loading import installed_plugins, read_file
from benchmarks.running.child_process import Child, measure_in, time_in
from benchmarks.running.job import Job, cell_of, measure

LARGE = 5.0  # seconds after which the blocks of a cell are given to all workers
# Torch's random numbers belong to the process: one cell or block at a time, however many threads.
_turn = Lock()


@dataclass(frozen=True)
class Order:
    """What every worker is told: the files to run first, and seconds."""

    plugins: tuple[str, ...] = ()
    limit: float | None = None  # of a cell
    large: float = LARGE  # before a cell's blocks are given to all
    run: str = field(default_factory=lambda: uuid4().hex)


def dask_setup(worker) -> None:
    """What dask calls in a worker of this machine: ctrl-C is the coordinator's business."""
    keep_freed_memory()  # against dask's own setting
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def measure_there(order: Order, job: Job) -> tuple[Measurement, dict]:
    """Measure a cell, and say where."""
    _prepare(order.plugins)
    with _turn:
        if order.limit:
            measured = measure_in(_child(order), job)
        else:
            measured = measure(job, partial(_blocks, order, job))
        return measured, _where(order.run)


def time_there(order: Order, job: Job, record: dict) -> tuple[dict, dict]:
    """Time a cell that was measured, and say where."""
    _prepare(order.plugins)
    with _turn:
        return time_in(_child(order) if order.limit else None, job, record), _where(order.run)


def block_there(order: Order, job: Job, index: int, size: int) -> tuple[Tensor, Counts]:
    """The gradients of one block of a cell, [R, P], and what its cost counted."""
    _prepare(order.plugins)
    with _turn, one_thread(), unvalidated():
        g, counts = cell_of(job).counted(index, size)
    return g.detach(), counts


def _blocks(
    order: Order, job: Job, cell: Cell, sizes: Iterable[int]
) -> Iterator[tuple[Tensor, Counts]]:
    """The blocks of a cell in their order: made here, but by all workers if that takes long."""
    start = time.monotonic()
    left = deque(enumerate(sizes))
    while left:
        yield cell.counted(*left.popleft())
        if time.monotonic() - start > order.large and cell.device.type == "cpu":
            break
    if left and len(get_client().nthreads()) > 1:
        yield from _from_all(partial(block_there, order, job), left)
    yield from (cell.counted(*block) for block in left)


def _from_all(make: Callable, left: deque[tuple[int, int]]) -> Iterator[tuple[Tensor, Counts]]:
    """The blocks that are left, made by all workers; a few are always under way."""
    under_way = deque()
    # This thread gives up its place on the worker while it waits, and draws no random numbers.
    with _others_turn(), worker_client() as client:
        ahead = 2 * len(client.nthreads())
        try:
            while left or under_way:
                while left and len(under_way) < ahead:
                    index, size = left.popleft()
                    under_way.append(client.submit(make, index, size, pure=False, priority=1))
                yield under_way.popleft().result()
        finally:
            client.cancel(list(under_way))


@contextmanager
def _others_turn() -> Iterator[None]:
    _turn.release()
    try:
        yield
    finally:
        _turn.acquire()


@cache
def _prepare(plugins: tuple[str, ...]) -> None:
    installed_plugins()
    for plugin in plugins:
        read_file(Path(plugin))
        note_file(Path(plugin))


@cache
def _child(order: Order) -> Child:
    return Child(tuple(map(Path, order.plugins)), order.limit)


@lru_cache(maxsize=1)
def _where(run: str) -> dict:
    """The context of this worker, once a run."""
    return context()
