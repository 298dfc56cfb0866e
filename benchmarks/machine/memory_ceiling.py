"""What a cell asks for beyond the memory that is free is refused, and the process goes on.

Linux grants memory that it does not have, and ends some process when it is touched. Below a ceiling
an allocation fails at once, in NumPy, torch and Python alike: a MemoryError, and a record.
"""

import re
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from benchmarks.machine import memory, memory_groups

STATUS = Path("/proc/self/status")
SHARE = 0.9  # of what is free; the rest is for whatever else runs on the machine
REFUSED = re.compile(r"can't allocate memory|std::bad_alloc|Unable to allocate")
SHOWN = 120  # characters of what a library says
_lock = threading.Lock()
_inside: list[None] = []  # one for each that has entered, by whichever thread
_before: list[tuple[int, int] | None] = []  # the limits to put back


@contextmanager
def memory_ceiling() -> Iterator[None]:
    """Inside, the process may take 0.9 of the memory that is free on entering, and no more.

    Counted is what it maps for itself and may write (RLIMIT_DATA); nothing where the system does
    not tell it, and once CUDA is in use, which maps more than it takes. The limit is the process's:
    the first to enter sets it, and the last to leave puts it back.
    """
    with _lock:
        if not _inside:
            _before.append(_lower())
        _inside.append(None)
    try:
        yield
    finally:
        with _lock:
            _inside.pop()
            if not _inside and (before := _before.pop()) is not None:
                resource.setrlimit(resource.RLIMIT_DATA, before)


def _lower() -> tuple[int, int] | None:
    """Set the ceiling; the limits as they were, or None where none is set."""
    held = _mapped()
    if held is None or torch.cuda.is_initialized():
        return None
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    given = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    allowed = min(held + int(SHARE * memory.free_memory()), *given, memory_groups.NONE)
    resource.setrlimit(resource.RLIMIT_DATA, (allowed, hard))
    return soft, hard


def want_of_memory(failure: BaseException) -> str | None:
    """The sentence for an exception that says that memory was asked for and not given, or None."""
    if isinstance(failure, memory.OverLimit):
        return None  # a limit of ours, with a sentence of its own
    lacking = isinstance(failure, RuntimeError) and REFUSED.search(str(failure))
    if not lacking and not isinstance(failure, MemoryError):
        return None
    first = f"{type(failure).__name__}: {(str(failure).strip() or 'no message').splitlines()[0]}"
    return (
        "It asked for more memory than is free; use fewer samples, replicates or parameters, or a "
        f"machine with more ({first[:SHOWN]})."
    )


def _mapped() -> int | None:
    """Bytes that the process has mapped for itself and may write."""
    try:
        found = re.search(r"^VmData:\s+(\d+) kB", STATUS.read_text(), re.MULTILINE)
    except OSError:
        return None
    return int(found[1]) * 1024 if found else None
