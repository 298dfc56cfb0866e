"""Freed memory stays with the process: the next block needs as much again.

The allocator of most Linux systems gives large pieces back to the system at once, and dask tells it
to. Then up to a quarter of the time of a block goes into new pages.
"""

import ctypes
import sys
from functools import cache

KEPT = 2**28  # bytes that are free before the system gets any back
# The same for a process that is about to start.
ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": str(KEPT), "MALLOC_MMAP_THRESHOLD_": str(KEPT)}
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # in <malloc.h>


@cache
def keep_freed_memory() -> None:
    """Have this process keep its freed memory, where its allocator can be told so."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt:
        mallopt(_TRIM_THRESHOLD, KEPT)
        mallopt(_MMAP_THRESHOLD, KEPT)


def give_back_freed_memory() -> None:
    """Give what is free, also between pieces that are not, back to the system, where it can be.

    It is for between the stages of a large cell: sizes differ, and one stage cannot always use the
    gaps that another left.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim:
        trim(0)
