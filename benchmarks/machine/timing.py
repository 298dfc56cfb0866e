"""What an estimate costs: seconds in the batched loop, and the memory of a block."""

import math
import os
import sys
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.machine.dispatch_mode import DispatchMode
from benchmarks.statistics.intervals import t_quantile

ROUNDS = 9  # at most
FIRST = 4  # rounds, which say how many are needed
WIDTH = 0.1  # relative half-width of the interval of the seconds that is enough
ROUND_SECONDS = 2e-3  # shorter rounds drown in the clock
BUDGET_SECONDS = 0.15


class Timing(NamedTuple):
    """Seconds per estimate: the median of the rounds with a 95 % interval."""

    seconds: float
    low: float
    high: float
    log_sd: float
    rounds: int


def time_block(block: Callable[[], object], replicates: int, device: torch.device) -> Timing:
    """Time `block`, which makes `replicates` estimates: CPU time, or synchronised time on a GPU.

    Nothing but the work is timed; such a block must have run before, as in `peak_memory`.
    """
    with pinned():
        once = elapsed(block, 1, device)
        repeats = max(1, round(ROUND_SECONDS / max(once, 1e-7)))
        most = int(np.clip(BUDGET_SECONDS / (once * repeats), 3, ROUNDS))
        each = [once] if repeats == 1 else []
        each += [
            elapsed(block, repeats, device) / repeats for _ in range(min(FIRST, most) - len(each))
        ]
        rounds = min(enough(each), most)
        each += [elapsed(block, repeats, device) / repeats for _ in range(rounds - len(each))]
    logs = np.log(each) - np.log(replicates)
    median, log_sd = float(np.exp(np.median(logs))), float(logs.std(ddof=1))
    half = half_width(log_sd, rounds)
    return Timing(median, median * np.exp(-half), median * np.exp(half), log_sd, rounds)


def enough(first: list[float]) -> int:
    """How many rounds the interval needs, as the spread of the `first` ones says (Stein 1945)."""
    spread = float(np.std(np.log(first), ddof=1))
    return max(len(first), math.ceil(len(first) * (half_width(spread, len(first)) / WIDTH) ** 2))


def half_width(log_sd: float, rounds: int) -> float:
    """Of the interval of the log of a median."""
    return t_quantile(rounds - 1) * log_sd * np.sqrt(np.pi / 2 / rounds)


def elapsed(block: Callable[[], object], repeats: int, device: torch.device) -> float:
    """Seconds of so many calls: of this thread's processor, or synchronised ones of a GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    clock = time.perf_counter if device.type == "cuda" else _processor_clock()
    start = clock()
    for _ in range(repeats):
        block()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return clock() - start


def _processor_clock() -> Callable[[], float]:
    """CPU time of this thread, or of all threads where JAX may compute in threads of its own."""
    return time.process_time if "jax" in sys.modules else time.thread_time


def peak_memory(block: Callable[[], object], device: torch.device) -> int:
    """Peak bytes of the tensors that `block` holds at one time."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        block()
        return torch.cuda.max_memory_allocated(device) - before
    with Storages() as storages:
        block()
    return storages.peak


class Storages(DispatchMode):
    """Adds up the storages alive among the results of torch operations."""

    def __init__(self):
        super().__init__()
        self.alive: dict[int, weakref.ref] = {}
        self.now = self.peak = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return out

    def _count(self, storage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self.alive:
            return

        def freed(_):
            del self.alive[key]
            self.now -= size

        self.alive[key] = weakref.ref(storage, freed)
        self.now += size
        self.peak = max(self.peak, self.now)


def processors() -> set[int]:
    """Those that this thread may run on, where the system tells and lets one choose."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_setaffinity") else set()


@contextmanager
def pinned() -> Iterator[None]:
    """Keep this thread on one processor, the same for all that this process times."""
    before = processors()
    if before:
        pin(0, {sorted(before)[os.getpid() % len(before)]})
    try:
        yield
    finally:
        if before:
            pin(0, before)


def pin(process: int, to: set[int]) -> None:
    """Keep a process, or this thread (0), on these processors, where that is allowed."""
    with suppress(OSError):
        os.sched_setaffinity(process, to)


@contextmanager
def one_thread() -> Iterator[None]:
    """Pin torch to one thread: the same bits everywhere, and for blocks of this size faster."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
