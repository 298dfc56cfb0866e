"""Settings of the process that somebody's code may change, put back when it has ended."""

import gc
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy
import torch
from torch.distributions import Distribution

from benchmarks.machine.timing import pin, processors

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)


@contextmanager
def settings_kept() -> Iterator[None]:
    """Put back on leaving what was set before: see `_SETTINGS`, the environment and signals."""
    before = [(put_back, read, read()) for read, put_back in _SETTINGS]
    environment, handlers = dict(os.environ), _handlers()
    try:
        yield
    finally:
        for put_back, read, value in before:
            if _now(read) != value:
                with suppress(OSError):  # a folder that is gone
                    put_back(value)
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)
        for number, handler in handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:
        return None


def _default_device() -> torch.device | None:
    mode = torch.get_default_device()
    return None if mode == torch.device("cpu") else mode


def _handlers() -> dict[int, Any]:
    """Those of the main thread, which alone may set any; of handlers that Python can set."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    known = {number: signal.getsignal(number) for number in SIGNALS}
    return {number: handler for number, handler in known.items() if handler is not None}


def _now(read: Callable) -> Any:
    try:
        return read()
    except Exception:  # whatever was set, it is put back
        return read


def _mask() -> int:
    """The permissions that new files do not have; asking means setting."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _set_filters(filters: list) -> None:
    warnings.resetwarnings()  # has modules look at the filters again
    warnings.filters.extend(filters)


def _set_output(streams: tuple) -> None:
    sys.stdout, sys.stderr = streams


_SETTINGS = (
    (sys.getrecursionlimit, sys.setrecursionlimit),  # the first, for the others are calls
    (lambda: (sys.stdout, sys.stderr), _set_output),
    (lambda: list(warnings.filters), _set_filters),
    (_mask, os.umask),
    (numpy.geterr, lambda known: numpy.seterr(**known)),
    (gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    (_folder, lambda folder: folder and os.chdir(folder)),
    (torch.get_default_dtype, torch.set_default_dtype),
    (_default_device, torch.set_default_device),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.is_grad_enabled, torch.set_grad_enabled),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
    (torch.are_deterministic_algorithms_enabled, torch.use_deterministic_algorithms),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
    (lambda: Distribution._validate_args, Distribution.set_default_validate_args),
    (processors, lambda allowed: pin(0, allowed)),
)
