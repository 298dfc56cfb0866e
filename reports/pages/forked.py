"""Work that is shared among forked processes, which know all that this one knows."""

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

FEWEST = 8  # works from which a process of its own pays

Result = TypeVar("Result")
_works: Sequence[Callable[[], object]] = ()  # of the processes that are forked next


def results(works: Sequence[Callable[[], Result]]) -> list[Result]:
    """What each of `works` returns, in their order; by a process for each processor where it pays.

    They may differ only by what they return and write to files. Here, one after the other, they are
    done where processes cannot be forked safely: beside other threads, and on other systems.
    """
    global _works
    count = min(_processors(), len(works) // FEWEST)
    if count < 2 or not sys.platform.startswith("linux") or _threads() > 1:
        return [work() for work in works]
    _works = works
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # about threads, which there are not
            with ProcessPoolExecutor(count, get_context("fork"), _on_one_thread) as pool:
                return list(pool.map(_result, range(len(works))))
    except BrokenProcessPool:  # one was ended from outside
        return [work() for work in works]
    finally:
        _works = ()


def _result(place: int) -> object:
    return _works[place]()


def _on_one_thread() -> None:
    """Let torch wait for no thread of OpenMP: those that this process had were not forked."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _threads() -> int:
    """Those of Python, also where they were started below `threading`."""
    return len(sys._current_frames())


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
